// Charts: detectors that see one value after the other and keep a few numbers, which are their whole state. Copy the
// struct to save it. Each says whether the value that it was just given raised an alarm.
#pragma once

namespace detect {

// A deviation from the ordinary as a chart sees it: (x - mean) / deviation.
struct Ordinary {
  double mean = 0, deviation = 1;
};

// Two-sided cumulative sums (Page 1954), z = (x - mean) / deviation:
//   up = max(0, up + z - k),   down = max(0, down - z - k),   alarm where one is above h
// k: half the shift worth finding, in deviations; h 4 or 5. With `restart` a side that raised an alarm begins at 0
// again with the next value. For counts of mean m: deviation sqrt(m).
class Cusum {
 public:
  Cusum(Ordinary ordinary, double k, double h, bool restart = false);
  bool add(double x);
  double up() const { return up_; }  // with the value just given
  double down() const { return down_; }
  bool alarm_up() const { return up_ > h_; }
  bool alarm_down() const { return down_ > h_; }

 private:
  Ordinary ordinary_;
  double k_, h_, up_ = 0, down_ = 0;
  bool restart_;
};

// Page and Hinkley (Page 1954; Mouss et al. 2004), for rises, with the mean of the values since the last alarm, x too:
//   m = m + x - mean - delta,   statistic = m - min m,   alarm where it is above lambda; then all begins again
class PageHinkley {
 public:
  PageHinkley(double delta, double lambda);
  bool add(double x);
  double statistic() const { return statistic_; }

 private:
  double delta_, lambda_, mean_ = 0, sum_ = 0, least_ = 0, statistic_ = 0;
  long n_ = 0;
};

// The form of river and scikit-multiflow, which forgets by alpha and waits:
//   s = max(0, alpha s + x - mean - delta),   alarm where s >= threshold and n + 1 >= min_instances of n values;
// all begins again before the next value.
class PageHinkleyForgetting {
 public:
  PageHinkleyForgetting(double delta, double threshold, double alpha, long min_instances);
  bool add(double x);
  double statistic() const { return sum_; }

 private:
  double delta_, threshold_, alpha_, mean_ = 0, sum_ = 0;
  long min_instances_, n_ = 0;
  bool alarmed_ = false;
};

// Exponentially weighted moving average (Roberts 1959), from the mean:
//   z = lambda x + (1 - lambda) z,   limits mean +- L deviation sqrt(lambda / (2 - lambda) (1 - (1 - lambda)^(2 t)))
// t = 1, 2, ... the number of values; alarm outside of the limits. lambda in (0, 1].
class Ewma {
 public:
  Ewma(Ordinary ordinary, double lambda, double L);
  bool add(double x);
  double value() const { return z_; }
  double lower() const { return ordinary_.mean - half_; }
  double upper() const { return ordinary_.mean + half_; }

 private:
  Ordinary ordinary_;
  double lambda_, L_, z_, left_ = 1, half_ = 0;  // left: (1 - lambda)^(2 t)
};

}  // namespace detect
