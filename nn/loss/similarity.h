// How alike two representations of the same texts are.
#pragma once

#include "engine/ops.h"

namespace nn {
using namespace engine;

// Linear centred kernel alignment (Kornblith, Norouzi, Lee, Hinton 2019), with the columns of x and y centred:
//   |y^T x|^2 / (|x^T x| |y^T y|), Frobenius norms, in [0, 1].
// It ignores rotations, scalings and shifts of either; 1: the same up to those, 0: no common direction, or one of them
// the same for all texts. It needs more texts than columns to mean much. No gradient.    [n, Cx], [n, Cy] -> a number
double linear_cka(const Tensor& x, const Tensor& y);

}  // namespace nn
