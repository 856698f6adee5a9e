// First values out of counts: what a corpus says of its pieces without a single step.
#pragma once

#include "nn/model/model.h"
#include "tasks/text/corpus.h"

namespace pretrain {

// Word embeddings out of co-occurrences (Levy & Goldberg 2014: what word2vec factorises, factorised). With x_ij how
// often i and j stand within `window` tokens of each other in a sequence, r_i = sum_j x_ij and S = sum_i r_i,
//   M_ij = max(0, log(x_ij S / (r_i r_j))),   the nearest matrix of rank C is U L U^T,   W = U |L|^(1/2)
// [V, C], scaled to numbers of size `deviation`. A piece that never occurs has a row of zeros.
struct CountOptions {
  long window = 5;
  double deviation = 0.1;
  int iterations = 5;  // of the subspace
  uint64_t seed = 0;   // of its beginning
};
std::vector<engine::real> embeddings_of_counts(const text::Corpus& corpus, long pieces, long width,
                                               const CountOptions& options);

// log p of every piece, of one more occurrence than it has; [CLS] and [SEP] do not count.   [V]
std::vector<engine::real> log_frequencies(const text::Corpus& corpus, long pieces);

// The rows of pieces that occur replace the model's word embeddings, the frequencies the bias of its masked language
// modelling, which then begins at the loss of guessing by frequency.
void start_from_counts(const nn::Model& model, const text::Corpus& corpus, uint64_t seed);

// The eigenvectors of a symmetric matrix [n, n] as rows, and their eigenvalues (cyclic Jacobi rotations).
struct Eigen {
  std::vector<double> values, vectors;
};
Eigen symmetric_eigen(std::vector<double> matrix, long n);

}  // namespace pretrain
