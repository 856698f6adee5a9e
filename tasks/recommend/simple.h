// Simple models: what a catalogue's counts say. Each is a function from a history to a score for every item; they are
// the bar that attention has to clear, and what the second stage joins it with.
#pragma once

#include <functional>
#include <span>

#include "tasks/recommend/data.h"

namespace recommend {

using Items = std::span<const int>;        // of a history, oldest first
using Scores = std::vector<double>;        // [I]
using ScoresOf = std::span<const double>;  // the same, of whomever
using Scorer = std::function<Scores(Items history)>;

// Rows of few numbers: row i holds the columns at begin[i] ... begin[i + 1] - 1.
struct SparseRows {
  std::vector<long> begin{0};
  std::vector<int> column;
  std::vector<float> value;
  long rows() const { return long(begin.size()) - 1; }
};

// score += factor times row i.
void add_row(const SparseRows& rows, int i, double factor, Scores& to);
// score = the sum of the rows of the history's items.
Scorer by_rows(SparseRows rows);

// n_i = the sum of the weights of item i's interactions.    -> [I]
std::vector<double> counts_of(const std::vector<History>& histories, long items);
// The same of the last tenth of all interactions by time: what is taken now.
std::vector<double> recent_counts(const std::vector<History>& histories, long items);

// score_i = log(1 + n_i), whoever asks.
Scorer popularity(const std::vector<double>& counts);

// Item-kNN: x_i the column of item i over the users, its weights as numbers;
//   s_ij = x_i . x_j / (|x_i| |x_j| + shrink), of each j the k highest are kept;   score_i = sum over j in history s_ij
// (Deshpande, Karypis 2004).
struct KnnOptions {
  long k = 100;
  double shrink = 0;
};
Scorer item_knn(const std::vector<History>& histories, long items, const KnnOptions& options);

// Item transitions: C_ij = sum over histories of 1 / d where j comes d <= reach places behind i; columns divided by
// (sqrt(sum_i C_ij) + damping), so that what follows everything counts less;
//   score_j = sum over the last `recent` items i of a history of C_ij / rank,   rank 1 the last one
struct TransitionOptions {
  long reach = 5, recent = 10;
  double damping = 1;
};
SparseRows transitions(const std::vector<History>& histories, long items, const TransitionOptions& options);
Scorer by_transitions(SparseRows rows, long recent);

// Items near each other in histories, before or behind, whatever was last: C_ij = sum over histories of 1 / d where i
// and j
// stand d <= reach places apart; columns divided by ((sum_i C_ij)^power + damping);  score_j = sum over history of C_ij
struct NearOptions {
  long reach = 10;
  double power = 0.75, damping = 2;
};
SparseRows near_each_other(const std::vector<History>& histories, long items, const NearOptions& options);

// Words as numbers: tf-idf, (1 + log n_iw) log(I / items with w), rows of unit length. The words are runs of letters
// and digits in lower case; those of one item only tell nothing and are left out. The item's tags are words, too, as a
// whole.
SparseRows word_vectors(const std::vector<Item>& items);
long width_of(const SparseRows& rows);  // the largest column + 1
// score_i = cos(v_i, sum over the history of decay^age v_j),   age 0 the last one.
Scorer by_words(SparseRows vectors, double decay);

}  // namespace recommend
