// Weighted least squares on the logarithm of a share. The formula stands in trend.h.
#include "tasks/monitor/trend.h"

#include <algorithm>
#include <cmath>

namespace monitor {

std::optional<Trend> trend_of(const std::vector<double>& held, const std::vector<double>& texts) {
  double k = 0, n = 0;
  long bins = 0;
  for (size_t i = 0; i < texts.size(); ++i) k += held[i], n += texts[i], bins += texts[i] > 0;
  if (bins < 3) return {};
  const double q = (k + 0.5) / (n + 1);
  double sw = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
  const auto at = [&](size_t i) { return std::log((held[i] + 0.5) / (texts[i] + 1)); };
  const auto weight = [&](size_t i) { return texts[i] > 0 ? texts[i] * q / std::max(1e-6, 1 - q) : 0; };
  for (size_t i = 0; i < texts.size(); ++i) {
    const double w = weight(i), x = double(i), y = at(i);
    sw += w, sx += w * x, sy += w * y, sxx += w * x * x, sxy += w * x * y;
  }
  const double spread = sxx - sx * sx / sw;
  if (!(spread > 0)) return {};
  const double slope = (sxy - sx * sy / sw) / spread, middle = sy / sw - slope * sx / sw;
  double chi2 = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    const double off = at(i) - middle - slope * double(i);
    chi2 += weight(i) * off * off;
  }
  const double error = std::sqrt(std::max(1., chi2 / double(bins - 2)) / spread);
  const auto per_cent = [](double s) { return 100 * std::expm1(s); };
  return Trend{per_cent(slope), per_cent(slope - 1.96 * error), per_cent(slope + 1.96 * error), std::lround(n)};
}

}  // namespace monitor
