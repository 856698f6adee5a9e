// From probabilities to words. Read tasks/model/predict.h first.
#include "tasks/model/answers.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tasks/run/console.h"
#include "tasks/score/refusal.h"

namespace model {

using engine::check;
using nn::ordered_json;

void AnswerOptions::declare(run::Options& options) {
  const auto add = [&](const char* name, auto& variable, const char* what) -> run::Option& {
    return options.add(name, variable, what).group("What is said");
  };
  add("--top", top, "so many labels with their probabilities; if not given, on the screen all, in a file two")
      .hide_default()
      .positive();
  add("--threshold", threshold,
      "no label that is less probable: --none is said instead, and at the end how often; of several labels 0.5 if not "
      "given")
      .between(0, 1);
  add("--none", none, "what is said where no label reaches --threshold, or --refuse");
  add("--refuse", refuse,
      "a share, 0.95: --none is said where the model is least sure, no oftener than it takes for 95 % of the rest to "
      "be "
      "right on the texts that it was calibrated on")
      .excludes("--threshold");
  add("--coverage", coverage,
      "a share, 0.9: also a set of labels, one or more, that holds the right one in 90 % of texts like those that the "
      "model was calibrated on (conformal; a set that would be empty has the likeliest)");
  add("--by-class", by_class,
      "with --coverage: in 90 % of the texts of every class; of a rare one that takes more labels");
}

namespace {

double refuse_below(const Calibration& known, double accuracy, const std::string& who) {
  const Calibration::Refusal r = known.refusal(accuracy);
  check(r.coverage > 0, "{}--refuse {}: of the {} texts that it was calibrated on, no surest part is right so often",
        who, accuracy, known.texts.size());
  run::print_note(
      "{}said from a probability of {:.4f} on: {:.1f} % of the {} texts that it was calibrated on, {:.1f} % of "
      "these right\n",
      who, r.threshold, 100 * r.coverage, known.texts.size(), 100 * r.accuracy);
  return r.threshold;
}

}  // namespace

void AnswerOptions::settle(const run::Options& options, const TextModel& model) {
  const bool labels = std::any_of(model.tasks.begin(), model.tasks.end(), [](const spec::TaskSpec& task) {
    return task.one_class() || task.head == nn::Predicts::labels;
  });
  for (const char* name : {"--top", "--threshold"})
    check(labels || !options.given(name), "{} is about labels with probabilities; this model predicts none", name);
  if (options.given("--none") && !threshold && !refuse)
    run::usage_error("--none is what --threshold and --refuse say; give one of them, too");
  if (by_class && !coverage) run::usage_error("--by-class is about the sets of --coverage; give that, too");
  none = text::Labels::tidy(none);
  if (!coverage && !refuse) return;
  const char* asked = coverage ? "--coverage" : "--refuse";
  least_of.resize(model.tasks.size()), sets.resize(model.tasks.size());
  bool any = false;
  for (size_t h = 0; h < model.tasks.size(); ++h) {
    if (!calibrates(model.tasks[h])) continue;
    const std::string who = model.named() ? model.tasks[h].name + ": " : "";
    const std::optional<Calibration>& known = model.calibrations[h];
    check(known.has_value(),
          "{}{}: nobody has measured how sure this model may be; a run with dev texts does, and `sentiment calibrate`",
          who, asked);
    any = true;
    if (coverage && by_class) sets[h] = known->thresholds_by_class(*coverage);
    if (coverage && !by_class) sets[h].assign(size_t(known->classes), known->threshold(*coverage));
    if (coverage && std::ranges::count(sets[h], score::kEveryClass))
      run::print_note("warning: {}too few texts were calibrated on for --coverage {}{}: {} in every set\n", who,
                      *coverage, by_class ? " --by-class" : "", by_class ? "some labels are" : "all labels are");
    if (refuse) least_of[h] = refuse_below(*known, *refuse, who);
  }
  check(any, "{}: this model has no head that is calibrated, of one label a text", asked);
}

std::optional<double> AnswerOptions::least(size_t head) const {
  return least_of.empty() || !least_of[head] ? threshold : least_of[head];
}

namespace {

double rounded(double p, int digits) {
  const double unit = std::pow(10, std::max(digits, 0));
  return digits < 0 ? p : std::round(p * unit) / unit;
}

// The classes that are not too strange, by their probability; of none the likeliest.
std::vector<std::string> set_of(const Answer& answer, const text::Labels& labels,
                                const std::vector<double>& strangest) {
  std::vector<std::string> set;
  for (const auto& [label, p] : answer.ranked)
    if (1 - p <= strangest[size_t(labels.find(label))]) set.push_back(label);
  if (set.empty()) set.push_back(answer.ranked[0].first);
  return set;
}

Answer answer(const TextModel& model, size_t head, const Outputs& outputs, size_t i, const std::string& text,
              const AnswerOptions& options) {
  const spec::TaskSpec& task = model.tasks[head];
  Answer answer;
  if (task.head == nn::Predicts::number) {
    answer.value = outputs.scores[i][0];
    return answer;
  }
  if (task.head == nn::Predicts::tags) {
    const std::vector<std::string> words = spec::words_of(text);
    const Indices places = spec::first_pieces(text, model.tokenizer, long(outputs.tags[i].size()));
    const std::vector<std::string> tags = tags_of_words(task, outputs.tags[i], places);
    for (size_t w = 0; w < words.size(); ++w) answer.tagged.emplace_back(words[w], tags[w]);
    return answer;
  }
  const std::vector<double>& p = outputs.scores[i];
  Indices order(p.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return p[a] > p[b]; });
  if (task.one_class()) {  // the class of an order need not be the most probable one
    const auto best = std::find(order.begin(), order.end(), outputs.best_of(i));
    std::rotate(order.begin(), best, best + 1);
  }
  answer.best = order[0];
  for (const int k : order) answer.ranked.emplace_back(task.labels.name(k), p[k]);
  if (task.one_class()) {
    if (p[order[0]] >= options.least(head).value_or(0)) answer.said = {answer.ranked[0]};
    if (const std::vector<double> strangest = options.strangest(head); !strangest.empty())
      answer.set = set_of(answer, task.labels, strangest);
    return answer;
  }
  for (size_t k = 0; k < p.size(); ++k)
    if (options.threshold ? p[k] >= *options.threshold : p[k] > 0.5)
      answer.said.emplace_back(task.labels.name(int(k)), p[k]);
  return answer;
}

ordered_json to_json(const spec::TaskSpec& task, const Answer& answer, const AnswerOptions& options) {
  ordered_json line = ordered_json::object();
  if (task.head == nn::Predicts::number) return {{"value", answer.value}};
  if (task.head == nn::Predicts::tags) {
    line["tags"] = ordered_json::array();
    for (const auto& [word, tag] : answer.tagged) line["tags"].push_back({word, tag});
    return line;
  }
  if (task.one_class()) {
    line["label"] = answer.said.empty() ? options.none : answer.said[0].first;
  } else {
    line["labels"] = ordered_json::array();
    for (const auto& [label, p] : answer.said) line["labels"].push_back(label);
  }
  auto& probabilities = line["probabilities"];
  if (options.top == 0)
    for (const std::string& label : task.labels.names()) probabilities[label] = 0;
  for (size_t k = 0; k < answer.ranked.size() && (options.top == 0 || k < size_t(options.top)); ++k)
    probabilities[answer.ranked[k].first] = rounded(answer.ranked[k].second, options.digits);
  if (answer.set) line["set"] = *answer.set;
  return line;
}

Cell text_cell(const std::string& text) { return {text, text}; }
Cell probability_cell(double p) { return {fmt::format("{:.4f}", p), rounded(p, 4)}; }

// How many labels have columns.
size_t ranks(const spec::TaskSpec& task, const AnswerOptions& options) {
  return std::min(size_t(task.labels.size()), size_t(options.top == 0 ? 2 : options.top));
}

std::string joined(const std::vector<std::string>& parts, const spec::TaskSpec& task) {
  return fmt::format("{}", fmt::join(parts, task.separator.empty() ? "," : task.separator));
}

bool has_sets(const spec::TaskSpec& task, const AnswerOptions& options) { return options.coverage && calibrates(task); }

std::vector<std::string> columns_of(const spec::TaskSpec& task, const AnswerOptions& options) {
  if (task.head == nn::Predicts::number) return {"value"};
  if (task.head == nn::Predicts::tags) return {"tags"};
  if (task.head == nn::Predicts::labels) return {"labels", "probabilities"};
  std::vector<std::string> columns{"label", "probability", "second_label", "second_probability"};
  for (size_t k = 3; k <= ranks(task, options); ++k)
    for (const char* what : {"label", "probability"}) columns.push_back(fmt::format("{}_{}", what, k));
  columns.resize(2 * ranks(task, options));
  if (has_sets(task, options)) columns.push_back("set");
  return columns;
}

}  // namespace

