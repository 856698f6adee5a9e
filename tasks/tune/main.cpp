// Tune: find good settings of a program by running it: open the study, run trials, show what came out. Read
// tasks/tune/trials.h next: the loop; then tasks/search/study.h: what it asks.
#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "nn/format/files.h"
#include "tasks/events/writer.h"
#include "tasks/run/console.h"
#include "tasks/tune/compare.h"
#include "tasks/tune/experiment.h"
#include "tasks/tune/report.h"
#include "tasks/tune/trials.h"

namespace {

namespace fs = std::filesystem;
using engine::check;
using search::StudyRecord;

// The journal of a search's directory, or one that is named itself, and the study in it.
struct Kept {
  std::string path, name, out;

  void declare(run::Options& options) {
    options.add("DIR", path, "the directory of a search, or a journal file, Optuna's too").reads().required();
    options.add("--name", name, "the study, where there are several in it");
  }
  search::Journal read() const {
    search::Journal journal(fs::is_directory(path) ? path + "/journal.log" : path);
    journal.read();
    check(journal.study(name).directions.size() == 1, "{}: a study of several values, which is not read here", path);
    return journal;
  }
};

std::string metric_of(const StudyRecord& study) {
  const auto metric = study.user.find("metric");
  return metric != study.user.end() && metric->is_string() ? metric->get<std::string>() : "";
}

std::string quoted(const std::string& word) {
  const bool plain =
      word.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-=./,:+@%") ==
      std::string::npos;
  if (plain && !word.empty()) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? "'\\''" : std::string(1, c);
  return text + "'";
}

// The call that makes the best trial again, where the journal knows the command.
std::string command_of(const StudyRecord& study, const search::Trial& best) {
  const auto command = study.user.find("command");
  std::vector<std::string> words = tune::options_of(best);
  if (command != study.user.end() && command->is_array())
    words = tune::words_of(command->get<std::vector<std::string>>(), best, search::Study::seed_of(best), "best");
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + quoted(word);
  return line;
}

void print_result(const StudyRecord& study, const std::string& where) {
  const search::Trial* best = search::best_of(study.trials, study.directions[0]);
  const auto count = [&](search::State s) {
    return std::count_if(study.trials.begin(), study.trials.end(), [&](const auto& t) { return t.state == s; });
  };
  fmt::print("result task=tune {}complete={} pruned={} failed={} out={}\n",
             best ? fmt::format("best={} trial={} ", *best->value, best->number) : "", count(search::State::complete),
             count(search::State::pruned), count(search::State::failed), where);
}

// Makes the directory of a search, or takes one; --overwrite removes what a search writes, and nothing else.
void prepare(const std::string& out, bool overwrite) {
  if (overwrite) {
    for (const std::string name : {"journal.log", "journal.log.lock", "trials", "report.html"})
      fs::remove_all(out + "/" + name);
    for (const std::string& file : events::event_files(out)) fs::remove(file);
  }
  std::error_code error;
  fs::create_directories(out + "/trials", error);
  check(!error, "{}: cannot be created: {}", out, error.message());
}

bool writes_events(const std::vector<std::string>& command) {
  return std::any_of(command.begin(), command.end(), [](const auto& word) { return word.starts_with("--events"); });
}

void tell(const StudyRecord& record, const tune::Setup& setup) {
  nn::write_file(setup.out + "/report.html", tune::report_html(record, setup.metric));
  fmt::print("\n{}\n{}", tune::best_table(record, 10, run::terminal_width()),
             tune::importance_table(search::importances(record.trials, setup.direction)));
  if (const search::Trial* best = search::best_of(record.trials, setup.direction))
    fmt::print("\nbest: {}\nreport: {}/report.html\n", command_of(record, *best), setup.out);
  print_result(record, setup.out);
}

void run_command(run::Options& options, const run::Parse& parse) {
  std::string file;
  tune::Setup setup;
  bool overwrite = false;
  options.add("--study", file, "what is searched: a JSON file, below").reads().required();
  options.add("--out", setup.out, "directory of the search; runs/tune-NAME if not given");
  options.add("--trials", setup.trials, "in all, instead of the file's `trials`").positive().hide_default();
  options.add("--jobs", setup.jobs, "trials at a time").between(1, 1000);
  options.add("--overwrite", overwrite, "begin anew: remove the journal and the trials of this directory");
  options.take_texts();
  options.footer(std::string("The program and its options come after --.\n") + tune::kExample);
  parse();
  const tune::StudyFile study_file = tune::read_study(file);
  search::StudySettings settings = study_file.settings;
  setup.command = options.texts();
  setup.metric = study_file.metric;
  setup.direction = settings.direction;
  if (!options.given("--trials")) setup.trials = study_file.trials;
  if (setup.out.empty()) setup.out = "runs/tune-" + settings.name;
  if (setup.command.empty())
    run::usage_error("which program? It and its options come after --: -- sentiment train ...");
  tune::require_fitting(setup.command, settings.space);
  tune::find_program(setup.command[0]);

  prepare(setup.out, overwrite);
  settings.kept = {{"metric", setup.metric}, {"command", setup.command}};
  search::Study study(setup.out + "/journal.log", settings);  // 1 begun, or gone on with
  run::print_note("study '{}', {} of {} trials are there, in {}\n", settings.name, study.record().trials.size(),
                  setup.trials, setup.out);
  if (writes_events(setup.command)) tune::write_experiment(setup.out, settings.space, setup.metric);
  tune::run_trials(study, setup);  // 2
  tell(study.record(), setup);     // 3
}

void best_command(run::Options& options, const run::Parse& parse) {
  Kept kept;
  long top = 10;
  kept.declare(options);
  options.add("--top", top, "so many trials").positive();
  parse();
  const search::Journal journal = kept.read();
  const StudyRecord& study = journal.study(kept.name);
  fmt::print("{}", tune::best_table(study, size_t(top), run::terminal_width()));
  const search::Trial* best = search::best_of(study.trials, study.directions[0]);
  check(best != nullptr, "{}: no trial is complete", kept.path);
  fmt::print("\nbest: {}\n", command_of(study, *best));
  print_result(study, kept.path);
}

void importance_command(run::Options& options, const run::Parse& parse) {
  Kept kept;
  kept.declare(options);
  options.footer(
      "PED-ANOVA (Watanabe et al. 2023): how far the values that the best tenth of the complete trials took differ "
      "from "
      "those of all. It tells what made trials good among those that were run.");
  parse();
  const search::Journal journal = kept.read();
  const StudyRecord& study = journal.study(kept.name);
  const auto all = search::importances(study.trials, study.directions[0]);
  fmt::print("{}", tune::importance_table(all));
  check(!all.empty(), "{}: nothing to tell yet", kept.path);
}

void report_command(run::Options& options, const run::Parse& parse) {
  Kept kept;
  std::string html;
  kept.declare(options);
  options.add("--html", html, "the file to write; DIR/report.html if not given").writes();
  parse();
  const search::Journal journal = kept.read();
  const StudyRecord& study = journal.study(kept.name);
  if (html.empty()) html = fs::is_directory(kept.path) ? kept.path + "/report.html" : kept.path + ".html";
  nn::write_file(html, tune::report_html(study, metric_of(study)));
  fmt::print("{}\n{}", tune::best_table(study, 10, run::terminal_width()),
             tune::importance_table(search::importances(study.trials, study.directions[0])));
  fmt::print("report: {}\n", html);
}

}  // namespace

// `tune --study FILE -- ...` is `tune run --study FILE -- ...`. Threads of this program have nothing to do: they are
// not bound to processors, or the trials would inherit that; the mark is taken out again for them (process.cpp).
int main(int argc, char** argv) {
  if (!std::getenv("OMP_PROC_BIND")) setenv("OMP_PROC_BIND", "FALSE", 1);
  std::string run = "run";
  std::vector<char*> words(argv, argv + argc);
  if (argc > 1 && std::string(argv[1]).starts_with("--") && std::string(argv[1]) != "--help" &&
      std::string(argv[1]) != "--version")
    words.insert(words.begin() + 1, run.data());
  words.push_back(nullptr);
  return run::program(int(words.size()) - 1, words.data(), "tune",
                      "Find good settings of a program: run it with many, and tell which were best.",
                      {{"run", "search, or go on; `tune --study FILE -- PROGRAM ...` is the same", run_command},
                       {"best", "the best trials of a search, and the command that makes the best again", best_command},
                       {"importance", "which parameters mattered", importance_command},
                       {"report", "a page with history, curves, parallel coordinates, importances", report_command},
                       {"compare", "samplers on functions whose minimum is known", tune::compare_command}});
}
