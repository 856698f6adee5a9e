// Predictions as JSON lines. Read tasks/model/predict.h first: what a head says of texts.
#include "tasks/objective/predictions.h"

#include <cmath>
#include <filesystem>

#include "nn/format/files.h"

namespace objective {

using nn::ordered_json;

void write_predictions(const std::string& path, const spec::TaskSet& set, size_t t, spec::Split split,
                       const model::Outputs& outputs) {
  const spec::Task& task = set.tasks[t];
  const bool number = task.spec.head == nn::Predicts::number;
  engine::check(number || task.spec.one_class(), "{}: predictions of one label or number a text", path);
  const spec::Targets& targets = task.targets[split];
  std::string lines;
  for (size_t i = 0; i < outputs.scores.size(); ++i) {
    const text::Example& example = set.corpora[size_t(task.corpus)].examples[split][size_t(targets.rows[i])];
    ordered_json line{{"where", std::filesystem::path(example.where).filename().string()}, {"text", example.text}};
    if (!example.pair.empty()) line["pair"] = example.pair;
    if (number) {
      line["label"] = targets.numbers[i];
      line["predicted"] = outputs.scores[i][0];
    } else {
      line["label"] = task.spec.labels.name(targets.classes[i]);
      line["predicted"] = task.spec.labels.name(outputs.best_of(i));
      for (size_t k = 0; k < outputs.scores[i].size(); ++k)  // a millionth: more is half of a large file
        line["scores"][task.spec.labels.name(int(k))] = std::round(outputs.scores[i][k] * 1e6) / 1e6;
    }
    lines += line.line() + "\n";
  }
  nn::write_file(path, lines);
}

}  // namespace objective