std::vector<std::vector<Answer>> answers(const TextModel& model, const std::vector<text::Example>& examples,
                                         const text::EncodedSet& set, const AnswerOptions& options) {
  for (const spec::TaskSpec& task : model.tasks)
    check(task.head != nn::Predicts::tags || long(set.windows.size()) == set.size(),
          "{}: tags are not read through windows; --long cut reads their beginning", task.where);
  const std::vector<Outputs> outputs = predict(model, set);
  std::vector<std::vector<Answer>> all(examples.size());
  for (size_t i = 0; i < examples.size(); ++i)
    for (size_t h = 0; h < model.tasks.size(); ++h)
      all[i].push_back(answer(model, h, outputs[h], i, examples[i].text, options));
  return all;
}

ordered_json to_json(const TextModel& model, const text::Example& example, const std::vector<Answer>& answers,
                     const AnswerOptions& options) {
  ordered_json line{{"text", example.text}};
  if (!example.pair.empty()) line["pair"] = example.pair;
  for (size_t h = 0; h < model.tasks.size(); ++h) {
    ordered_json said = to_json(model.tasks[h], answers[h], options);
    if (answers[h].why) said["why"] = *answers[h].why;
    if (model.named())
      line[model.tasks[h].name] = said;
    else
      line.update(said);
  }
  return line;
}

