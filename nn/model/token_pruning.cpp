// Which tokens go on to the next layers. Read self_attention in engine/ops_attention.cpp first: what a token receives.
#include "nn/model/token_pruning.h"

#include <cmath>
#include <numeric>

namespace nn {
namespace {

// The tokens of a sequence, numbered from 0, by what they receive; the first `always` come first.
Indices ranked(const real* received, long n, long always) {
  Indices order(n);
  std::iota(order.begin(), order.end(), 0);
  const auto weight = [&](int t) {
    if (t < always) return std::numeric_limits<real>::infinity();
    return std::isnan(received[t]) ? real(-1) : received[t];  // so that sorting stays defined
  };
  std::stable_sort(order.begin(), order.end(), [&](int s, int t) { return weight(s) > weight(t); });
  return order;
}

void check_received(const char* what, const Tensor& received, const Indices& offsets) {
  check(received.shape() == Shape{offsets.back()}, "{}: received must be [{}], a number a token; got {}", what,
        offsets.back(), received);
}

}  // namespace

KeptRows keep_significant(const Tensor& received, const Indices& offsets, const Indices& full, double share,
                          long always) {
  check_received("keep_significant", received, offsets);
  check(share > 0 && share <= 1 && always >= 1 && full.size() == offsets.size(),
        "keep_significant: a share in (0, 1], at least one token that always goes on, and offsets of equally many "
        "sequences are needed; got {}, {}, {} and {}",
        share, always, full.size(), offsets.size());
  KeptRows kept{{}, {0}};
  for (size_t b = 0; b + 1 < offsets.size(); ++b) {
    const long n = offsets[b + 1] - offsets[b], length = full[b + 1] - full[b];
    const long count = std::ceil(share * double(length) - 1e-9);  // 0.7 * 10 is 7, though not in binary
    Indices order = ranked(received.data() + offsets[b], n, always);
    order.resize(std::min(n, std::max(count, always)));
    std::sort(order.begin(), order.end());
    for (const int t : order) kept.rows.push_back(offsets[b] + t);
    kept.offsets.push_back(int(kept.rows.size()));
  }
  return kept;
}

Tensor soft_extract(const Tensor& x, const Tensor& received, const Indices& offsets, const Tensor& retention,
                    long layer, long always) {
  check_received("soft_extract", received, offsets);
  const long P = retention.dim(1);
  Indices entry(offsets.back());  // of each token, among the layer's parameters and, behind them, a 1
  for (size_t b = 0; b + 1 < offsets.size(); ++b) {
    const long n = offsets[b + 1] - offsets[b];
    const Indices order = ranked(received.data() + offsets[b], n, always);
    for (long k = 0; k < n; ++k) entry[offsets[b] + order[k]] = int(order[k] < always ? P : k * P / n);
  }
  const Tensor r = reshape(slice(retention, 0, layer, layer + 1), {P, 1});
  return x * gather_rows(concat({r, Tensor::full({1, 1}, 1)}, 0), entry);  // [N, C] * [N, 1]
}

Tensor retention_mass(const Tensor& retention) {
  Tensor layers = Tensor(Shape{retention.dim(0)});
  std::iota(layers.data(), layers.data() + layers.numel(), real(1));
  return sum(mean(retention, 1) * layers);
}

std::vector<double> learned_schedule(const Tensor& retention) {
  const long L = retention.dim(0), P = retention.dim(1);
  std::vector<double> schedule;
  double share = 1;
  for (long l = 0; l < L; ++l) {
    double mass = 0;
    for (long p = 0; p < P; ++p) mass += double(retention.data()[l * P + p]) / double(P);
    share = std::min(share, std::ceil(mass * 1e4) / 1e4);  // four digits are enough to be read and written
    schedule.push_back(std::max(share, 1e-4));
  }
  return schedule;
}

}  // namespace nn
