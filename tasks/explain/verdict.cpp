// From figures to an answer. Read tasks/attribution/coalitions.h first: comprehensiveness and sufficiency.
#include "tasks/explain/verdict.h"

#include <algorithm>
#include <cmath>

#include "engine/base.h"
#include "tasks/score/intervals.h"

namespace explain {

using nn::ordered_json;

namespace {

double error_of(const std::vector<double>& x) {
  return x.size() > 1 ? score::deviation(x) / std::sqrt(double(x.size())) : 0;
}

double plain_mean(const std::vector<double>& x) {
  double sum = 0;
  for (const double value : x) sum += value;
  return sum / double(x.size());
}

std::string shown(const Mean& m) { return fmt::format("{:6.3f} ± {:.3f}", m.mean, m.error); }

std::vector<std::vector<double>> less(const std::vector<std::vector<double>>& a,
                                      const std::vector<std::vector<double>>& b) {
  std::vector<std::vector<double>> d = a;
  for (size_t r = 0; r < d.size(); ++r)
    for (size_t i = 0; i < d[r].size(); ++i) d[r][i] -= b[r][i];
  return d;
}

// How much of Shapley's gain over a random order attention's is, as a word.
std::string verdict(const Mean& attention, const Mean& shapley) {
  if (shapley.mean < 2 * shapley.error || shapley.mean <= 0)
    return "These texts cannot tell: not even Shapley's order is shown to be better than a random one.";
  if (attention.mean < 2 * attention.error || attention.mean <= 0) return "No.";
  const double share = attention.mean / shapley.mean;
  return share < 1.0 / 3 ? "Hardly." : share < 2.0 / 3 ? "In part." : share < 0.9 ? "For the most part." : "Yes.";
}

}  // namespace

Mean mean_of(const std::vector<std::vector<double>>& by_run) {
  std::vector<double> all, means;
  for (const std::vector<double>& run : by_run) {
    if (run.empty()) continue;
    all.insert(all.end(), run.begin(), run.end());
    means.push_back(plain_mean(run));
  }
  return {plain_mean(all), std::max(error_of(all), error_of(means))};
}

const Row& Comparison::row(const std::string& name) const {
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.name == name; });
  engine::check(found != rows.end(), "comparison: there is no row '{}'", name);
  return *found;
}

Mean Comparison::gain(const Row& r) const { return mean_of(less(r.comprehensiveness, row(kRandom).comprehensiveness)); }

std::string Comparison::table() const {
  std::string text =
      fmt::format("{:<21} {:<16}  {:<16}  {:<16}  {:<16}  {:<16}  {:>6}\n", "order of words", "comprehensiveness",
                  "over random", "sufficiency", "with Shapley's", "by size", "runs");
  for (const Row& r : rows)
    text += fmt::format("{:<21} {:<17}  {:<16}  {:<16}  {:<16}  {:<16}  {:>6.0f}\n", r.name,
                        shown(mean_of(r.comprehensiveness)), r.name == kRandom ? "" : shown(gain(r)),
                        shown(mean_of(r.sufficiency)), shown(mean_of(r.order)), shown(mean_of(r.size)),
                        double(r.runs) / double(std::max(1L, texts)));
  text += fmt::format(
      "integrated gradients add up within 0.1 % in {} of {} texts, in {} of them with the steps asked for\n", complete,
      texts, at_once);
  return text +
         "comprehensiveness: what the probability loses without the first words, more is better; sufficiency: with\n"
         "nothing but them, less is better; with Shapley's: rank correlation of the shares, and of their sizes; runs "
         "of\n"
         "the model, a text; ± standard error.\n";
}

ordered_json Comparison::json() const {
  ordered_json json{{"texts", texts}, {"runs", runs}, {"complete", complete}, {"complete_at_once", at_once}};
  const auto pair = [](const Mean& m) { return ordered_json{{"mean", m.mean}, {"error", m.error}}; };
  for (const Row& r : rows) {
    ordered_json& to = json["methods"][r.name];
    to["comprehensiveness"] = pair(mean_of(r.comprehensiveness));
    to["over_random"] = pair(gain(r));
    to["sufficiency"] = pair(mean_of(r.sufficiency));
    to["rank_correlation"] = pair(mean_of(r.order));
    to["rank_correlation_of_sizes"] = pair(mean_of(r.size));
    to["model_runs"] = double(r.runs) / double(std::max(1L, texts));
    for (const auto& run : r.comprehensiveness)
      to["comprehensiveness_by_run"].push_back(run.empty() ? ordered_json() : ordered_json(plain_mean(run)));
  }
  json["answer"] = answer();
  return json;
}

std::string Comparison::answer() const {
  const Row &attention = row("attention"), &shapley = row("shapley"), &sizes = row(kSizes);
  const Mean a = gain(attention), s = gain(shapley), u = gain(sizes);
  const Mean order = mean_of(attention.order), size = mean_of(attention.size);
  std::string text = fmt::format("Does attention explain? {}\n", verdict(a, s));
  text += fmt::format(
      "Without the words that attention looks at most, the probability falls by {:.3f} ± {:.3f} more than without "
      "random "
      "ones; by Shapley's order by {:.3f} ± {:.3f}, by that of the sizes of Shapley's shares, which like attention "
      "does "
      "not know for and against, by {:.3f} ± {:.3f}.\n",
      a.mean, a.error, s.mean, s.error, u.mean, u.error);
  const auto share_of = [&](const Mean& most, const char* whose) {
    const bool known = most.mean >= 2 * most.error && most.mean > 0;
    return known ? fmt::format("{:.0f} % of what {}", 100 * a.mean / most.mean, whose) : "";
  };
  const std::string of_order = share_of(s, "Shapley's order does"), of_sizes = share_of(u, "the sizes alone do");
  if (!of_order.empty())
    text += fmt::format("Attention reaches {}{}{}.\n", of_order, of_sizes.empty() ? "" : ", ", of_sizes);
  const auto better = [&](const Row& r) {
    const Mean d = mean_of(less(r.comprehensiveness, attention.comprehensiveness));
    return r.name != kRandom && r.name != kSizes && d.mean > 0 && d.mean >= 2 * d.error;
  };
  text += fmt::format(
      "Its order agrees with Shapley's by a rank correlation of {:.2f} ± {:.2f}, in size alone {:.2f} ± {:.2f} (1: the "
      "same, 0: nothing in common). {} of the {} other methods are shown to be more faithful.\n",
      order.mean, order.error, size.mean, size.error, std::count_if(rows.begin(), rows.end(), better), rows.size() - 3);
  return text;
}

}  // namespace explain
