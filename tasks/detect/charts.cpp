// One step of each chart. The formulas stand in charts.h.
#include "tasks/detect/charts.h"

#include <algorithm>
#include <cmath>

#include "engine/base.h"

namespace detect {

using engine::check;

namespace {

void check_value(const char* who, double x) {
  check(std::isfinite(x), "{}: a value is a finite number; got {}", who, x);
}

void check_ordinary(const char* who, const Ordinary& o) {
  check(std::isfinite(o.mean) && o.deviation > 0 && std::isfinite(o.deviation),
        "{}: a mean, and a deviation above 0; got {} and {}", who, o.mean, o.deviation);
}

}  // namespace

Cusum::Cusum(Ordinary ordinary, double k, double h, bool restart)
    : ordinary_(ordinary), k_(k), h_(h), restart_(restart) {
  check_ordinary("Cusum", ordinary);
  check(k >= 0 && h >= 0, "Cusum: k and h are 0 or more; got {} and {}", k, h);
}

bool Cusum::add(double x) {
  check_value("Cusum", x);
  const double z = (x - ordinary_.mean) / ordinary_.deviation;
  up_ = std::max(0., (restart_ && alarm_up() ? 0 : up_) + z - k_);
  down_ = std::max(0., (restart_ && alarm_down() ? 0 : down_) - z - k_);
  return alarm_up() || alarm_down();
}

PageHinkley::PageHinkley(double delta, double lambda) : delta_(delta), lambda_(lambda) {
  check(lambda >= 0, "PageHinkley: lambda is 0 or more; got {}", lambda);
}

bool PageHinkley::add(double x) {
  check_value("PageHinkley", x);
  mean_ += (x - mean_) / double(++n_);
  sum_ += x - mean_ - delta_;
  least_ = n_ == 1 ? sum_ : std::min(least_, sum_);
  statistic_ = sum_ - least_;
  const bool alarm = statistic_ > lambda_;
  if (alarm) mean_ = sum_ = least_ = 0, n_ = 0;
  return alarm;
}

PageHinkleyForgetting::PageHinkleyForgetting(double delta, double threshold, double alpha, long min_instances)
    : delta_(delta), threshold_(threshold), alpha_(alpha), min_instances_(min_instances) {
  check(alpha >= 0 && alpha <= 1, "PageHinkleyForgetting: alpha is 0 ... 1; got {}", alpha);
}

bool PageHinkleyForgetting::add(double x) {
  check_value("PageHinkleyForgetting", x);
  if (alarmed_) mean_ = sum_ = 0, n_ = 0;
  mean_ += (x - mean_) / double(++n_);
  sum_ = std::max(0., alpha_ * sum_ + x - mean_ - delta_);
  return alarmed_ = sum_ >= threshold_ && n_ + 1 >= min_instances_;
}

Ewma::Ewma(Ordinary ordinary, double lambda, double L)
    : ordinary_(ordinary), lambda_(lambda), L_(L), z_(ordinary.mean) {
  check_ordinary("Ewma", ordinary);
  check(lambda > 0 && lambda <= 1, "Ewma: lambda is above 0, at most 1; got {}", lambda);
}

bool Ewma::add(double x) {
  check_value("Ewma", x);
  z_ = lambda_ * x + (1 - lambda_) * z_;
  left_ *= (1 - lambda_) * (1 - lambda_);
  half_ = L_ * ordinary_.deviation * std::sqrt(lambda_ / (2 - lambda_) * (1 - left_));
  return z_ > upper() || z_ < lower();
}

}  // namespace detect
