// One encoder for several tasks, its first values from their texts. Read tasks/model/log_odds.h first.
#include "tasks/model/of_tasks.h"

#include "tasks/model/log_odds.h"

namespace model {

std::vector<spec::TaskSpec> specs_of(const spec::TaskSet& set) {
  std::vector<spec::TaskSpec> specs;
  for (const spec::Task& task : set.tasks) specs.push_back(task.spec);
  return specs;
}

std::unique_ptr<TextModel> build_of_tasks(const BuildOptions& options, spec::TaskSet& set, uint64_t seed) {
  std::vector<text::Example> texts;
  for (const spec::Corpus& corpus : set.corpora)
    texts.insert(texts.end(), corpus.examples[spec::kTrain].begin(), corpus.examples[spec::kTrain].end());
  std::unique_ptr<TextModel> model = build(options, specs_of(set), texts, seed);
  model->settings["seed"] = seed;
  spec::encode(set, model->tokenizer, model->reading.max_length, model->reading.how());
  start_from_counts(*model, set);
  if (options.log_odds > 0) start_from_log_odds(*model, set, options.log_odds);
  return model;
}

}  // namespace model
