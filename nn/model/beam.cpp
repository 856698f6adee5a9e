// Beam search, greedy search and sampling. Read nn/model/decoder.h first: where the logits come from.
#include "nn/model/beam.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/parallel.h"
#include "engine/simd.h"

namespace nn {
namespace {

constexpr real kNever = -std::numeric_limits<real>::infinity();

// A hypothesis that goes on.
struct Row {
  Hypothesis so_far;
  double sum = 0;  // of log p
  int before = 0;  // its row in the last step
  int copy = 0;    // of draws: which of the sentence's
};

struct Candidate {
  double sum;
  int row, token;  // row: of the sentence
  double log_prob;
  // The better first; of equals the earlier row, then the smaller token.
  bool operator<(const Candidate& o) const { return std::tuple(-sum, row, token) < std::tuple(-o.sum, o.row, o.token); }
};

struct Sentence {
  Asked asked;
  std::vector<Row> rows;          // empty: done
  std::vector<Hypothesis> ended;  // best first
};

// A row of logits that is read as seldom as can be: log p_v = x_v - top - log_sum, log_sum = log sum_j e^{x_j - top}.
struct Logits {
  static constexpr long kStretch = 128;
  real* x;
  long V;
  std::vector<real> tops;  // the largest of every stretch
  real top = 0, log_sum = 0;

  Logits(real* row, long n) : x(row), V(n) {
    for (long first = 0; first < V; first += kStretch)
      tops.push_back(simd::max(x + first, std::min(kStretch, V - first)));
    top = *std::max_element(tops.begin(), tops.end());
    log_sum = std::log(simd::exp_sum(x, top, V));
  }
  double log_p(real logit) const { return double(logit - top - log_sum); }
  double log_prob(long v) const { return log_p(x[v]); }
};

class Search {
 public:
  Search(const std::vector<Asked>& sentences, int start, int end, const SearchOptions& o)
      : start_(start), end_(end), o_(o) {
    for (size_t s = 0; s < sentences.size(); ++s) {
      check(sentences[s].most >= 1, "search: sentence {} may have {} tokens; its end is one", s, sentences[s].most);
      sentences_.push_back({sentences[s], {}, {}});
      const int copies = o.sample ? o.n_best : 1;
      for (int i = 0; i < copies; ++i) sentences_.back().rows.push_back({{}, 0, int(s), i});
    }
  }

  std::vector<std::vector<Hypothesis>> run(const Next& next) {
    for (length_ = 1; going_on(); ++length_) {
      Indices ids, parents;
      for (const Sentence& s : sentences_)
        for (const Row& row : s.rows) {
          ids.push_back(row.so_far.ids.empty() ? start_ : row.so_far.ids.back());
          parents.push_back(row.before);
        }
      advance(next(ids, parents));
    }
    std::vector<std::vector<Hypothesis>> result;
    for (Sentence& s : sentences_) {
      check(!s.ended.empty(), "search: every continuation of a sentence is forbidden");
      s.ended.resize(std::min(s.ended.size(), size_t(o_.n_best)));
      result.push_back(std::move(s.ended));
    }
    return result;
  }

 private:
  bool going_on() const {
    return std::any_of(sentences_.begin(), sentences_.end(), [](const Sentence& s) { return !s.rows.empty(); });
  }

  // One step of all sentences: logits [R, V] become what goes on and what has ended.
  void advance(const Tensor& logits) {
    const long V = logits.dim(1);
    std::vector<std::pair<const Sentence*, int>> rows;
    for (const Sentence& s : sentences_)
      for (size_t i = 0; i < s.rows.size(); ++i) rows.emplace_back(&s, int(i));
    check(logits.dim(0) == long(rows.size()), "search: {} rows go on; got logits {}", rows.size(), logits);
    std::vector<std::vector<Candidate>> of_rows(rows.size());
    parallel_rows(long(rows.size()), V * 8, [&](long r) {
      const auto& [sentence, row] = rows[r];
      of_rows[r] = continuations(*sentence, row, logits.data() + r * V, V);
    });
    for (const std::vector<Candidate>& of_row : of_rows)
      check(of_row.empty() || !std::isnan(of_row[0].sum), "search: the model's logits hold a NaN or infinity");
    size_t first = 0;
    for (Sentence& s : sentences_) {
      const size_t count = s.rows.size();
      std::vector<Candidate> all;
      for (size_t r = first; r < first + count; ++r) all.insert(all.end(), of_rows[r].begin(), of_rows[r].end());
      if (count) take(s, std::move(all), int(first));
      first += count;
    }
  }

