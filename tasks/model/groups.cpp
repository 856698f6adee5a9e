// A test set, cut by groups. Read tasks/score/gaps.h first: the rates and the gaps.
#include "tasks/model/groups.h"

#include <algorithm>
#include <map>

#include "tasks/text/utf8.h"

namespace model {

using engine::check;
using nn::ordered_json;

namespace {

template <class T>
std::vector<T> part_of(const std::vector<T>& all, const std::vector<int>& rows) {
  std::vector<T> part;
  for (const int i : rows)
    if (!all.empty()) part.push_back(all[size_t(i)]);
  return part;
}

Evaluation evaluate_part(const spec::Task& task, const spec::Targets& targets, const Outputs& outputs,
                         const std::vector<int>& rows) {
  spec::Targets t;
  t.classes = part_of(targets.classes, rows);
  t.sets = part_of(targets.sets, rows);
  t.numbers = part_of(targets.numbers, rows);
  return evaluate(task, t, {part_of(outputs.scores, rows), part_of(outputs.ranks, rows), {}});
}

// "0.8123 [0.7600, 0.8551]", or that it cannot be said.
std::string share(long k, long n) {
  if (n < score::kFewest) return fmt::format("not estimable ({} of {})", k, n);
  const score::Bounds b = score::wilson(k, n);
  return fmt::format("{:.4f} [{:.4f}, {:.4f}]", double(k) / double(n), b.low, b.high);
}

ordered_json share_json(long k, long n) {
  if (n < score::kFewest) return {{"count", k}, {"of", n}, {"value", nullptr}};
  const score::Bounds b = score::wilson(k, n);
  return {{"count", k}, {"of", n}, {"value", double(k) / double(n)}, {"low", b.low}, {"high", b.high}};
}

constexpr score::Parity kParities[] = {score::Parity::demographic, score::Parity::opportunity, score::Parity::odds};

std::string padded(const std::string& text, size_t width) {
  const size_t used = text::columns_of(text);
  return text + std::string(width > used ? width - used : 0, ' ');
}

std::string listed_by_width(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows)
    for (size_t c = 0; c < row.size(); ++c) {
      if (c == widths.size()) widths.push_back(0);
      widths[c] = std::max(widths[c], text::columns_of(row[c]));
    }
  std::string all;
  for (const auto& row : rows) {
    std::string line;
    for (size_t c = 0; c < row.size(); ++c)
      line += (c ? "  " : "") + (c + 1 < row.size() ? padded(row[c], widths[c]) : row[c]);
    all += line + "\n";
  }
  return all;
}

}  // namespace

std::vector<std::string> groups_of(const std::vector<text::Example>& texts, const std::vector<std::string>& files,
                                   const text::TableOptions& how, const std::vector<std::string>& columns) {
  std::map<std::string, std::string> at;  // by where a text stands
  for (const std::string& file : files) {
    const text::Table table = text::read_table(spec::label_and_path(file).second, how);
    for (size_t r = 0; r < table.rows.size(); ++r) {
      std::string group;
      for (const std::string& column : columns)
        group += (group.empty() ? "" : ", ") + text::Labels::tidy(table.rows[r][table.column(column)]);
      at[fmt::format("{}:{}", table.path, table.lines[r])] = group;
    }
  }
  std::vector<std::string> groups;
  for (const text::Example& e : texts) groups.push_back(at.at(e.where));
  return groups;
}

GroupReport group_report(const spec::Task& task, const spec::Targets& targets, const Outputs& outputs,
                         const std::vector<std::string>& group, uint64_t seed) {
  check(task.spec.head != nn::Predicts::tags, "groups are of texts; a head of tags labels words");
  std::map<std::string, std::vector<int>> rows;
  for (size_t i = 0; i < group.size(); ++i) rows[group[i]].push_back(int(i));
  const long large = std::ranges::count_if(rows, [](const auto& g) { return long(g.second.size()) >= score::kFewest; });
  check(large >= 2,
        "groups: two of {} texts at least are needed to be compared; of {} texts there are {} groups, {} so "
        "large: a column with few different values is wanted",
        score::kFewest, group.size(), rows.size(), large);
  GroupReport report;
  for (const auto& [name, of_group] : rows) {
    report.groups.push_back({name, long(of_group.size()), {}});
    if (of_group.size() > 1) report.groups.back().evaluation = evaluate_part(task, targets, outputs, of_group);
  }
  if (!task.spec.one_class()) return report;
  report.labels = task.spec.labels.names();
  report.classes = score::Grouped(group, targets.classes, outputs.best(), int(report.labels.size()));
  for (const score::Parity parity : kParities)
    report.gaps.push_back(score::gap_report(*report.classes, parity, 1000, seed));
  return report;
}

