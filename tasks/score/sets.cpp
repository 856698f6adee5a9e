// Metrics of labels, numbers and entities, each by its definition. Nothing to read before.
#include "tasks/score/sets.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/base.h"

namespace score {

using engine::check;

namespace {

double ratio(double part, double whole) { return whole == 0 ? 0 : part / whole; }

// True positives, false positives and false negatives.
struct Hits {
  long tp = 0, fp = 0, fn = 0;
  void count(bool truth, bool predicted) {
    tp += truth && predicted;
    fp += !truth && predicted;
    fn += truth && !predicted;
  }
  double f1() const { return ratio(2. * double(tp), double(2 * tp + fp + fn)); }
};

template <class T>
void check_pairs(const char* metric, const std::vector<T>& y_true, const std::vector<T>& y_pred) {
  check(y_true.size() == y_pred.size() && !y_true.empty(), "{}: a prediction for every truth; got {} for {}", metric,
        y_pred.size(), y_true.size());
}

std::vector<Hits> hits_of_labels(const LabelSets& y_true, const LabelSets& y_pred) {
  check_pairs("f1 of label sets", y_true, y_pred);
  std::vector<Hits> hits(y_true[0].size());
  for (std::size_t i = 0; i < y_true.size(); ++i) {
    check(y_true[i].size() == hits.size() && y_pred[i].size() == hits.size(),
          "f1 of label sets: {} labels in every row; row {} has {} and {}", hits.size(), i, y_true[i].size(),
          y_pred[i].size());
    for (std::size_t k = 0; k < hits.size(); ++k) hits[k].count(y_true[i][k], y_pred[i][k]);
  }
  return hits;
}

std::vector<double> ranks(const std::vector<double>& x) {
  std::vector<std::size_t> order(x.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return x[a] < x[b]; });
  std::vector<double> rank(x.size());
  for (std::size_t start = 0, end = 0; start < order.size(); start = end) {
    while (end < order.size() && x[order[end]] == x[order[start]]) ++end;
    for (std::size_t i = start; i < end; ++i) rank[order[i]] = double(start + 1 + end) / 2;
  }
  return rank;
}

double mean(const std::vector<double>& x) { return std::accumulate(x.begin(), x.end(), 0.) / double(x.size()); }

}  // namespace

double micro_f1(const LabelSets& y_true, const LabelSets& y_pred) {
  Hits all;
  for (const Hits& h : hits_of_labels(y_true, y_pred)) all = {all.tp + h.tp, all.fp + h.fp, all.fn + h.fn};
  return all.f1();
}

double macro_f1(const LabelSets& y_true, const LabelSets& y_pred) {
  const std::vector<Hits> hits = hits_of_labels(y_true, y_pred);
  double sum = 0;
  for (const Hits& h : hits) sum += h.f1();
  return ratio(sum, double(hits.size()));
}

double mean_squared_error(const std::vector<double>& y_true, const std::vector<double>& y_pred) {
  check_pairs("mean_squared_error", y_true, y_pred);
  double sum = 0;
  for (std::size_t i = 0; i < y_true.size(); ++i) sum += (y_true[i] - y_pred[i]) * (y_true[i] - y_pred[i]);
  return sum / double(y_true.size());
}

// sum (x - mean x) (y - mean y) / sqrt(sum (x - mean x)^2  sum (y - mean y)^2)
double pearson(const std::vector<double>& x, const std::vector<double>& y) {
  check_pairs("pearson", x, y);
  const double mx = mean(x), my = mean(y);
  double xy = 0, xx = 0, yy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xy += (x[i] - mx) * (y[i] - my);
    xx += (x[i] - mx) * (x[i] - mx);
    yy += (y[i] - my) * (y[i] - my);
  }
  return ratio(xy, std::sqrt(xx) * std::sqrt(yy));
}

double spearman(const std::vector<double>& x, const std::vector<double>& y) {
  check_pairs("spearman", x, y);
  return pearson(ranks(x), ranks(y));
}

std::vector<Span> spans_of(const std::vector<std::string>& tags) {
  std::vector<Span> spans;
  bool open = false;  // the last span may go on
  for (std::size_t i = 0; i < tags.size(); ++i) {
    const bool begins = tags[i].starts_with("B-"), inside = tags[i].starts_with("I-");
    const std::string type = begins || inside ? tags[i].substr(2) : "";
    if (inside && open && spans.back().type == type) {
      spans.back().last = i + 1;
    } else {
      open = begins || inside;
      if (open) spans.push_back({i, i + 1, type});
    }
  }
  return spans;
}

double entity_f1(const std::vector<std::vector<std::string>>& y_true,
                 const std::vector<std::vector<std::string>>& y_pred) {
  check_pairs("entity_f1", y_true, y_pred);
  Hits hits;
  for (std::size_t i = 0; i < y_true.size(); ++i) {
    check(y_true[i].size() == y_pred[i].size(), "entity_f1: a tag for every word; text {} has {} words and {} tags", i,
          y_true[i].size(), y_pred[i].size());
    const std::vector<Span> truth = spans_of(y_true[i]), predicted = spans_of(y_pred[i]);
    const long right = std::count_if(predicted.begin(), predicted.end(), [&](const Span& s) {
      return std::find(truth.begin(), truth.end(), s) != truth.end();
    });
    hits = {hits.tp + right, hits.fp + long(predicted.size()) - right, hits.fn + long(truth.size()) - right};
  }
  return hits.f1();
}

}  // namespace score
