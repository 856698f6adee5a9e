// Signals that ask for an end: one, two at the same moment, and one that insists.
#include "tasks/run/stop.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "tests/support/support.h"

namespace {

// How a process ends that gets `first` signals at once and, 1.1 seconds later, `later` more: 128 + n or its exit
// status, the number of the signal that it has seen.
int ends(int first, int later) {
  const pid_t child = fork();
  if (child == 0) {
    run::listen_for_stop();
    for (int i = 0; i < first; ++i) std::raise(SIGTERM);
    if (later) usleep(1100000);
    for (int i = 0; i < later; ++i) std::raise(SIGTERM);
    _exit(run::stop_signal());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

TEST_CASE("stop: a signal is a wish, two at the same moment are one; a later one ends the program") {
  CHECK(ends(0, 0) == 0);
  CHECK(ends(1, 0) == SIGTERM);
  CHECK(ends(2, 0) == SIGTERM);
  CHECK(ends(1, 1) == 128 + SIGTERM);
}