std::vector<ordered_json> predictions(const TextModel& model, const std::vector<text::Example>& examples,
                                      const Reading& reading, const AnswerOptions& options) {
  for (const spec::TaskSpec& task : model.tasks)
    check(task.head != nn::Predicts::tags || reading.how() != text::TooLong::window,
          "{}: tags are not read through windows; --long cut reads their beginning", task.where);
  const text::EncodedSet set = text::encode(examples, model.tokenizer, reading.max_length, reading.how());
  const std::vector<std::vector<Answer>> all = answers(model, examples, set, options);
  std::vector<ordered_json> lines;
  for (size_t i = 0; i < examples.size(); ++i) lines.push_back(to_json(model, examples[i], all[i], options));
  return lines;
}

std::vector<std::string> columns_of(const TextModel& model, const AnswerOptions& options, bool why) {
  std::vector<std::string> columns;
  for (const spec::TaskSpec& task : model.tasks) {
    std::vector<std::string> own = columns_of(task, options);
    if (why) own.push_back("why");
    for (const std::string& column : own) columns.push_back(task.name.empty() ? column : task.name + "_" + column);
  }
  return columns;
}

std::vector<Cell> cells_of(const spec::TaskSpec& task, const Answer& answer, const AnswerOptions& options) {
  if (task.head == nn::Predicts::number) return {{fmt::format("{:.6g}", answer.value), answer.value}};
  if (task.head == nn::Predicts::tags) {
    std::vector<std::string> tags;
    for (const auto& [word, tag] : answer.tagged) tags.push_back(tag);
    return {text_cell(fmt::format("{}", fmt::join(tags, " ")))};
  }
  if (task.head == nn::Predicts::labels) {
    std::vector<std::string> labels, probabilities;
    for (const auto& [label, p] : answer.said) {
      labels.push_back(label);
      probabilities.push_back(probability_cell(p).text);
    }
    if (labels.empty() && options.threshold) labels = {options.none};
    return {text_cell(joined(labels, task)), text_cell(joined(probabilities, task))};
  }
  std::vector<Cell> cells;
  for (size_t k = 0; k < ranks(task, options); ++k) {
    cells.push_back(text_cell(k == 0 && answer.said.empty() ? options.none : answer.ranked[k].first));
    cells.push_back(probability_cell(answer.ranked[k].second));
  }
  if (has_sets(task, options)) cells.push_back({joined(*answer.set, task), *answer.set});
  return cells;
}

std::vector<Cell> cells_of(const TextModel& model, const std::vector<Answer>& answers, const AnswerOptions& options,
                           bool why) {
  std::vector<Cell> all;
  for (size_t h = 0; h < model.tasks.size(); ++h) {
    const std::vector<Cell> cells = cells_of(model.tasks[h], answers[h], options);
    all.insert(all.end(), cells.begin(), cells.end());
    if (why) all.push_back(text_cell(answers[h].why.value_or("")));
  }
  return all;
}

}  // namespace model
