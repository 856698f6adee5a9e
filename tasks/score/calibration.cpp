// Bins, their gaps, and the one number that mends most of them. The formulas stand in calibration.h; read
// tasks/score/confidence.h first.
#include "tasks/score/calibration.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "tasks/score/confidence.h"
#include "tasks/score/counts.h"

namespace score {

using engine::check;

namespace {

void check_confidences(const std::vector<double>& confidence, size_t right, int B) {
  check(confidence.size() == right && right > 0, "bins: an outcome for every confidence; got {} for {}", right,
        confidence.size());
  check(B > 0, "bins: one at least; got {}", B);
  for (const double c : confidence) check(c >= 0 && c <= 1, "bins: a confidence is 0 ... 1; got {}", c);
}

// The sums of a bin while it fills.
void add(Bin& bin, double confidence, bool right) {
  ++bin.count;
  bin.confidence += confidence;
  bin.accuracy += right;
}

std::vector<Bin> means_of(std::vector<Bin> bins) {
  std::erase_if(bins, [](const Bin& b) { return b.count == 0; });
  for (Bin& b : bins) {
    b.confidence /= double(b.count);
    b.accuracy /= double(b.count);
  }
  return bins;
}

std::vector<Bin> empty_bins(int B) {
  std::vector<Bin> bins(size_t(B), Bin{});
  for (int b = 0; b < B; ++b) bins[size_t(b)].bin = b;
  return bins;
}

}  // namespace

int bin_of(double confidence, int B) {
  int b = std::clamp(int(std::ceil(confidence * B)) - 1, 0, B - 1);
  while (b > 0 && confidence <= double(b) / B) --b;  // the product is rounded, the edges are what they are
  while (b + 1 < B && confidence > double(b + 1) / B) ++b;
  return b;
}

std::vector<Bin> bins_of_width(const std::vector<double>& confidence, const std::vector<bool>& right, int B) {
  check_confidences(confidence, right.size(), B);
  std::vector<Bin> bins = empty_bins(B);
  for (size_t i = 0; i < right.size(); ++i) add(bins[size_t(bin_of(confidence[i], B))], confidence[i], right[i]);
  return means_of(std::move(bins));
}

std::vector<Bin> bins_of_size(const std::vector<double>& confidence, const std::vector<bool>& right, int B) {
  check_confidences(confidence, right.size(), B);
  std::vector<size_t> order(right.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return confidence[a] < confidence[b]; });
  std::vector<Bin> bins = empty_bins(B);
  const size_t size = order.size() / size_t(B), larger = order.size() % size_t(B);
  size_t i = 0;
  for (size_t b = 0; b < size_t(B); ++b)
    for (const size_t end = i + size + (b < larger); i < end; ++i) add(bins[b], confidence[order[i]], right[order[i]]);
  return means_of(std::move(bins));
}

namespace {

// sum over bins of weight(count) f(gap), the weights those counts' shares
template <class F>
double weighted(const std::vector<Bin>& bins, F f) {
  double sum = 0, n = 0;
  for (const Bin& b : bins) {
    sum += double(b.count) * f(b.gap());
    n += double(b.count);
  }
  return ratio(sum, n);
}

}  // namespace

double ece(const std::vector<Bin>& bins) {
  return weighted(bins, [](double gap) { return gap; });
}
double rmsce(const std::vector<Bin>& bins) {
  return std::sqrt(weighted(bins, [](double gap) { return gap * gap; }));
}
double mce(const std::vector<Bin>& bins) {
  double worst = 0;
  for (const Bin& b : bins) worst = std::max(worst, b.gap());
  return worst;
}
double ace(const std::vector<Bin>& bins) {
  double sum = 0;
  for (const Bin& b : bins) sum += b.gap();
  return ratio(sum, double(bins.size()));
}

Outcomes outcomes_of_class(const std::vector<std::vector<double>>& p, const std::vector<int>& labels, int k) {
  check(p.size() == labels.size(), "outcomes: a label for every row; got {} for {}", labels.size(), p.size());
  Outcomes o;
  for (size_t i = 0; i < p.size(); ++i) {
    o.confidence.push_back(p[i].at(size_t(k)));
    o.right.push_back(labels[i] == k);
  }
  return o;
}

