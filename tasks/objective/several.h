// What a run of several tasks says of an epoch, of its end, and of one of its texts.
#pragma once

#include "tasks/model/evaluate.h"
#include "tasks/run/card.h"
#include "tasks/spec/tasks.h"

namespace objective {

struct DevFigures {
  std::optional<double> merit;  // the mean of the tasks' own metrics, higher is better; nothing without dev texts
  nn::ordered_json figures;     // of every task that has some, by its name
  std::string line;             // "  mood macro_f1 0.7312  topic ..."
  std::vector<model::Outputs> outputs;
};
DevFigures measure_dev(const model::TextModel& model, const spec::TaskSet& set);

// The tasks without a test of their own, whose test is dev again.
std::vector<std::string> without_test(const spec::TaskSet& set);

// Of a model that `program` has trained: its heads, and what it makes of the test texts, an Evaluation a task.
run::Card card_of(const std::string& program, const spec::TaskSet& set, const std::vector<model::Evaluation>& test);

// A frame counts training texts with the corpora end to end: file and line of such a text, and the same count of rows
// of one corpus.
std::string where_of(const spec::TaskSet& set, long text);
engine::Indices end_to_end(const spec::TaskSet& set, int corpus, engine::Indices rows);

}  // namespace objective