std::string GroupReport::text() const {
  std::vector<std::vector<std::string>> rows{{"group", "texts", "figures"}};
  for (const GroupFigures& g : groups)
    rows.push_back({g.name.empty() ? "(empty)" : g.name, std::to_string(g.texts),
                    g.evaluation.empty() ? "not estimable: one text" : g.evaluation.line()});
  std::string all = listed_by_width(rows);
  if (!classes) return all;
  const std::vector<score::Confusion> by_group = classes->by_group();
  rows = {{"group", "right of all"}};
  for (size_t g = 0; g < groups.size(); ++g)
    rows.push_back({groups[g].name, share(by_group[g].correct(), by_group[g].total())});
  all += "\nshares, with Wilson's interval of 95 %\n" + listed_by_width(rows);
  for (size_t c = 0; c < labels.size(); ++c) {
    rows = {{labels[c], "is", "is not", "said of all", "said where it is", "said where it is not", "right where said"}};
    for (size_t g = 0; g < groups.size(); ++g) {
      const score::Decisions d = score::one_against_rest(by_group[g], int(c));
      rows.push_back({groups[g].name, std::to_string(d.positives()), std::to_string(d.negatives()),
                      share(d.selected(), d.count()), share(d.tp, d.positives()), share(d.fp, d.negatives()),
                      share(d.tp, d.selected())});
    }
    all += "\n" + listed_by_width(rows);
  }
  rows = {{"largest difference", "", "95 % (1000 resamples)", "by chance", "of"}};
  for (size_t p = 0; p < gaps.size(); ++p) {
    const score::GapReport& g = gaps[p];
    if (!g.gap)
      rows.push_back({score::name_of(kParities[p]), "not estimable"});
    else
      rows.push_back({score::name_of(kParities[p]), fmt::format("{:.4f}", g.gap->difference),
                      fmt::format("[{:.4f}, {:.4f}]", g.interval.low, g.interval.high),
                      fmt::format("{:.4f}", g.by_chance), labels[size_t(g.gap->of_class)]});
  }
  return all + "\n" + listed_by_width(rows);
}

ordered_json GroupReport::json() const {
  ordered_json all{{"groups", ordered_json::object()}};
  std::vector<score::Confusion> by_group;
  if (classes) by_group = classes->by_group();
  for (size_t g = 0; g < groups.size(); ++g) {
    ordered_json& one =
        all["groups"][groups[g].name] = {{"texts", groups[g].texts}, {"figures", groups[g].evaluation.figures}};
    if (!classes) continue;
    one["accuracy"] = share_json(by_group[g].correct(), by_group[g].total());
    for (size_t c = 0; c < labels.size(); ++c) {
      const score::Decisions d = score::one_against_rest(by_group[g], int(c));
      one["classes"][labels[c]] = {{"selection_rate", share_json(d.selected(), d.count())},
                                   {"tpr", share_json(d.tp, d.positives())},
                                   {"fpr", share_json(d.fp, d.negatives())},
                                   {"precision", share_json(d.tp, d.selected())}};
    }
  }
  for (size_t p = 0; p < gaps.size(); ++p) {
    const score::GapReport& g = gaps[p];
    ordered_json& one = all["gaps"][score::name_of(kParities[p])] = nullptr;
    if (g.gap)
      one = {{"difference", g.gap->difference},
             {"low", g.interval.low},
             {"high", g.interval.high},
             {"by_chance", g.by_chance},
             {"class", labels[size_t(g.gap->of_class)]}};
  }
  return all;
}

std::vector<std::string> GroupReport::doubts() const {
  std::vector<std::string> small;
  for (const GroupFigures& g : groups)
    if (g.texts < kSmall) small.push_back(fmt::format("{} ({})", g.name, g.texts));
  if (small.empty()) return {};
  return {fmt::format("groups of fewer than {} texts, whose figures say little: {}", kSmall, text::listed(small))};
}

}  // namespace model
