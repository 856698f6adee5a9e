// First values of pool's embeddings that know the training labels: naive Bayes, from which training sets out.
#pragma once

#include "tasks/model/text_model.h"

namespace model {

// Of n texts of each class that hold a feature, out of `texts` of each class, the log-count ratio of every class
// (Wang, Manning 2012): how much likelier the feature is inside the class than outside.   [K], [K] -> [K]
std::vector<double> log_count_ratio(const std::vector<double>& n, const std::vector<double>& texts);

// Adds scale * ratio to the first K numbers of every embedding of a piece, and of a pair of pieces and of an n-gram if
// there are any, and 1 to the classifier's weights that lead from number k of each context to class k: the model begins
// as naive Bayes, with its random values beside it. Throws unless the model is a pool at least K wide.
void start_from_log_odds(TextModel& model, const text::EncodedSet& train, double scale);

}  // namespace model