Outcomes outcomes_of_largest(const std::vector<std::vector<double>>& p, const std::vector<int>& labels) {
  check(p.size() == labels.size(), "outcomes: a label for every row; got {} for {}", labels.size(), p.size());
  Outcomes o;
  for (size_t i = 0; i < p.size(); ++i) {
    o.confidence.push_back(max_probability(p[i]));
    o.right.push_back(labels[i] == largest(p[i]));
  }
  return o;
}

namespace {

// E |sum_i (right_i - c_i)| where text i is right with probability c_i, by itself.
double expected_distance(const std::vector<double>& c) {
  constexpr size_t kExact = 2048;
  const double mean = std::accumulate(c.begin(), c.end(), 0.);
  if (c.size() > kExact) {
    double variance = 0;
    for (const double x : c) variance += x * (1 - x);
    return std::sqrt(2 / std::numbers::pi * variance);
  }
  std::vector<double> share{1};  // share[m] = P(m are right) of the texts so far
  for (const double x : c) {
    share.push_back(0);
    for (size_t m = share.size() - 1; m > 0; --m) share[m] = share[m] * (1 - x) + share[m - 1] * x;
    share[0] *= 1 - x;
  }
  double distance = 0;
  for (size_t m = 0; m < share.size(); ++m) distance += share[m] * std::abs(double(m) - mean);
  return distance;
}

}  // namespace

double ece_of_a_perfect_model(const std::vector<double>& confidence, int B) {
  check_confidences(confidence, confidence.size(), B);
  std::vector<std::vector<double>> bins(size_t(B), std::vector<double>{});
  for (const double c : confidence) bins[size_t(bin_of(c, B))].push_back(c);
  double sum = 0;
  for (const std::vector<double>& bin : bins) sum += expected_distance(bin);
  return sum / double(confidence.size());
}

namespace {
constexpr double kMost = 1000;  // of a temperature, and of its inverse
}

double best_temperature(const std::vector<std::vector<double>>& logits, const std::vector<int>& labels) {
  negative_log_likelihood(logits, labels);  // refuses labels that are none
  double low = 1 / kMost, high = kMost, u = 1;
  for (int step = 0; step < 200 && low < high; ++step) {
    double slope = 0, curve = 0;
    for (size_t i = 0; i < logits.size(); ++i) {
      const std::vector<double> p = probabilities(logits[i], 1 / u);
      double mean = 0, square = 0;
      for (size_t k = 0; k < p.size(); ++k) {
        const double x = logits[i][k] - logits[i][size_t(labels[i])];  // from x_y: what is subtracted is not large
        mean += p[k] * x;
        square += p[k] * x * x;
      }
      slope += mean;
      curve += square - mean * mean;
    }
    if (slope == 0) break;
    (slope < 0 ? low : high) = u;
    double next = u - slope / curve;
    if (!(next > low && next < high)) next = std::sqrt(low * high);
    if (std::abs(next - u) <= 1e-16 * u) break;
    u = next;
  }
  return 1 / u;
}

bool none_wrong(const std::vector<std::vector<double>>& logits, const std::vector<int>& labels) {
  for (size_t i = 0; i < labels.size(); ++i)
    if (largest(logits[i]) != labels[i]) return false;
  return true;
}

std::string no_measurement(double temperature, bool none_wrong) {
  constexpr double kNear = 1.01;  // the last halving stops a little before the bound
  if (temperature * kNear > kMost)
    return fmt::format(
        "temperature {:g} is the end of the search: on these texts the model is at chance or worse, so that its scores "
        "say nothing of the class; all classes now get about the same probability",
        kMost);
  if (none_wrong)
    return fmt::format(
        "temperature {:.2g} says nothing: of these texts none is wrong, so that they cannot tell how sure to be; every "
        "prediction is now all but certain",
        temperature);
  if (temperature < kNear / kMost)
    return fmt::format("temperature {:g} is the end of the search: the scores of the classes hardly differ", 1 / kMost);
  return "";
}

}  // namespace score
