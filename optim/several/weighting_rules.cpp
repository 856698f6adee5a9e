// The weighting formulas, each a few lines of arithmetic on T numbers or a T x T Gram matrix.
// Read optim/several/weighting_rules.h first: it states them.
#include "optim/several/weighting_rules.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace optim {
namespace {

constexpr double kTiny = 1e-8;  // what PCGrad and FAMO add, and the least loss that is divided by

template <class F>
Numbers each(long T, F f) {
  Numbers y(T);
  for (long i = 0; i < T; ++i) y[i] = f(i);
  return y;
}

double total(const Numbers& x) { return std::accumulate(x.begin(), x.end(), 0.0); }

long tasks_of(const Numbers& gram) { return std::lround(std::sqrt(double(gram.size()))); }

// (G w)_i = g_i . sum_j w_j g_j
Numbers times(const Numbers& gram, const Numbers& w) {
  const long T = long(w.size());
  return each(T, [&](long i) { return std::inner_product(w.begin(), w.end(), gram.begin() + i * T, 0.0); });
}

double dot(const Numbers& a, const Numbers& b) { return std::inner_product(a.begin(), a.end(), b.begin(), 0.0); }

}  // namespace

Numbers softmax(const Numbers& x) {
  const double shift = *std::max_element(x.begin(), x.end());
  const Numbers e = each(long(x.size()), [&](long i) { return std::exp(x[i] - shift); });
  const double sum = total(e);
  return each(long(x.size()), [&](long i) { return e[i] / sum; });
}

Numbers random_weights(long tasks, uint64_t seed, long step) {
  std::vector<real> normal(tasks);
  Random{seed, Stream::weighting, uint32_t(step)}.normals(1, tasks, normal.data());
  return softmax(Numbers(normal.begin(), normal.end()));
}

Numbers dwa(const Numbers& last, const Numbers& before_last, double temperature) {
  const long T = long(last.size());
  const Numbers w = softmax(each(T, [&](long i) {
    return (before_last[i] > 0 ? last[i] / std::max(before_last[i], kTiny) : 1) / temperature;  // none before: no ratio
  }));
  return each(T, [&](long i) { return double(T) * w[i]; });
}

Numbers uncertainty_coefficients(const Numbers& s) {
  return each(long(s.size()), [&](long i) { return 0.5 * std::exp(-s[i]); });
}
Numbers uncertainty_slope(const Numbers& s, const Numbers& losses) {
  return each(long(s.size()), [&](long i) { return 0.5 * (1 - losses[i] * std::exp(-s[i])); });
}

Numbers imtl_l_coefficients(const Numbers& s) {
  return each(long(s.size()), [&](long i) { return std::exp(s[i]); });
}
Numbers imtl_l_slope(const Numbers& s, const Numbers& losses) {
  return each(long(s.size()), [&](long i) { return std::exp(s[i]) * losses[i] - 1; });
}

Numbers gls(const Numbers& losses) {
  const long T = long(losses.size());
  const Numbers L = each(T, [&](long i) { return std::max(losses[i], kTiny); });
  const double mean = std::exp(total(each(T, [&](long i) { return std::log(L[i]); })) / double(T));
  return each(T, [&](long i) { return mean / (double(T) * L[i]); });
}

GradNorm gradnorm(const Numbers& s, const Numbers& losses, const Numbers& initial, const Numbers& gram, double alpha) {
  const long T = long(s.size());
  GradNorm y;
  const Numbers p = softmax(s), rate = each(T, [&](long i) { return losses[i] / std::max(initial[i], kTiny); });
  y.weights = each(T, [&](long i) { return double(T) * p[i]; });
  y.norms = each(T, [&](long i) { return y.weights[i] * std::sqrt(std::max(0.0, gram[i * T + i])); });
  const double mean_norm = total(y.norms) / double(T), mean_rate = std::max(total(rate) / double(T), kTiny);
  y.target = each(T, [&](long i) { return mean_norm * std::pow(rate[i] / mean_rate, alpha); });
  const Numbers off = each(T, [&](long i) { return y.norms[i] - y.target[i]; });
  const Numbers a = each(T, [&](long i) { return off[i] > 0 ? y.norms[i] : off[i] < 0 ? -y.norms[i] : 0; });
  const double sum = total(a);
  y.slope = each(T, [&](long j) { return a[j] - p[j] * sum; });
  y.objective = total(each(T, [&](long i) { return std::abs(off[i]); }));
  return y;
}

