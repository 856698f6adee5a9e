// BLEU out of n-grams of words. Read tasks/score/bleu_tokens.h first, tasks/score/chrf.cpp next.
#include "tasks/score/bleu.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <unordered_map>

#include "engine/base.h"
#include "tasks/score/bleu_tokens.h"
#include "tasks/text/letters.h"

namespace score {

using engine::check;

namespace {

// An n-gram is its words between blanks; one map holds all orders.
using Grams = std::unordered_map<std::string, long>;

Grams grams_of(const std::vector<std::string>& words, int order) {
  Grams grams;
  for (size_t first = 0; first < words.size(); ++first) {
    std::string gram;
    for (size_t i = first; i < std::min(words.size(), first + order); ++i) {
      gram += (i == first ? "" : " ") + words[i];
      ++grams[gram];
    }
  }
  return grams;
}

std::vector<std::string> words_of(const std::string& text, const BleuOptions& o) {
  const std::string cased = o.lowercase ? text::lower(text) : text;
  return split_words(bleu_tokens(o.tokenizer, cased));
}

// The length of the nearest reference, of two the shorter.
long nearest(long length, const std::vector<long>& references) {
  return *std::min_element(references.begin(), references.end(), [length](long a, long b) {
    return std::pair(std::labs(a - length), a) < std::pair(std::labs(b - length), b);
  });
}

Tallies count(const std::string& hypothesis, const std::vector<std::string>& references, const BleuOptions& o) {
  const std::vector<std::string> words = words_of(hypothesis, o);
  Grams most;  // of each n-gram, the count of the reference that has most of it
  std::vector<long> lengths;
  for (const std::string& reference : references) {
    const std::vector<std::string> theirs = words_of(reference, o);
    lengths.push_back(long(theirs.size()));
    for (const auto& [gram, times] : grams_of(theirs, o.order)) most[gram] = std::max(most[gram], times);
  }
  const long length = long(words.size());
  Tallies tallies(2 + 2 * o.order);
  tallies[0] = length;
  tallies[1] = nearest(length, lengths);
  for (const auto& [gram, times] : grams_of(words, o.order)) {
    const auto found = most.find(gram);
    if (found != most.end()) tallies[2 + std::count(gram.begin(), gram.end(), ' ')] += std::min(times, found->second);
  }
  for (int n = 1; n <= o.order; ++n) tallies[1 + o.order + n] = std::max(0L, length - n + 1);
  return tallies;
}

}  // namespace

// With c_n clipped matches and t_n n-grams of order n, summed over the corpus, h and r the lengths:
//   p_n = 100 c_n / t_n;   a zero c_n, the k-th one, by smoothing: exp 100 / (2^k t_n), floor 100 value / t_n, none 0
//   add-k: value is added to c_n and t_n where n > 1
//   BLEU = min(1, e^(1 - r/h)) exp(mean_n ln p_n);   0 if nothing matches at all
BleuScore bleu_of(const Tallies& sums, const BleuOptions& o) {
  BleuScore s;
  s.hypothesis_length = sums[0];
  s.reference_length = sums[1];
  s.counts.assign(sums.begin() + 2, sums.begin() + 2 + o.order);
  s.totals.assign(sums.begin() + 2 + o.order, sums.end());
  s.precisions.resize(o.order);
  if (sums[0] < sums[1])
    s.brevity_penalty = sums[0] > 0 ? std::exp(1 - double(s.reference_length) / double(s.hypothesis_length)) : 0;
  if (std::all_of(s.counts.begin(), s.counts.end(), [](double c) { return c == 0; })) return s;
  double halves = 1;
  int orders = o.order;
  for (int n = 0; n < o.order; ++n) {
    if (o.smoothing == Smoothing::add_k && n > 0) s.counts[n] += o.value(), s.totals[n] += o.value();
    if (s.totals[n] == 0) break;
    if (o.effective_order) orders = n + 1;
    if (s.counts[n] != 0)
      s.precisions[n] = 100 * s.counts[n] / s.totals[n];
    else if (o.smoothing == Smoothing::exp)
      s.precisions[n] = 100 / ((halves *= 2) * s.totals[n]);
    else if (o.smoothing == Smoothing::floor)
      s.precisions[n] = 100 * o.value() / s.totals[n];
  }
  double logs = 0;
  for (int n = 0; n < orders; ++n) logs += s.precisions[n] == 0 ? -9999999999. : std::log(s.precisions[n]);
  s.score = s.brevity_penalty * std::exp(logs / orders);
  return s;
}

std::string BleuScore::text() const {
  std::string by_order;
  for (const double p : precisions) by_order += fmt::format("{}{:.1f}", by_order.empty() ? "" : "/", p);
  const double ratio = reference_length ? double(hypothesis_length) / double(reference_length) : 0;
  return fmt::format("BLEU = {:.2f} {} (BP = {:.3f} ratio = {:.3f} hyp_len = {} ref_len = {})", score, by_order,
                     brevity_penalty, ratio, hypothesis_length, reference_length);
}

Smoothing smoothing_named(const std::string& name) {
  if (name == "none") return Smoothing::none;
  if (name == "floor") return Smoothing::floor;
  if (name == "add-k") return Smoothing::add_k;
  check(name == "exp", "bleu: smoothing '{}' is not one of exp, floor, add-k, none", name);
  return Smoothing::exp;
}

CorpusMetric bleu(const BleuOptions& o) {
  check_tokenizer(o.tokenizer);
  check(o.order > 0, "bleu: the order must be positive; got {}", o.order);
  CorpusMetric metric;
  metric.name = "BLEU";
  metric.count = [o](const std::string& h, const std::vector<std::string>& r) { return count(h, r, o); };
  metric.score = [o](const Tallies& sums) { return bleu_of(sums, o).score; };
  metric.settings = [o](const std::string& before) {
    constexpr const char* kNames[] = {"none", "floor", "add-k", "exp"};
    const bool valued = o.smoothing == Smoothing::floor || o.smoothing == Smoothing::add_k;
    return fmt::format("{}case:{}|eff:{}|tok:{}|smooth:{}{}", before, o.lowercase ? "lc" : "mixed",
                       o.effective_order ? "yes" : "no", o.tokenizer, kNames[int(o.smoothing)],
                       valued ? fmt::format("[{:.2f}]", o.value()) : "");
  };
  return metric;
}

long tokenized_lines(const std::vector<std::string>& lines) {
  return std::count_if(lines.begin(), lines.end(), [](const std::string& line) {
    const size_t end = line.find_last_not_of(" \t\r\n");
    return end != std::string::npos && end > 0 && line.compare(end - 1, 2, " .") == 0;
  });
}

}  // namespace score
