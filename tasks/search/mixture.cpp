// Truncated normals and shares of choices, weighted and multiplied. Read tasks/search/mixture.h first.
#include "tasks/search/mixture.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include "engine/random.h"
#include "tasks/score/distributions.h"

namespace search {
namespace {

constexpr double kLogRoot2Pi = 0.91893853320467274178;
constexpr double kTail = -30;  // shares below it come near to what a double can hold

// log(exp(a) - exp(b)), a > b.
double log_difference(double a, double b) { return a + std::log1p(-std::exp(b - a)); }

double phi(double x) { return std::erfc(-x * std::numbers::sqrt2 / 2) / 2; }

}  // namespace

Draws::Draws(uint64_t seed, long trial, uint64_t purpose, long attempt)
    : seed_(seed),
      at_(uint64_t(attempt) << 40),
      trial_(uint32_t(trial)),
      purpose_(uint32_t(purpose ^ (purpose >> 32))) {}

double Draws::next() {
  uint32_t word[2];
  engine::Random{seed_, engine::Stream::sample, trial_, purpose_}.words(at_, 2, word);
  at_ += 2;
  return (double((uint64_t(word[0]) << 21) ^ (word[1] >> 11)) + 0.5) * 0x1p-53;
}

// Below kTail the share is left to the series  phi(x) / -x (1 - 1/x^2 + 3/x^4 - 15/x^6)  (Abramowitz, Stegun 26.2.12).
double log_phi(double x) {
  if (x > 5) return std::log1p(-phi(-x));
  if (x > kTail) return std::log(phi(x));
  const double y = 1 / (x * x);
  return -x * x / 2 - std::log(-x) - kLogRoot2Pi + std::log1p(-y * (1 - 3 * y * (1 - 5 * y)));
}

double log_mass(double from, double to) {
  if (from > 0) return log_mass(-to, -from);
  if (to <= 0) return from > kTail ? std::log(phi(to) - phi(from)) : log_difference(log_phi(to), log_phi(from));
  return std::log1p(-phi(from) - phi(-to));
}

Mixture::Mixture(std::vector<double> weights, std::vector<Kernels> kernels)
    : weights_(std::move(weights)), kernels_(std::move(kernels)) {
  double sum = 0;
  for (const double w : weights_) sum += w;
  for (double& w : weights_) w /= sum;
  for (const Kernels& k : kernels_) {
    std::vector<double> norm;
    for (size_t c = 0; c < k.mu.size(); ++c) {
      const double mass = log_mass((k.low - k.mu[c]) / k.sigma[c], (k.high - k.mu[c]) / k.sigma[c]);
      norm.push_back(k.kind == Kernels::Kind::density ? -kLogRoot2Pi - (k.unscaled ? 0 : std::log(k.sigma[c])) - mass
                                                      : -mass);
    }
    log_norm_.push_back(std::move(norm));
  }
}

void Mixture::add_log_densities(size_t d, double x, std::vector<double>& to) const {
  const Kernels& k = kernels_[d];
  if (k.of_choices()) {
    for (size_t c = 0; c < to.size(); ++c) to[c] += std::log(k.shares[c][size_t(x)]);
  } else if (k.kind == Kernels::Kind::density) {
    const double at = k.log ? std::log(x) : x;
    for (size_t c = 0; c < to.size(); ++c) {
      const double z = (at - k.mu[c]) / k.sigma[c];
      to[c] += log_norm_[d][c] - z * z / 2;
    }
  } else {
    const bool log = k.kind == Kernels::Kind::log_cells;
    const double from = log ? std::log(x - k.cell / 2) : x - k.cell / 2,
                 end = log ? std::log(x + k.cell / 2) : x + k.cell / 2;
    for (size_t c = 0; c < to.size(); ++c)
      to[c] += log_norm_[d][c] + log_mass((from - k.mu[c]) / k.sigma[c], (end - k.mu[c]) / k.sigma[c]);
  }
}

double Mixture::log_density(const std::vector<double>& x) const { return log_densities({x})[0]; }

// Cells and choices have few values: what the components say of one is worked out once.
std::vector<double> Mixture::log_densities(const std::vector<std::vector<double>>& points) const {
  std::vector<std::map<double, std::vector<double>>> known(kernels_.size());
  std::vector<double> result, terms(weights_.size());
  for (const std::vector<double>& x : points) {
    for (size_t c = 0; c < terms.size(); ++c) terms[c] = std::log(weights_[c]);
    for (size_t d = 0; d < kernels_.size(); ++d) {
      if (!kernels_[d].of_choices() && kernels_[d].kind == Kernels::Kind::density) {
        add_log_densities(d, x[d], terms);
        continue;
      }
      const auto [at, fresh] = known[d].try_emplace(x[d], terms.size(), 0.0);
      if (fresh) add_log_densities(d, x[d], at->second);
      for (size_t c = 0; c < terms.size(); ++c) terms[c] += at->second[c];
    }
    const double most = *std::max_element(terms.begin(), terms.end());
    double sum = 0;
    for (const double t : terms) sum += std::exp(t - most);
    result.push_back(most + std::log(sum));
  }
  return result;
}

namespace {

// The first place where the running sum of the weights passes u.
size_t place(const std::vector<double>& weights, double u) {
  double sum = 0;
  for (size_t i = 0; i + 1 < weights.size(); ++i)
    if (u < (sum += weights[i])) return i;
  return weights.size() - 1;
}

}  // namespace

std::vector<double> Mixture::draw(Draws& draws) const {
  const size_t c = place(weights_, draws.next());
  std::vector<double> z;
  for (const Kernels& k : kernels_) {
    const double u = draws.next();
    if (k.of_choices()) {
      z.push_back(double(place(k.shares[c], u)));
      continue;
    }
    const double below = phi((k.low - k.mu[c]) / k.sigma[c]), above = phi((k.mu[c] - k.high) / k.sigma[c]);
    const double share = std::clamp(below + u * (1 - below - above), 1e-300, 1 - 1e-16);
    z.push_back(std::clamp(k.mu[c] + k.sigma[c] * score::normal_quantile(share), k.low, k.high));
  }
  return z;
}

}  // namespace search
