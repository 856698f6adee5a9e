// From what the heads say to figures. Read tasks/score/metrics.h first.
#include "tasks/model/evaluate.h"

#include <algorithm>
#include <cmath>

#include "engine/strings.h"

#include "tasks/run/console.h"
#include "tasks/run/progress.h"
#include "tasks/score/numbers.h"
#include "tasks/score/sets.h"
#include "tasks/score/spans.h"
#include "tasks/spec/loss.h"
#include "tasks/text/utf8.h"

namespace model {

using nn::ordered_json;

bool lower_is_better(const std::string& metric) { return metric == "loss" || metric == "mse" || metric == "mae"; }

double Evaluation::merit(const std::string& metric) const {
  return lower_is_better(metric) ? -value(metric) : value(metric);
}

std::string Evaluation::line() const {
  std::string line;
  for (const auto& [name, value] : figures.items())
    line += fmt::format("{}{} {:.4f}", line.empty() ? "" : "  ", name, value.get<double>());
  return line;
}

namespace {

// Words that two blanks part, on lines of at most `columns`.
std::string wrapped(const std::string& words, size_t columns) {
  std::string text;
  size_t used = 0;
  for (size_t at = 0; at < words.size();) {
    const size_t end = std::min(words.find("  ", at), words.size());
    const std::string word = words.substr(at, end - at);
    const bool fits = used == 0 || used + 2 + word.size() <= columns;
    text += (used == 0 ? "" : fits ? "  " : "\n") + word;
    used = (fits && used > 0 ? used + 2 : 0) + word.size();
    at = end + 2;
  }
  return text;
}

}  // namespace

std::string Evaluation::text(size_t columns, Says says) const {
  constexpr size_t kWorst = 10, kConfusions = 20;
  std::string text;
  if (report && report->names.size() >= kManyClasses) {
    text += score::summary_of(*report, says == Says::mistakes ? kWorst : 0, columns) + "\n";
  } else if (report) {
    score::Report shown = *report;
    for (std::string& name : shown.names) name = text::fitted(name, columns - std::min<size_t>(columns, 41));
    text += score::to_text(shown) + "\n";
  }
  if (confusion && says == Says::mistakes) {
    const std::string matrix =
        report->names.size() < kManyClasses ? score::to_text(*confusion, report->names) : std::string();
    const bool fits = !matrix.empty() && text::columns_of(matrix.substr(0, matrix.find('\n'))) <= columns;
    const std::string shown = fits ? matrix : score::confusions_of(*confusion, report->names, kConfusions, columns);
    text += shown.empty() ? "" : shown + "\n";
  }
  return text + wrapped(line(), columns) + "\n";
}

ordered_json Evaluation::json() const {
  ordered_json result = figures;
  if (report) result["report"] = score::to_json(*report);
  if (!confusion) return result;
  ordered_json& rows = result["confusion"] = ordered_json::array();
  for (int t = 0; t < confusion->classes; ++t) {
    rows.push_back(ordered_json::array());
    for (int p = 0; p < confusion->classes; ++p) rows.back().push_back(confusion->at(t, p));
  }
  return result;
}

namespace {

std::vector<std::vector<std::string>> tag_names(const spec::TaskSpec& task, const std::vector<Indices>& tags) {
  std::vector<std::vector<std::string>> names;
  for (const Indices& text : tags) {
    names.emplace_back();
    for (int tag : text) names.back().push_back(task.labels.name(tag));
  }
  return names;
}

Evaluation of_tags(const spec::Task& task, const spec::Targets& targets, const Outputs& outputs) {
  std::vector<std::vector<std::string>> predicted;
  std::vector<int> y_true, y_pred;
  for (size_t i = 0; i < outputs.tags.size(); ++i) {
    predicted.push_back(tags_of_words(task.spec, outputs.tags[i], targets.places[i]));
    for (size_t w = 0; w < predicted[i].size(); ++w) {
      y_true.push_back(targets.tags[i][w]);
      const auto& names = task.spec.labels.names();
      y_pred.push_back(int(std::find(names.begin(), names.end(), predicted[i][w]) - names.begin()));
    }
  }
  const score::Confusion confusion = score::confusion_matrix(y_true, y_pred, task.spec.labels.size());
  return {{{"entity_f1", score::entity_f1(tag_names(task.spec, targets.tags), predicted)},
           {"accuracy", score::accuracy(confusion)},
           {"macro_f1", score::macro_f1(confusion)}},
          {},
          {}};
}

Evaluation of_label(const spec::Task& task, const spec::Targets& targets, const Outputs& outputs) {
  const std::vector<std::string>& labels = task.spec.labels.names();
  Evaluation e;
  const score::Confusion c = score::confusion_matrix(targets.classes, outputs.best(), int(labels.size()));
  e.confusion = c;
  e.report = score::make_report(c, labels);
  e.figures = {{"accuracy", score::accuracy(c)},
               {"macro_f1", score::macro_f1(c)},
               {"macro_recall", score::macro_recall(c)},
               {"mcc", score::mcc(c)},
               {"kappa", score::cohen_kappa(c)}};
  if (labels.size() == 2 && c.support(0) > 0 && c.support(1) > 0) {
    std::vector<double> score;
    for (const auto& p : outputs.scores) score.push_back(p[1]);
    e.figures["roc_auc"] = score::roc_auc(targets.classes, score);
  }
  return e;
}

// What the classes are called, as numbers; where one is none, their places.
std::vector<double> values_of(const text::Labels& labels) {
  std::vector<double> values, places;
  for (const std::string& name : labels.names()) {
    places.push_back(double(places.size()));
    if (const auto value = engine::parse_number<double>(name)) values.push_back(*value);
  }
  return values.size() == places.size() ? values : places;
}

Evaluation of_ordinal(const spec::Task& task, const spec::Targets& targets, const Outputs& outputs) {
  const std::vector<double> values = values_of(task.spec.labels);
  std::vector<double> y_true, y_pred;
  for (const int c : targets.classes) y_true.push_back(values[size_t(c)]);
  for (const int c : outputs.best()) y_pred.push_back(values[size_t(c)]);
  Evaluation e;
  e.confusion = score::confusion_matrix(targets.classes, outputs.best(), task.spec.labels.size());
  e.report = score::make_report(*e.confusion, task.spec.labels.names());
  e.figures = {{"accuracy", score::accuracy(*e.confusion)},
               {"quadratic_kappa", score::quadratic_kappa(*e.confusion)},
               {"mae", score::mean_absolute_error(y_true, y_pred)},
               {"macro_f1", score::macro_f1(*e.confusion)}};
  return e;
}

constexpr double kMostWhole = 100;  // the range of whole numbers that are compared as classes

// Predicted numbers beside whole ones, as the nearest whole number; nothing where the truth is not whole.
std::optional<score::Confusion> rounded(const std::vector<double>& y_true, const std::vector<double>& y_pred) {
  const auto [low, high] = std::minmax_element(y_true.begin(), y_true.end());
  if (*high - *low > kMostWhole) return std::nullopt;
  std::vector<int> truth, said;
  for (size_t i = 0; i < y_true.size(); ++i) {
    if (y_true[i] != std::round(y_true[i])) return std::nullopt;
    truth.push_back(int(y_true[i] - *low));
    said.push_back(int(std::round(std::clamp(y_pred[i], *low, *high)) - *low));
  }
  return score::confusion_matrix(truth, said, int(*high - *low) + 1);
}

Evaluation of_number(const spec::Targets& targets, const Outputs& outputs) {
  std::vector<double> y;
  for (const auto& row : outputs.scores) y.push_back(row[0]);
  Evaluation e;
  e.figures = {{"pearson", score::pearson(targets.numbers, y)},
               {"spearman", score::spearman(targets.numbers, y)},
               {"mse", score::mean_squared_error(targets.numbers, y)},
               {"mae", score::mean_absolute_error(targets.numbers, y)}};
  if (const auto c = rounded(targets.numbers, y)) {
    e.figures["accuracy"] = score::accuracy(*c);
    e.figures["quadratic_kappa"] = score::quadratic_kappa(*c);
  }
  return e;
}

Evaluation of_labels(const spec::Targets& targets, const Outputs& outputs) {
  score::LabelSets y;
  for (const auto& row : outputs.scores) {
    y.emplace_back();
    for (double p : row) y.back().push_back(p > 0.5);
  }
  return {{{"micro_f1", score::micro_f1(targets.sets, y)}, {"macro_f1", score::macro_f1(targets.sets, y)}}, {}, {}};
}

}  // namespace

Evaluation evaluate(const spec::Task& task, const spec::Targets& targets, const Outputs& outputs) {
  switch (task.spec.head) {
    case nn::Predicts::label:
      return of_label(task, targets, outputs);
    case nn::Predicts::ordinal:
      return of_ordinal(task, targets, outputs);
    case nn::Predicts::tags:
      return of_tags(task, targets, outputs);
    case nn::Predicts::number:
      return of_number(targets, outputs);
    default:
      return of_labels(targets, outputs);
  }
}

std::vector<Evaluation> evaluate(const TextModel& model, const spec::TaskSet& set, spec::Split split,
                                 const std::string& progress_name, std::vector<Outputs>* kept) {
  std::vector<Evaluation> evaluations(set.tasks.size());
  if (kept) kept->resize(set.tasks.size());
  std::vector<spec::Task> judged;  // the model's own mean and deviation: a directory's numbers are in their own unit
  for (size_t t = 0; t < set.tasks.size(); ++t) {
    judged.push_back({set.tasks[t].spec, set.tasks[t].corpus, {}, {}});
    judged[t].spec.mean = model.tasks[t].mean;
    judged[t].spec.deviation = model.tasks[t].deviation;
  }
  for (size_t c = 0; c < set.corpora.size(); ++c) {
    const text::EncodedSet& texts = set.corpora[c].texts[split];
    if (texts.size() == 0) continue;
    std::vector<size_t> heads;
    for (size_t t = 0; t < set.tasks.size(); ++t)
      if (set.tasks[t].corpus == int(c)) heads.push_back(t);
    std::vector<double> loss(set.tasks.size());
    const auto add_loss = [&](size_t t, const Tensor& logits, const text::Batch& batch) {
      const spec::Task& task = judged[t];
      loss[t] +=
          double(batch.rows.size()) * double(spec::plain_loss(task, set.tasks[t].targets[split], logits, batch).item());
    };
    run::Progress progress(progress_name, texts.size());
    const std::vector<Outputs> outputs = predict(model, texts, heads, add_loss, [&](long done) {
      if (!progress_name.empty()) progress.update(done);
    });
    progress.interrupt();
    for (size_t i = 0; i < heads.size(); ++i) {
      const spec::Task& task = set.tasks[heads[i]];
      const Evaluation e = evaluate(task, task.targets[split], outputs[i]);
      evaluations[heads[i]] = e;
      evaluations[heads[i]].figures = {{"loss", loss[heads[i]] / double(texts.size())}};
      evaluations[heads[i]].figures.update(e.figures);
      if (kept) (*kept)[heads[i]] = outputs[i];
    }
  }
  return evaluations;
}

}  // namespace model
