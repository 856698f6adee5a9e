// The formulas behind optim/several/weighting.h, one function each: from the losses L of T tasks, or the Gram matrix of
// their gradients g_i, to one coefficient a task. Everything is in double; gram[i * T + j] = g_i . g_j.
#pragma once

#include <functional>

#include "engine/random.h"

namespace optim {
using namespace engine;
using Numbers = std::vector<double>;

Numbers softmax(const Numbers& x);

// w = softmax(N(0, 1)^T), drawn anew at every step: random loss weighting (Lin, Ye, Zhang, Tsang 2022).
Numbers random_weights(long tasks, uint64_t seed, long step);

// w_i = T softmax_i(r / temperature), r_i = L_i(e - 1) / L_i(e - 2) of epochs' mean losses: dynamic weight average
// (Liu, Johns, Davison 2019).
Numbers dwa(const Numbers& last, const Numbers& before_last, double temperature);

// Homoscedastic uncertainty (Kendall, Gal, Cipolla 2018): loss sum_i L_i / (2 e^{s_i}) + s_i / 2 with learned s.
//   coefficient  1 / (2 e^{s_i}),   d loss / d s_i = (1 - L_i e^{-s_i}) / 2
Numbers uncertainty_coefficients(const Numbers& s);
Numbers uncertainty_slope(const Numbers& s, const Numbers& losses);

// The loss-balancing half of impartial learning (Liu, Li, Kuang, Xue, Chen, Yang, Liao, Zhang 2021): loss
// sum_i e^{s_i} L_i - s_i.    coefficient  e^{s_i},   d loss / d s_i = e^{s_i} L_i - 1
Numbers imtl_l_coefficients(const Numbers& s);
Numbers imtl_l_slope(const Numbers& s, const Numbers& losses);

// Geometric mean of the losses (Chennupati, Sistu, Yogamani, Rawashdeh 2019): loss (prod_i L_i)^{1/T}, which is
// sum_i c_i L_i with its own slope    c_i = (prod L)^{1/T} / (T L_i).
Numbers gls(const Numbers& losses);

// GradNorm (Chen, Badrinarayanan, Lee, Rabinovich 2018): weights w = T softmax(s), norms n_i = |w_i g_i|,
//   target_i = mean(n) r_i^alpha,   r_i = (L_i / L_i(0)) / mean_j(L_j / L_j(0)),   objective sum_i |n_i - target_i|
// with the target held fixed. With a_i = sign(n_i - target_i) n_i:   d objective / d s_j = a_j - w_j / T sum_i a_i
struct GradNorm {
  Numbers weights, norms, target, slope;  // [T] each
  double objective;
};
GradNorm gradnorm(const Numbers& s, const Numbers& losses, const Numbers& initial, const Numbers& gram, double alpha);

// PCGrad (Yu, Kumar, Gupta, Levine, Hausman, Finn 2020): of each g_i, what points against another task's gradient is
// taken away, one task j after the other in order[i]:  if g_i . g_j < 0,  g_i -= (g_i . g_j) / (|g_j|^2 + 1e-8) g_j.
// The result is the sum over i, as coefficients of the untouched gradients.
Numbers pcgrad(const Numbers& gram, const std::vector<std::vector<int>>& order);
std::vector<std::vector<int>> random_order(long tasks, uint64_t seed, long step);  // of the others, for each task

// MGDA (Desideri 2012; Sener & Koltun 2018): the w on the simplex with the shortest sum_i w_i g_i. Two tasks: closed
// form, clipped to [0.001, 0.999].
Numbers mgda(const Numbers& gram);

// CAGrad (Liu, Liu, Jin, Stone, Liu 2021): g = (g_0 + c |g_0| / |g_w| g_w) / (1 + c^2), with the mean gradient g_0, and
// g_w = sum_i w_i g_i of the w on the simplex with the least g_w . g_0 + c |g_0| |g_w|.
Numbers cagrad(const Numbers& gram, double c);

// FAMO (Liu, Feng, Stone, Liu 2023): the step follows  sum_i z_i log D_i / k,  z = softmax(w),  D_i = L_i + 1e-8,
// k = sum_i z_i / D_i:    c_i = z_i / (D_i k).  After it, w follows  d_i = z_i (q_i - sum_j z_j q_j),  with
// q_i = log D_i before - log D_i after: the task that gained least counts for more.
Numbers famo_coefficients(const Numbers& w, const Numbers& losses);
Numbers famo_slope(const Numbers& w, const Numbers& before, const Numbers& after);

// Smooth Tchebycheff scalarisation (Lin, Zhang, Yang, Liu, Wang, Zhang 2024): loss T mu log sum_i e^{x_i / mu}, with
// x_i = log(L_i / nadir_i): a soft maximum of the tasks' relative losses.    c_i = T softmax_i(x / mu) / L_i
Numbers stch(const Numbers& losses, const Numbers& nadir, double mu);

// The point of the simplex where a convex function is least, given its gradient: from the middle, mass moves from the
// coordinate of the steepest slope to that of the least one, as far as it pays (pairwise Frank-Wolfe; Lacoste-Julien &
// Jaggi 2015), until no pair differs by more than 1e-9 of the slopes' size.
Numbers least_on_simplex(long tasks, const std::function<Numbers(const Numbers&)>& gradient);

}  // namespace optim
