// Contrastive losses: sentence vectors that belong together come near, all others of the batch go away.
#pragma once

#include "engine/ops.h"

namespace nn {
using namespace engine;

// Multiple negatives ranking, also InfoNCE (Henderson et al. 2017; van den Oord et al. 2018). Which of all candidates
// belongs to this anchor? Candidates are the positives of the whole batch, then the hard negatives, if there are any:
//   s_ij = scale cos(a_i, c_j), or scale a_i . c_j        [B, B + M]
//   loss = mean_i -log softmax_j(s_ij)_i;     symmetric: half of it and half of mean_j -log softmax_i(s_ij)_j, j <= B
// classes, if given: candidate j of the same class as anchor i is no negative of it, j = i aside: its s_ij is left out
// of the softmax. The hard negatives have classes, too. Equal texts are best given one class.
//   anchors, positives [B, C], negatives [M, C]   ->   []
struct RankingOptions {
  real scale = 20;
  bool cosine = true;
  bool symmetric = false;
  Tensor negatives{};          // [M, C]
  Indices classes{};           // [B] or empty
  Indices negative_classes{};  // [M], with classes
};
Tensor multiple_negatives(const Tensor& anchors, const Tensor& positives, const RankingOptions& options = {});

// InfoNCE where every query has its own negatives:  mean_i -log softmax_j(cos(q_i, c_ij) / T)_0,  c_i0 its positive.
//   queries, positives [B, C], negatives [B, n, C]   ->   []
Tensor own_negatives(const Tensor& queries, const Tensor& positives, const Tensor& negatives, real T);

// Supervised contrastive learning (Khosla et al. 2020) of unit vectors z, several of which belong to each class:
//   loss = T / T_0 mean_i -1/|P(i)| sum_{p in P(i)} log(e^{z_i z_p / T} / sum_{a != i} e^{z_i z_a / T})
// P(i): the others of i's class; an i without any adds 0 and counts in the mean. T_0 is the base temperature; T_0 = T
// leaves the factor out. With every text its own class and two views of each it is SimCLR (Chen et al. 2020).
//   features [n, C] of unit length (unit_rows), classes [n]   ->   []
Tensor supervised_contrastive(const Tensor& features, const Indices& classes, real T, real base_temperature);

// CLIP (Radford et al. 2021): multiple_negatives, symmetric, of two towers with the scale e^logit_scale learned: it
// starts at ln(1 / 0.07), and whoever trains keeps it at ln 100 or below.    [B, C], [B, C], [] or [1] -> []
Tensor clip_loss(const Tensor& images, const Tensor& texts, const Tensor& logit_scale);

// Bayesian personalised ranking (Rendle et al. 2009): mean of -log sigmoid(positive - negative). gamma > 0 keeps the
// logarithm from 0 as RecBole does, -log(gamma + sigmoid(...)); without it nothing overflows either.    [n], [n] -> []
Tensor bayesian_ranking(const Tensor& positive, const Tensor& negative, real gamma = 0);

}  // namespace nn
