// Losses for classes of very unequal size, and for texts that are mostly easy. K classes, n_c texts of class c.
#pragma once

#include "engine/ops.h"

namespace nn {
using namespace engine;

// Focal loss (Lin, Goyal, Girshick, He, Dollar 2017), p = softmax(x)_y: what is right already counts little.
//   loss = mean_i -alpha_{y_i} (1 - p_i)^gamma log p_i      alpha [K], or empty: all 1;  gamma 0: cross-entropy
//   logits [B, K], classes [B]   ->   []
Tensor focal(const Tensor& logits, const Indices& classes, real gamma, const std::vector<real>& alpha = {});

// Label-distribution-aware margins (Cao, Wei, Gaidon, Arechiga, Ma 2019): the logit of the right class is lowered by
// its class's margin, more for rare classes; then cross-entropy of s times the logits, with weights if given.
//   margin_c = most n_c^(-1/4) / max_k n_k^(-1/4)         x' = x - margin_y at y         loss = CE(s x', y)
std::vector<real> label_margins(const std::vector<long>& counts, real most);  // [K]; every count above 0
Tensor margin_loss(const Tensor& logits, const Indices& classes, const std::vector<real>& margins, real s,
                   const std::vector<real>& class_weights = {});

// Logit adjustment (Menon et al. 2021): CE(x + tau log(n_c / n), y), so that x itself ranks
// classes as if all were alike.
Tensor logit_adjusted(const Tensor& logits, const Indices& classes, const std::vector<long>& counts, real tau);

// Weights by the effective number of texts (Cui, Jia, Lin, Song, Belongie 2019): (1 - beta) / (1 - beta^n_c), scaled to
// the sum K. beta in [0, 1).
std::vector<real> class_balanced_weights(const std::vector<long>& counts, double beta);

}  // namespace nn
