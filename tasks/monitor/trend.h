// Trend: how fast a share rises or falls, with the interval of what is not known.
#pragma once

#include <optional>
#include <vector>

namespace monitor {

// Of bins with k_i of n_i texts negative, the weighted least-squares slope of log((k_i + 1/2) / (n_i + 1)) over i, as
// per cent a bin: 100 (e^slope - 1). Weights 1 / variance, by the delta method v_i = (1 - q) / (q n_i), q the share of
// all; the standard error is widened by the root of chi^2 / (bins - 2) where that is above 1.
struct Trend {
  double slope = 0, low = 0, high = 0;  // per cent a bin, 95 %
  long texts = 0;
};
// Nothing: fewer than three bins with texts.    held, texts [bins], the oldest first
std::optional<Trend> trend_of(const std::vector<double>& held, const std::vector<double>& texts);

}  // namespace monitor
