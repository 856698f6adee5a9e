// Monitor: topics, sentiments and alerts of a stream of texts. Read watcher.cpp next: from a record to an event; the
// loop of `train` is that of tasks/sentiment/main.cpp with several heads.
#include "tasks/monitor/commands.h"
#include "tasks/run/console.h"

int main(int argc, char** argv) {
  return run::program(
      argc, argv, "monitor", "What is said in a stream of texts: topics, sentiment, trends, and few alerts.",
      {{"train", "one encoder with a head for topics, one for sentiment, one for sentiment towards a name",
        monitor::train},
       {"calibrate", "measure temperatures and confusions of a model on its dev texts, for `run`", monitor::calibrate},
       {"run", "read a stream, from a pipe or a file that grows; alerts on standard output", monitor::run},
       {"replay", "read a recorded stream, at any speed: the same alerts, to the bit", monitor::replay},
       {"serve", "the same with a page for the browser", monitor::serve},
       {"example", "print ninety days of a stream that was drawn, with three surges and a decoy", monitor::example},
       {"measure", "false alarms and surges found, by simulation or on series of counts", monitor::measure}});
}
