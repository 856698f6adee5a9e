// A command's options become those of `train`. Read tasks/sentiment/main.cpp first: the loop.
#include "tasks/sentiment/runs.h"

#include <filesystem>

#include "nn/format/files.h"
#include "tasks/run/fingerprint.h"

namespace sentiment {

void same_texts(const spec::TaskSet& set, const std::string& file) {
  run::Fingerprint all;
  for (const int split : {spec::kTrain, spec::kDev, spec::kTest})
    for (const text::Example& e : set.corpora[0].examples[split])
      all.add(spec::kSplitNames[split], e.text)
          .add(spec::kSplitNames[split], e.pair)
          .add(spec::kSplitNames[split], e.target + std::to_string(e.label));
  if (!std::filesystem::exists(file)) return nn::write_file(file, all.text());
  const std::string before = nn::read_file(file);
  engine::check(before == all.text(), "{}: what is there was begun with other texts{}; begin anew elsewhere", file,
                run::Fingerprint::difference(before, all.text()));
}

Outcome train_on(const Train& train, const run::Options& options, spec::TaskSet set, uint64_t seed,
                 const std::string& directory) {
  const run::Quiet quiet;
  run::Options own("sentiment train", "");
  objective::ClassifierOptions o;
  o.declare_learning(own);
  own.set("--seed", {std::to_string(seed)});
  options.pass_on(own);
  o.training.out = directory;
  o.settle(own, "sentiment");
  o.decide(own, set);
  if (std::filesystem::exists(directory + "/options.ini"))
    o.training.resume = directory;
  else
    std::filesystem::remove_all(directory);
  Outcome outcome{.model = o.model.model, .evaluation = {}, .outputs = {}};
  train(own, o, set, [&](const run::Training& training) {
    const auto best = model::load_model(model::ModelDirectory(training.best_directory()));
    std::vector<model::Outputs> outputs;
    outcome.evaluation = model::evaluate(*best, set, spec::kTest, "", &outputs)[0];
    outcome.outputs = outputs[0];
  });
  std::filesystem::remove_all(directory);
  return outcome;
}

}  // namespace sentiment
