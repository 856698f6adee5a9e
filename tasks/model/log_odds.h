// First values of pool's embeddings that know the training labels: naive Bayes, from which training sets out.
#pragma once

#include "tasks/model/text_model.h"
#include "tasks/spec/tasks.h"

namespace model {

// Of n texts of each class that hold a feature, out of `texts` of each class, the log-count ratio of every class
// (Wang, Manning 2012): how much likelier the feature is inside the class than outside.   [K], [K] -> [K]
std::vector<double> log_count_ratio(const std::vector<double>& n, const std::vector<double>& texts);

// For every task with one label, over its training texts: adds scale * ratio to K numbers of every embedding of a
// piece, and of a pair of pieces and of an n-gram if there are any, and 1 to the weights of its classifier that lead
// from these numbers of each context to the classes: the model begins as naive Bayes, with its random values beside it.
// The first task has the first K numbers, the next task the next ones. Error: no pool, or one less wide than all
// classes together.
void start_from_log_odds(TextModel& model, const spec::TaskSet& set, double scale);

// The biases of ordered classes that are new, all 0, begin as what the training labels' counts say: learning them from
// nothing at an encoder's small rate would take more steps than there are.
void start_from_counts(TextModel& model, const spec::TaskSet& set);

}  // namespace model