Numbers pcgrad(const Numbers& gram, const std::vector<std::vector<int>>& order) {
  const long T = long(order.size());
  Numbers c(T);
  for (long i = 0; i < T; ++i) {
    Numbers own(T);  // what is left of g_i, as coefficients of the gradients
    own[i] = 1;
    for (int j : order[i]) {
      const double along = times(gram, own)[j];
      if (along < 0) own[j] -= along / (gram[j * T + j] + kTiny);
    }
    for (long k = 0; k < T; ++k) c[k] += own[k];
  }
  return c;
}

std::vector<std::vector<int>> random_order(long tasks, uint64_t seed, long step) {
  std::vector<std::vector<int>> order;
  for (long i = 0; i < tasks; ++i) {
    order.push_back(permutation(int(tasks), {seed, Stream::weighting, uint32_t(step), uint32_t(i)}));
    std::erase(order.back(), int(i));
  }
  return order;
}

Numbers mgda(const Numbers& gram) {
  const long T = tasks_of(gram);
  if (T != 2) return least_on_simplex(T, [&](const Numbers& w) { return times(gram, w); });
  const double apart = gram[0] - gram[1] - gram[2] + gram[3];  // |g_0 - g_1|^2
  const double w = apart > 0 ? std::clamp((gram[3] - gram[1]) / apart, 0.001, 0.999) : 0.5;
  return {w, 1 - w};
}

Numbers cagrad(const Numbers& gram, double c) {
  const long T = tasks_of(gram);
  const Numbers mean(T, 1 / double(T)), along = times(gram, mean);  // g_i . g_0
  const double radius = c * std::sqrt(std::max(0.0, dot(mean, along)));
  const auto norm = [&](const Numbers& w, const Numbers& gw) { return std::sqrt(std::max(0.0, dot(w, gw))); };
  const Numbers w = least_on_simplex(T, [&](const Numbers& v) {
    const Numbers gv = times(gram, v);
    const double length = norm(v, gv);
    return each(T, [&](long i) { return along[i] + (length > 0 ? radius * gv[i] / length : 0); });
  });
  const double length = norm(w, times(gram, w)), lambda = length > 0 ? radius / length : 0;
  return each(T, [&](long i) { return (mean[i] + lambda * w[i]) / (1 + c * c); });
}

Numbers famo_coefficients(const Numbers& w, const Numbers& losses) {
  const long T = long(w.size());
  const Numbers z = softmax(w), share = each(T, [&](long i) { return z[i] / (losses[i] + kTiny); });
  const double k = total(share);
  return each(T, [&](long i) { return share[i] / k; });
}

Numbers famo_slope(const Numbers& w, const Numbers& before, const Numbers& after) {
  const long T = long(w.size());
  const Numbers z = softmax(w);
  const Numbers gain = each(T, [&](long i) { return std::log(before[i] + kTiny) - std::log(after[i] + kTiny); });
  const double mean = dot(z, gain);
  return each(T, [&](long i) { return z[i] * (gain[i] - mean); });
}

Numbers stch(const Numbers& losses, const Numbers& nadir, double mu) {
  const long T = long(losses.size());
  const Numbers L = each(T, [&](long i) { return std::max(losses[i], kTiny); });
  const Numbers p = softmax(each(T, [&](long i) { return std::log(L[i] / std::max(nadir[i], kTiny)) / mu; }));
  return each(T, [&](long i) { return double(T) * p[i] / L[i]; });
}

// Along the way from `from` to `to` the slope rises, the function being convex: where it passes 0 is found by halving.
Numbers least_on_simplex(long tasks, const std::function<Numbers(const Numbers&)>& gradient) {
  Numbers w(tasks, 1 / double(tasks));
  for (int iteration = 0; iteration < 1000; ++iteration) {
    const Numbers d = gradient(w);
    long to = 0, from = -1;
    double size = 0;
    for (long i = 0; i < tasks; ++i) {
      if (d[i] < d[to]) to = i;
      if (w[i] > 0 && (from < 0 || d[i] > d[from])) from = i;
      size = std::max(size, std::abs(d[i]));
    }
    if (d[from] - d[to] <= 1e-9 * size) break;
    const auto moved = [&](double mass) {
      Numbers v = w;
      v[from] = mass == w[from] ? 0 : w[from] - mass;
      v[to] += mass;
      return v;
    };
    double low = 0, high = w[from];
    const auto falls_still = [&](double mass) {
      const Numbers slope = gradient(moved(mass));
      return slope[to] < slope[from];
    };
    if (falls_still(high))
      low = high;
    else
      for (int halving = 0; halving < 60; ++halving) (falls_still((low + high) / 2) ? low : high) = (low + high) / 2;
    if (low == 0) break;
    w = moved(low);
  }
  return w;
}

}  // namespace optim
