// Token pruning by received attention (PoWER-BERT: Goyal et al. 2020): after the attention of a layer only the tokens
// that others looked at most go on. Sequences differ in length, so a schedule is a share of the length for every layer;
// the paper pads to one length and counts.
#pragma once

#include "engine/ops.h"

namespace nn {
using namespace engine;

// The rows of a packed batch that go on, in their order, and the offsets of what is left.
struct KeptRows {
  Indices rows, offsets;
};

// Of every sequence ceil(share T) tokens, T its length at the beginning (`full` are the offsets then): those that
// receive most attention, the earlier one of equals. The first `always` tokens, [CLS] at least, go on in any case.
//   received [N], offsets [B + 1] of the rows that are left by now
KeptRows keep_significant(const Tensor& received, const Indices& offsets, const Indices& full, double share,
                          long always);

// Soft extraction, by which a schedule is learned: tokens sorted by received attention, the token of rank k is
// multiplied with r[floor(k P / T)], a retention parameter in [0, 1]; the first `always` tokens stay as they are.
//   x [N, C], received [N], retention [L, P], layer in [0, L) -> [N, C]
Tensor soft_extract(const Tensor& x, const Tensor& received, const Indices& offsets, const Tensor& retention,
                    long layer, long always);

// What a schedule costs, to be made small: sum over the layers l = 1 ... L of l mean_p r[l, p].    [L, P] -> []
Tensor retention_mass(const Tensor& retention);

// The schedule that was learned: mean_p r[l, p] for every layer, none above the one before it.    [L, P] -> L shares
std::vector<double> learned_schedule(const Tensor& retention);

}  // namespace nn
