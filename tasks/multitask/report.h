// Report: what training several tasks came to, beside models of one task each.
#pragma once

#include <optional>

#include "tasks/model/evaluate.h"

namespace multitask {

using model::Evaluation;

// Of every task the best epoch's model on dev and test, and what happened on the way.
struct Outcome {
  std::vector<Evaluation> dev, test;
  nn::ordered_json way;
};

// What training on several tasks gained over training on one each, a share:
//   delta = (joint - single) / |single|, its sign turned where lower is better;  delta_m = their mean over the tasks
//   (Maninis, Radosavovic, Kokkinos 2019), without those that have none: where `single` is 0, or a metric no number.
std::optional<double> delta_of(const spec::TaskSpec& task, const Evaluation& joint, const Evaluation& single);

// One line a task: metric on dev and test, and what the single-task model had, where there is one.
std::string table_of(const std::vector<spec::TaskSpec>& tasks, const std::vector<Evaluation>& dev,
                     const std::vector<Evaluation>& test, const std::vector<Evaluation>& single);

// " sentiment.macro_f1=0.6132 topic.accuracy=0.5141": for scripts.
std::string figures_line(const std::vector<spec::TaskSpec>& tasks, const std::vector<Evaluation>& test);

// A line below the table of the tasks without a test of their own, objective::without_test(); none: nothing.
std::string dev_again(const std::vector<std::string>& without_test);

// OUT/result.json, the table, and the line for scripts. `single`: the tasks alone, or nothing.
void report(const spec::TaskSet& set, const Outcome& joint, const std::vector<Evaluation>& single,
            const std::string& weighting, const std::string& out);

}  // namespace multitask
