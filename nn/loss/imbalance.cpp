// Cross-entropies that are bent for rare classes, as compositions of the engine's ops. Read nn/loss/imbalance.h first.
#include "nn/loss/imbalance.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace nn {
namespace {

void check_logits(const char* who, const Tensor& logits, const Indices& classes, size_t K) {
  check(logits.shape().rank() == 2 && logits.dim(0) == long(classes.size()) && !classes.empty(),
        "{}: logits must be [B, K], a row for each of the {} classes; got {}", who, classes.size(), logits);
  check(long(K) == logits.dim(1), "{}: a number for each of the {} columns of the logits; got {}", who, logits.dim(1),
        K);
  for (const int c : classes)
    check(c >= 0 && c < logits.dim(1), "{}: classes are 0 to {}; got {}", who, logits.dim(1) - 1, c);
}

void check_counts(const char* who, const std::vector<long>& counts) {
  check(!counts.empty() && std::all_of(counts.begin(), counts.end(), [](long n) { return n > 0; }),
        "{}: every class has one text at least; got {}", who, counts.empty() ? 0 : *std::ranges::min_element(counts));
}

// of[y_i] at row i's own class, 0 elsewhere.    [B, K]
Tensor at_own(const Tensor& logits, const Indices& classes, const std::vector<real>& of) {
  Tensor t = Tensor::zeros(logits.shape());
  for (size_t i = 0; i < classes.size(); ++i) t.data()[long(i) * logits.dim(1) + classes[i]] = of[size_t(classes[i])];
  return t;
}

}  // namespace

Tensor focal(const Tensor& logits, const Indices& classes, real gamma, const std::vector<real>& alpha) {
  const std::vector<real> weights = alpha.empty() ? std::vector<real>(size_t(logits.dim(-1)), 1) : alpha;
  check_logits("focal", logits, classes, weights.size());
  check(gamma >= 0, "focal: gamma is 0 or more; got {}", gamma);
  constexpr real kTiny = real(1e-12);  // under the power, whose slope at 0 is infinite where gamma < 1
  const Tensor own = at_own(logits, classes, std::vector<real>(weights.size(), 1)), log_p = log_softmax(logits);
  // 1 - p as the sum of the others': its digits stay where p is nearly 1.
  const Tensor rest = sum(engine::exp(log_p) * (Tensor::scalar(1) - own), -1) + Tensor::scalar(kTiny);  // [B]
  const Tensor weight = sum(at_own(logits, classes, weights), -1);
  return -mean(weight * engine::pow(rest, gamma) * sum(log_p * own, -1));
}

std::vector<real> label_margins(const std::vector<long>& counts, real most) {
  check_counts("label_margins", counts);
  const double rarest = double(*std::ranges::min_element(counts));
  std::vector<real> margins;
  for (const long n : counts) margins.push_back(real(double(most) * std::pow(rarest / double(n), 0.25)));
  return margins;
}

Tensor margin_loss(const Tensor& logits, const Indices& classes, const std::vector<real>& margins, real s,
                   const std::vector<real>& class_weights) {
  check_logits("margin_loss", logits, classes, margins.size());
  check(s > 0, "margin_loss: the scale must be positive; got {}", s);
  return cross_entropy((logits - at_own(logits, classes, margins)) * s, classes, {.class_weights = class_weights});
}

Tensor logit_adjusted(const Tensor& logits, const Indices& classes, const std::vector<long>& counts, real tau) {
  check_logits("logit_adjusted", logits, classes, counts.size());
  check_counts("logit_adjusted", counts);
  const double all = double(std::accumulate(counts.begin(), counts.end(), 0L));
  Tensor shift({long(counts.size())});
  for (size_t c = 0; c < counts.size(); ++c) shift.data()[c] = real(double(tau) * std::log(double(counts[c]) / all));
  return cross_entropy(logits + shift, classes);
}

std::vector<real> class_balanced_weights(const std::vector<long>& counts, double beta) {
  check_counts("class_balanced_weights", counts);
  check(beta >= 0 && beta < 1, "class_balanced_weights: beta is 0 or more, below 1; got {}", beta);
  std::vector<double> weights;
  for (const long n : counts) weights.push_back((1 - beta) / (1 - std::pow(beta, double(n))));
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.);
  std::vector<real> scaled;
  for (const double w : weights) scaled.push_back(real(w * double(counts.size()) / sum));
  return scaled;
}

}  // namespace nn
