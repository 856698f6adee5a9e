// Differences between groups, and what is left of them when texts or groups are drawn again. Read tasks/score/groups.h
// first.
#include "tasks/score/gaps.h"

#include <algorithm>
#include <numeric>

#include "engine/random.h"
#include "tasks/score/counts.h"

namespace score {

using engine::check;

Grouped::Grouped(const std::vector<std::string>& group_of_text, std::vector<int> truth, std::vector<int> said, int K)
    : names(group_of_text), y_true(std::move(truth)), y_pred(std::move(said)), classes(K) {
  check_pairs("groups", y_true, y_pred);
  check(group_of_text.size() == y_true.size(), "groups: a group for every text; got {} for {}", group_of_text.size(),
        y_true.size());
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  for (const std::string& name : group_of_text)
    group.push_back(int(std::lower_bound(names.begin(), names.end(), name) - names.begin()));
  for (size_t i = 0; i < y_true.size(); ++i)
    check(y_true[i] >= 0 && y_true[i] < K && y_pred[i] >= 0 && y_pred[i] < K,
          "groups: classes are 0 ... {}; got {} and {} at text {}", K - 1, y_true[i], y_pred[i], i);
}

namespace {

std::vector<Confusion> empty(size_t groups, int K) {
  return std::vector<Confusion>(groups, Confusion{K, std::vector<long>(size_t(K) * size_t(K))});
}

}  // namespace

std::vector<Confusion> Grouped::by_group(const std::vector<int>& rows) const {
  std::vector<Confusion> all = empty(names.size(), classes);
  for (const int i : rows) ++all[size_t(group[size_t(i)])].at(y_true[size_t(i)], y_pred[size_t(i)]);
  return all;
}

std::vector<Confusion> Grouped::by_group() const {
  std::vector<int> rows(group.size());
  std::iota(rows.begin(), rows.end(), 0);
  return by_group(rows);
}

Decisions one_against_rest(const Confusion& confusion, int c) {
  Decisions d;
  d.tp = confusion.at(c, c);
  d.fn = confusion.support(c) - d.tp;
  d.fp = confusion.predicted(c) - d.tp;
  d.tn = confusion.total() - d.tp - d.fn - d.fp;
  return d;
}

std::string name_of(Parity parity) {
  return parity == Parity::demographic   ? "demographic parity"
         : parity == Parity::opportunity ? "equal opportunity"
                                         : "equalised odds";
}

namespace {

// A group's decisions on the texts at hand, and on all texts, which say whether its rates are estimable.
struct Judged {
  Decisions now, all;
};

std::optional<double> difference(const std::vector<Judged>& groups, double (Decisions::*rate)() const,
                                 long (Decisions::*behind)() const, long fewest) {
  std::vector<double> rates;
  for (const Judged& g : groups)
    if ((g.all.*behind)() >= fewest && (g.now.*behind)() > 0) rates.push_back((g.now.*rate)());
  if (rates.size() < 2) return std::nullopt;
  return between_groups(rates).difference;
}

std::optional<double> gap_of(const std::vector<Judged>& groups, Parity parity, long fewest) {
  if (parity == Parity::demographic) return difference(groups, &Decisions::selection_rate, &Decisions::count, fewest);
  const auto tpr = difference(groups, &Decisions::tpr, &Decisions::positives, fewest);
  if (parity == Parity::opportunity || !tpr) return tpr;
  const auto fpr = difference(groups, &Decisions::fpr, &Decisions::negatives, fewest);
  return fpr ? std::optional(std::max(*tpr, *fpr)) : std::nullopt;
}

std::optional<WorstGap> worst_of(const std::vector<Confusion>& now, const std::vector<Confusion>& all, Parity parity,
                                 long fewest) {
  std::optional<WorstGap> worst;
  const int K = now.empty() ? 0 : now[0].classes;
  for (int c = K == 2 ? 1 : 0; c < K; ++c) {
    std::vector<Judged> groups;
    for (size_t g = 0; g < now.size(); ++g)
      groups.push_back({one_against_rest(now[g], c), one_against_rest(all[g], c)});
    const std::optional<double> gap = gap_of(groups, parity, fewest);
    if (gap && (!worst || *gap > worst->difference)) worst = WorstGap{*gap, c};
  }
  return worst;
}

}  // namespace

std::optional<WorstGap> worst_gap(const std::vector<Confusion>& by_group, Parity parity, long fewest) {
  return worst_of(by_group, by_group, parity, fewest);
}

namespace {

// The groups of the texts of one pool, dealt out again among them.
void deal_again(const std::vector<int>& before, std::vector<int>& group, const std::vector<int>& pool,
                const engine::Random& random) {
  const std::vector<int> order = engine::permutation(int(pool.size()), random);
  for (size_t i = 0; i < pool.size(); ++i) group[size_t(pool[i])] = before[size_t(pool[size_t(order[i])])];
}

// The mean of the gap where groups mean nothing.
double by_chance(const Grouped& texts, Parity parity, int deals, uint64_t seed) {
  std::vector<std::vector<int>> pools(parity == Parity::demographic ? 1 : size_t(texts.classes));
  for (size_t i = 0; i < texts.group.size(); ++i)
    pools[parity == Parity::demographic ? 0 : size_t(texts.y_true[i])].push_back(int(i));
  Grouped dealt = texts;
  double sum = 0;
  int counted = 0;
  for (int r = 0; r < deals; ++r) {
    for (size_t p = 0; p < pools.size(); ++p)
      deal_again(texts.group, dealt.group, pools[p],
                 {.seed = seed, .stream = engine::Stream::shuffle, .step = uint32_t(r), .call = uint32_t(p)});
    if (const auto gap = worst_gap(dealt.by_group(), parity)) sum += gap->difference, ++counted;
  }
  return ratio(sum, counted);
}

}  // namespace

GapReport gap_report(const Grouped& texts, Parity parity, int resamples, uint64_t seed, double alpha) {
  const std::vector<Confusion> all = texts.by_group();
  GapReport report{worst_gap(all, parity), {}, 0};
  if (!report.gap) return report;
  std::vector<double> drawn;
  for (int r = 0; r < resamples; ++r) {
    const std::vector<int> rows = resample(long(texts.group.size()), seed, uint32_t(r));
    if (const auto gap = worst_of(texts.by_group(rows), all, parity, kFewest)) drawn.push_back(gap->difference);
  }
  drawn.push_back(report.gap->difference);  // within its own interval, whatever chance adds to the others
  report.interval = {std::min(quantile(drawn, alpha / 2), report.gap->difference), quantile(drawn, 1 - alpha / 2)};
  report.by_chance = by_chance(texts, parity, resamples / 5, seed);
  return report;
}

}  // namespace score
