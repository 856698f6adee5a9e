// From logits to figures. Read tasks/text/metrics.h and tasks/text/scores.h first.
#include "tasks/multitask/report.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/debug.h"
#include "engine/profile.h"
#include "tasks/multitask/step.h"
#include "tasks/run/console.h"
#include "tasks/score/metrics.h"
#include "tasks/score/sets.h"

namespace multitask {

using engine::check;
using engine::real;

namespace {

int best_of(const real* row, long K) { return int(std::max_element(row, row + K) - row); }

void append(const TaskSpec& task, const Tensor& logits, const text::Batch& batch, Outputs& to) {
  const long K = logits.dim(1);
  check(engine::all_finite(logits.data(), logits.numel()), "task '{}': the logits hold a NaN or infinity", task.name);
  if (task.head == nn::HeadKind::tokens) {
    for (long b = 0; b < batch.tokens.sequences(); ++b) {
      Indices& tags = to.tags.emplace_back();
      for (int t = batch.tokens.offsets[b]; t < batch.tokens.offsets[b + 1]; ++t)
        tags.push_back(best_of(logits.data() + t * K, K));
    }
    return;
  }
  Tensor y = mean_over_windows(logits, batch);  // [B, K]
  if (task.head == nn::HeadKind::label && task.loss == "cross_entropy")
    y = engine::softmax(y);
  else if (task.head != nn::HeadKind::regression)
    y = engine::sigmoid(y);
  for (long b = 0; b < y.dim(0); ++b) {
    std::vector<double>& row = to.scores.emplace_back(y.data() + b * K, y.data() + (b + 1) * K);
    if (task.head == nn::HeadKind::regression) row[0] = row[0] * task.deviation + task.mean;
  }
}

std::vector<std::vector<std::string>> tag_names(const TaskSpec& task, const std::vector<Indices>& tags) {
  std::vector<std::vector<std::string>> names;
  for (const Indices& text : tags) {
    names.emplace_back();
    for (int tag : text) names.back().push_back(task.labels.name(tag));
  }
  return names;
}

Figures token_figures(const Task& task, const Targets& targets, const Outputs& outputs) {
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
  return {{"entity_f1", score::entity_f1(tag_names(task.spec, targets.tags), predicted)},
          {"accuracy", score::accuracy(confusion)},
          {"macro_f1", score::macro_f1(confusion)}};
}

Figures label_figures(const Task& task, const Targets& targets, const Outputs& outputs) {
  std::vector<int> y_pred;
  for (const auto& p : outputs.scores) y_pred.push_back(int(std::max_element(p.begin(), p.end()) - p.begin()));
  const score::Confusion confusion = score::confusion_matrix(targets.classes, y_pred, task.spec.labels.size());
  return {
      {"macro_f1", score::macro_f1(confusion)}, {"accuracy", score::accuracy(confusion)}, {"mcc", score::mcc(confusion)}};
}

}  // namespace

std::vector<Outputs> run_heads(Model& model, const text::EncodedSet& set, const std::vector<size_t>& heads,
                               const OnLogits& on_logits) {
  engine::profile_end("training", engine::Pass::other);
  const engine::NoGrad no_grad;
  model.params.eval();
  const bool all_tokens =
      std::any_of(heads.begin(), heads.end(), [&](size_t h) { return model.net.heads[h].reads_all_tokens(); });
  std::vector<Outputs> outputs(heads.size());
  for (const text::Batch& batch : text::in_order(set, model::kEvaluationBatch)) {
    const nn::Encoded x = model.net.encode(batch.tokens, all_tokens);
    for (size_t i = 0; i < heads.size(); ++i) {
      const Tensor logits = model.net.heads[heads[i]](x);
      append(model.tasks[heads[i]], logits, batch, outputs[i]);
      if (on_logits) on_logits(heads[i], logits, batch);
    }
  }
  return outputs;
}

std::vector<std::string> tags_of_words(const TaskSpec& task, const Indices& tags, const Indices& places) {
  const int outside = std::max(0, task.labels.find("O"));
  std::vector<std::string> words;
  for (int place : places) words.push_back(task.labels.name(place < 0 ? outside : tags[place]));
  return words;
}

Figures figures_of(const Task& task, const Targets& targets, const Outputs& outputs) {
  switch (task.spec.head) {
    case nn::HeadKind::label:
      return label_figures(task, targets, outputs);
    case nn::HeadKind::tokens:
      return token_figures(task, targets, outputs);
    case nn::HeadKind::regression: {
      std::vector<double> y;
      for (const auto& row : outputs.scores) y.push_back(row[0]);
      return {{"pearson", score::pearson(targets.numbers, y)},
              {"spearman", score::spearman(targets.numbers, y)},
              {"mse", score::mean_squared_error(targets.numbers, y)}};
    }
    case nn::HeadKind::labels:
      break;
  }
  score::LabelSets y;
  for (const auto& row : outputs.scores) {
    y.emplace_back();
    for (double p : row) y.back().push_back(p > 0.5);
  }
  return {{"micro_f1", score::micro_f1(targets.sets, y)}, {"macro_f1", score::macro_f1(targets.sets, y)}};
}

std::vector<Figures> evaluate(Model& model, const TaskSet& set, Split split) {
  std::vector<Figures> figures(set.tasks.size());
  for (size_t c = 0; c < set.corpora.size(); ++c) {
    const text::EncodedSet& texts = set.corpora[c].texts[split];
    std::vector<size_t> heads;
    for (size_t t = 0; t < set.tasks.size(); ++t)
      if (set.tasks[t].corpus == int(c)) heads.push_back(t);
    if (texts.size() == 0) continue;
    std::vector<double> loss(set.tasks.size());
    const auto add_loss = [&](size_t t, const Tensor& logits, const text::Batch& batch) {
      const Targets& targets = set.tasks[t].targets[split];
      Indices which(batch.labels.size());
      std::iota(which.begin(), which.end(), 0);
      loss[t] += double(which.size()) * double(task_loss(set.tasks[t], targets, logits, batch, which).item());
    };
    const std::vector<Outputs> outputs = run_heads(model, texts, heads, add_loss);
    for (size_t i = 0; i < heads.size(); ++i) {
      const Task& task = set.tasks[heads[i]];
      figures[heads[i]] = {{"loss", loss[heads[i]] / double(texts.size())}};
      figures[heads[i]].update(figures_of(task, task.targets[split], outputs[i]));
    }
  }
  return figures;
}

namespace {

nlohmann::ordered_json prediction(const TaskSpec& task, const Outputs& outputs, size_t i, const std::string& text,
                                  const text::WordPiece& tokenizer) {
  nlohmann::ordered_json line = nlohmann::ordered_json::object();
  if (task.head == nn::HeadKind::regression) return {{"value", outputs.scores[i][0]}};
  if (task.head == nn::HeadKind::tokens) {
    const std::vector<std::string> words = words_of(text);
    const Indices places = first_pieces(text, tokenizer, long(outputs.tags[i].size()));
    const std::vector<std::string> tags = tags_of_words(task, outputs.tags[i], places);
    for (size_t w = 0; w < words.size(); ++w) line["tags"].push_back({words[w], tags[w]});
    return line;
  }
  const std::vector<double>& p = outputs.scores[i];
  if (task.head == nn::HeadKind::label)
    line["label"] = task.labels.name(int(std::max_element(p.begin(), p.end()) - p.begin()));
  else
    line["labels"] = nlohmann::ordered_json::array();
  for (size_t k = 0; k < p.size(); ++k) {
    if (task.head == nn::HeadKind::labels && p[k] > 0.5) line["labels"].push_back(task.labels.name(int(k)));
    line["probabilities"][task.labels.name(int(k))] = p[k];
  }
  return line;
}

}  // namespace

std::vector<nlohmann::ordered_json> predictions(Model& model, const std::vector<text::Example>& examples,
                                                int max_length) {
  const text::EncodedSet set = text::encode(examples, model.tokenizer, max_length);
  std::vector<size_t> heads(model.tasks.size());
  std::iota(heads.begin(), heads.end(), size_t{0});
  const std::vector<Outputs> outputs = run_heads(model, set, heads);
  std::vector<nlohmann::ordered_json> lines;
  for (size_t i = 0; i < examples.size(); ++i) {
    nlohmann::ordered_json& line = lines.emplace_back(nlohmann::ordered_json{{"text", examples[i].text}});
    if (!examples[i].pair.empty()) line["pair"] = examples[i].pair;
    for (size_t h : heads)
      line[model.tasks[h].name] = prediction(model.tasks[h], outputs[h], i, examples[i].text, model.tokenizer);
  }
  return lines;
}

double metric_of(const TaskSpec& task, const Figures& figures) { return figures.at(task.metric).get<double>(); }

double merit_of(const TaskSpec& task, const Figures& figures) {
  const double value = metric_of(task, figures);
  return task.metric == "mse" ? -value : value;
}

double delta_of(const TaskSpec& task, const Figures& joint, const Figures& single) {
  const double before = metric_of(task, single);
  return before == 0 ? std::nan("") : (merit_of(task, joint) - merit_of(task, single)) / std::abs(before);
}

std::string table_of(const std::vector<TaskSpec>& tasks, const std::vector<Figures>& dev,
                     const std::vector<Figures>& test, const std::vector<Figures>& single) {
  size_t width = 4;
  for (const TaskSpec& task : tasks) width = std::max(width, task.name.size());
  std::string table =
      fmt::format("{:<{}}  {:<10}  {:<9}  {:>8}  {:>8}", "task", width, "head", "metric", "dev", "test");
  table += single.empty() ? "\n" : fmt::format("  {:>8}  {:>8}\n", "alone", "change");
  const auto cell = [](const TaskSpec& task, const Figures& f) {
    return f.is_null() ? fmt::format("{:>8}", "-") : fmt::format("{:>8.4f}", metric_of(task, f));
  };
  for (size_t t = 0; t < tasks.size(); ++t) {
    table += fmt::format("{:<{}}  {:<10}  {:<9}  {}  {}", tasks[t].name, width, head_name(tasks[t].head),
                         tasks[t].metric, cell(tasks[t], dev[t]), cell(tasks[t], test[t]));
    if (!single.empty())
      table +=
          fmt::format("  {}  {:>+6.2f} %", cell(tasks[t], single[t]), 100 * delta_of(tasks[t], test[t], single[t]));
    table += "\n";
  }
  return table;
}

}  // namespace multitask