  // Of a row with these logits [V], which are spoilt: the one that must follow, a drawn one or the best; one whose sum
  // is no number, where logits are none.
  std::vector<Candidate> continuations(const Sentence& s, int row, real* x, long V) const {
    const Indices& ids = s.rows[row].so_far.ids;
    const double sum = s.rows[row].sum;
    const bool forced = ids.size() < s.asked.forced.size();
    if (!forced && o_.force_end && length_ >= s.asked.most) return {{sum, row, end_, 0}};
    if (forced) {
      const int token = s.asked.forced[ids.size()];
      check(token >= 0 && token < V, "search: the forced token {} is not among {}", token, V);
      const double log_p = long(ids.size()) < s.asked.free ? 0 : forced_log_prob(ids, token, x, V);
      return {{sum + log_p, row, token, log_p}};
    }
    if (o_.renormalize) forbid(ids, x);
    const Logits logits(x, V);
    if (!o_.renormalize) forbid(ids, x);
    return o_.sample ? drawn(s, row, logits) : best(s, row, logits);
  }

  // It may follow, whatever else is forbidden.
  double forced_log_prob(const Indices& ids, int token, real* x, long V) const {
    const real own = x[token];
    if (o_.renormalize) forbid(ids, x);
    x[token] = own;
    return Logits(x, V).log_prob(token);
  }

  // What must not follow gets -infinity.
  void forbid(const Indices& ids, real* x) const {
    for (const int token : o_.forbidden) x[token] = kNever;
    if (length_ <= o_.least) x[end_] = kNever;
    const size_t n = o_.no_repeat;
    if (n && ids.size() + 1 >= n)
      for (size_t i = 0; i + n <= ids.size(); ++i)
        if (std::equal(ids.begin() + i, ids.begin() + i + n - 1, ids.end() - (n - 1))) x[ids[i + n - 1]] = kNever;
  }

  // The best continuations of a row, as many as a sentence may need.
  std::vector<Candidate> best(const Sentence& s, int row, const Logits& logits) const {
    const size_t most = o_.beams == 1 ? 1 : 2 * o_.beams;
    std::vector<Candidate> heap;  // its front is the worst
    const auto none_better = [&](double log_p) { return heap.size() == most && log_p <= heap.front().log_prob; };
    for (size_t stretch = 0; stretch < logits.tops.size(); ++stretch) {  // of which hardly one is looked at closer
      if (none_better(logits.log_p(logits.tops[stretch]))) continue;
      const long first = long(stretch) * Logits::kStretch, last = std::min(first + Logits::kStretch, logits.V);
      for (long v = first; v < last; ++v) {
        const double log_p = logits.log_prob(v);
        if (logits.x[v] == kNever || none_better(log_p)) continue;
        if (heap.size() == most) {
          std::pop_heap(heap.begin(), heap.end());
          heap.pop_back();
        }
        heap.push_back({s.rows[row].sum + log_p, row, int(v), log_p});
        std::push_heap(heap.begin(), heap.end());
      }
    }
    return heap;
  }

