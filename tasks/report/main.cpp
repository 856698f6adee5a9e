// Report: runs side by side as one page; runs for MLflow; how safe a model is to hand out. Read
// tasks/report/run_files.h next: what a run leaves.
#include <filesystem>
#include <map>

#include "nn/format/files.h"
#include "tasks/report/mlflow.h"
#include "tasks/report/page.h"
#include "tasks/report/safety.h"
#include "tasks/run/console.h"
#include "tasks/run/directory.h"

namespace {

std::vector<std::string> paths_of(const run::Options& options) {
  if (options.texts().empty()) run::usage_error("which run? name its directory, or several");
  return options.texts();
}

void page_command(run::Options& options, const run::Parse& parse) {
  std::string out = "report.html", task;
  report::PageOptions o;
  options.take_texts();
  options.footer("Arguments: directories of runs; the others are compared with the first one.");
  options.add("--out", out, "the page: one file that needs nothing else").writes();
  options.add("--task", task, "of runs of several tasks: whose predictions are looked at");
  options.add("--errors", o.errors, "texts with a wrong label that are shown of each run, the surest first")
      .between(0, 1000);
  options.add("--resamples", o.resamples, "of the test texts, to tell whether runs differ").between(1, 100000);
  parse();
  for (const std::string& path : paths_of(options))
    for (const std::string& file : report::files_of(path))
      engine::check(!run::same_file(out, file), "--out {}: a file of the run {}; name another", out, path);
  const std::vector<report::RunFiles> runs = report::read_runs(paths_of(options), task);
  const std::string html = report::page_of(runs, o);
  nn::write_file(out, html);
  fmt::print("result task=report runs={} bytes={} out={}\n", runs.size(), html.size(), out);
}

void mlflow_command(run::Options& options, const run::Parse& parse) {
  std::string out = "mlruns", experiment = "attune";
  options.take_texts();
  options.footer(
      "Arguments: directories of runs. `mlflow ui --backend-store-uri OUT` shows them; from MLflow 3.13 on with "
      "MLFLOW_ALLOW_FILE_STORE=true.");
  options.add("--out", out, "the folder of all experiments");
  options.add("--experiment", experiment, "the name of the experiment that they belong to");
  parse();
  const std::vector<report::RunFiles> runs = report::read_runs(paths_of(options));
  std::map<std::string, std::string> of_id;
  for (const report::RunFiles& run : runs) {
    const auto [there, first] = of_id.emplace(report::mlflow_id(run), run.path);
    engine::check(first, "{} and {} are one run: name it once", there->second, run.path);
  }
  for (const report::RunFiles& run : runs)
    fmt::print("{} {}\n", run.name, report::export_to_mlflow(run, out, experiment));
  fmt::print("result task=mlflow runs={} out={}\n", runs.size(), out);
}

}  // namespace

// `report RUN...` is `report page RUN...`.
int main(int argc, char** argv) {
  const std::vector<run::Command> commands{
      {"page", "runs side by side as one HTML file; `report RUN...` is the same", page_command},
      {"mlflow", "runs in the form of MLflow's folders", mlflow_command},
      {"safety", "whether training texts can be told from others, and pieces that flip a class",
       report::safety_command}};
  const std::string first = argc > 1 ? argv[1] : "";
  std::string page = "page";
  std::vector<char*> words(argv, argv + argc);
  const bool named = std::any_of(commands.begin(), commands.end(), [&](const auto& c) { return c.name == first; });
  const bool asks = first == "--help" || first == "-h" || first == "help" || first == "--version";
  if (!first.empty() && !named && !asks) words.insert(words.begin() + 1, page.data());
  words.push_back(nullptr);
  return run::program(int(words.size()) - 1, words.data(), "report", "What runs have learned, side by side.", commands);
}
