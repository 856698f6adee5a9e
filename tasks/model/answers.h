// Answers: what the heads of a model say of a text, in words; as JSON, and as cells beside the rows of a table.
#pragma once

#include <optional>

#include "nn/format/json_value.h"
#include "tasks/model/predict.h"

namespace run {
class Options;
}

namespace model {

// How much is said.
struct AnswerOptions {
  int top = 0;                           // labels with their probabilities; 0: in JSON all, in a table two
  std::optional<double> threshold = {};  // a label that is less probable is not said; of several labels: 0.5
  std::string none = "none of these";
  int digits = -1;  // of a probability behind the point; -1: all
  // What the model's calibration is asked for: sets that hold the class with this probability; silence, where it is
  // least sure, so that this share of the rest is right.
  std::optional<double> coverage = {}, refuse = {};
  bool by_class = false;

  void declare(run::Options& options);
  // Error: what does not go together; a model that was not calibrated, where that is needed.
  void settle(const run::Options& options, const TextModel& model);
  // What the best label of a head must reach to be said, and each class to be in its set (1 - p_c at most), after
  // settle(); nothing: no bound, no set.
  std::optional<double> least(size_t head) const;
  std::vector<double> strangest(size_t head) const { return sets.empty() ? std::vector<double>() : sets[head]; }

  std::vector<std::optional<double>> least_of = {};  // by settle(), one a head
  std::vector<std::vector<double>> sets = {};
};

// What a head says of a text, by what it predicts.
struct Answer {
  std::vector<std::pair<std::string, double>> ranked = {};  // label, ordinal, labels: all, the class before the others
  int best = 0;                                             // the class of the first; 0 of a number
  std::vector<std::pair<std::string, double>> said = {};    // those that are said; empty: none of these
  std::optional<std::vector<std::string>> set = {};         // with --coverage: by probability, one label at least
  double value = 0;                                         // number
  std::vector<std::pair<std::string, std::string>> tagged = {};  // tags: every word and its tag
  std::optional<std::string> why = {};  // the words that carried the decision, if somebody has asked
};

// [text][head]. Error: a head of tags that is to read through windows.
std::vector<std::vector<Answer>> answers(const TextModel& model, const std::vector<text::Example>& examples,
                                         const text::EncodedSet& set, const AnswerOptions& options);

// {"text": ..., "TASK": {...}, ...}, without TASK where the model's only one has no name.
//   label, ordinal
//            {"label": ..., "probabilities": {label: p, ...}}     labels   {"labels": [...], "probabilities": {...}}
//            and with --coverage "set": [...]
//   number   {"value": ...}                                       tags     {"tags": [[word, tag], ...]}
// The probabilities are in the order of the classes; with --top the best, in their order.
nn::ordered_json to_json(const TextModel& model, const text::Example& example, const std::vector<Answer>& answers,
                         const AnswerOptions& options);

// The same of texts, one each, from the beginning.
std::vector<nn::ordered_json> predictions(const TextModel& model, const std::vector<text::Example>& examples,
                                          const Reading& reading, const AnswerOptions& options = {});

// A cell of a table: as text, with four digits of a probability, and as JSON has it.
struct Cell {
  std::string text;
  nn::ordered_json json;
};
// The columns of all heads and the cells of one text below them; a named task's begin with its name and _.
//   label, ordinal   label, probability, second_label, second_probability, label_3, ...: --top of them, else two
//   labels   labels, probabilities: joined       number   value       tags   tags: one for each word, blanks between
//   set of a head with sets, and with `why` that
std::vector<std::string> columns_of(const TextModel& model, const AnswerOptions& options, bool why);
std::vector<Cell> cells_of(const TextModel& model, const std::vector<Answer>& answers, const AnswerOptions& options,
                           bool why);
std::vector<Cell> cells_of(const spec::TaskSpec& task, const Answer& answer, const AnswerOptions& options);

}  // namespace model