  // One token, with probability softmax(log p / temperature) among those that top_k and top_p leave.
  std::vector<Candidate> drawn(const Sentence& s, int row, const Logits& logits) const {
    std::vector<int> tokens;
    for (long v = 0; v < logits.V; ++v)
      if (logits.x[v] != kNever) tokens.push_back(int(v));
    if (tokens.empty()) return {};
    std::stable_sort(tokens.begin(), tokens.end(),
                     [&](int a, int b) { return logits.log_prob(a) > logits.log_prob(b); });
    if (o_.top_k) tokens.resize(std::min(tokens.size(), size_t(o_.top_k)));
    std::vector<double> weights;
    double total = 0;
    for (const int v : tokens) {
      weights.push_back(std::exp((logits.log_prob(v) - logits.log_prob(tokens[0])) / o_.temperature));
      total += weights.back();
    }
    double kept = 0;
    size_t count = 0;
    while (count < tokens.size() && (count == 0 || kept < o_.top_p * total)) kept += weights[count++];
    uint32_t word;
    Random{o_.seed, Stream::sample, s.asked.number, uint32_t(length_)}.words(s.rows[row].copy, 1, &word);
    double left = kept * (double(word) + 0.5) / 4294967296.;
    size_t i = 0;
    while (i + 1 < count && left >= weights[i]) left -= weights[i++];
    return {{s.rows[row].sum + logits.log_prob(tokens[i]), row, tokens[i], logits.log_prob(tokens[i])}};
  }

  // The candidates of a sentence, whose rows begin at `first` in the batch: the ends among the best, what goes on.
  void take(Sentence& s, std::vector<Candidate> all, int first) const {
    const size_t width = o_.sample ? o_.n_best : o_.beams;
    std::sort(all.begin(), all.end());
    std::vector<Row> rows;
    for (size_t rank = 0; rank < all.size() && rows.size() < width; ++rank) {
      const Candidate& c = all[rank];
      if (c.token == end_ && rank >= width) continue;
      Row row = s.rows[c.row];
      row.so_far.ids.push_back(c.token);
      row.so_far.log_probs.push_back(c.log_prob);
      row.sum = c.sum;
      row.before = first + c.row;
      if (c.token == end_)
        keep(s, std::move(row));
      else
        rows.push_back(std::move(row));
    }
    const bool done = !rows.empty() && !o_.sample && o_.beams > 1 && is_done(s, all[0].sum, rows[0].sum);
    const bool cut = !o_.force_end && length_ >= s.asked.most;
    for (size_t i = 0; cut && !done && i < rows.size(); ++i) keep(s, std::move(rows[i]));
    s.rows = done || cut ? std::vector<Row>{} : std::move(rows);
  }

  size_t kept() const { return o_.sample || o_.stop == Stop::exact ? o_.n_best : o_.beams; }
  double score(double sum, long length) const { return sum / std::pow(double(length), o_.length_penalty); }

  void keep(Sentence& s, Row row) const {
    Hypothesis& h = row.so_far;
    h.score = score(row.sum, length_);
    const auto worse = [&](const Hypothesis& other) { return other.score < h.score; };
    s.ended.insert(std::find_if(s.ended.begin(), s.ended.end(), worse), std::move(h));
    if (s.ended.size() > kept()) s.ended.pop_back();
  }

  // best: the sum of the best candidate, an end or not; best_open: of the best row that goes on
  bool is_done(const Sentence& s, double best, double best_open) const {
    if (s.ended.size() < kept()) return false;
    const double worst = s.ended.back().score;
    switch (o_.stop) {
      case Stop::first:
        return true;
      case Stop::present:
        return worst >= score(best, length_);
      default:
        return worst >= score(best_open, o_.length_penalty > 0 ? s.asked.most : length_);
    }
  }

  int start_, end_;
  SearchOptions o_;
  std::vector<Sentence> sentences_;
  long length_ = 1;  // of the hypotheses with the token of this step
};

}  // namespace

void SearchOptions::check_values() const {
  check(beams >= 1 && n_best >= 1, "search: beams and n_best must be positive; got {} and {}", beams, n_best);
  check(sample || n_best <= beams, "search: {} beams cannot give the {} best", beams, n_best);
  check(!sample || beams == 1, "search: draws need no beams; got {}", beams);
  check(least >= 0 && no_repeat >= 0 && top_k >= 0, "search: least, no_repeat and top_k must not be negative");
  check(temperature > 0 && top_p > 0 && top_p <= 1,
        "search: temperature must be positive and top_p in (0, 1]; got {} and {}", temperature, top_p);
}

std::vector<std::vector<Hypothesis>> search(const Next& next, const std::vector<Asked>& sentences, int start, int end,
                                            const SearchOptions& options) {
  options.check_values();
  return Search(sentences, start, end, options).run(next);
}

}  // namespace nn
