// Tables of a search, and its page: SVG and a little style, no script. Read tasks/tune/report.h first.
#include "tasks/tune/report.h"

#include <algorithm>
#include <cmath>

#include "engine/base.h"
#include "engine/strings.h"
#include "tasks/search/pruner.h"
#include "tasks/text/markup.h"
#include "tasks/text/utf8.h"
#include "tasks/tune/study_file.h"

namespace tune {

using search::Direction;
using search::Distribution;
using search::State;
using search::StudyRecord;
using search::Trial;
using text::escaped_markup;

namespace {

Direction direction_of(const StudyRecord& study) {
  return study.directions.size() == 1 ? study.directions[0] : Direction::maximize;
}

bool has_value(const Trial& t) { return t.value && std::isfinite(*t.value); }

// Those with a value, complete ones first, the best first, equals by number.
std::vector<const Trial*> by_value(const StudyRecord& study) {
  std::vector<const Trial*> trials;
  for (const Trial& t : study.trials)
    if (t.over() && has_value(t)) trials.push_back(&t);
  const bool most = direction_of(study) == Direction::maximize;
  std::stable_sort(trials.begin(), trials.end(), [&](const Trial* a, const Trial* b) {
    if ((a->state == State::complete) != (b->state == State::complete)) return a->state == State::complete;
    return most ? *a->value > *b->value : *a->value < *b->value;
  });
  return trials;
}

std::string shown_value(const Trial& t, const std::string& name) {
  const auto at = t.values.find(name);
  if (at == t.values.end()) return "";
  const Distribution& d = t.domain.at(name);
  return d.kind == Distribution::Kind::number ? fmt::format("{:.4g}", at->second) : text_of(t, name);
}

std::string counts_of(const StudyRecord& study) {
  std::string text;
  for (const State state : {State::complete, State::pruned, State::failed, State::running, State::waiting}) {
    const auto n = std::count_if(study.trials.begin(), study.trials.end(), [&](auto& t) { return t.state == state; });
    if (n) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", n, name_of(state));
  }
  return text.empty() ? "no trial" : text;
}

std::string padded(const std::string& cell, size_t width) {
  const size_t columns = text::columns_of(cell);
  return cell + std::string(columns < width ? width - columns : 0, ' ');
}

}  // namespace

std::vector<std::string> parameters_of(const StudyRecord& study) {
  std::vector<std::string> names;
  const auto space = study.user.find("space");
  if (space != study.user.end() && space->is_object())
    for (const auto& [name, unused] : space->items()) names.push_back(name);
  for (const Trial& t : study.trials)
    for (const auto& [name, value] : t.values)
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  return names;
}

std::string best_table(const StudyRecord& study, size_t most, size_t columns) {
  const std::vector<std::string> names = parameters_of(study);
  std::vector<std::vector<std::string>> rows{{"trial", "value", "state"}};
  rows[0].insert(rows[0].end(), names.begin(), names.end());
  for (const Trial* t : by_value(study)) {
    if (rows.size() > most) break;
    std::vector<std::string>& row = rows.emplace_back(
        std::vector{std::to_string(t->number), fmt::format("{:.5g}", *t->value), std::string(name_of(t->state))});
    for (const std::string& name : names) row.push_back(shown_value(*t, name));
  }
  std::vector<size_t> width(rows[0].size());
  for (const auto& row : rows)
    for (size_t c = 0; c < row.size(); ++c) width[c] = std::max(width[c], text::columns_of(row[c]));
  std::string table;
  for (const auto& row : rows) {
    std::string line;
    for (size_t c = 0; c < row.size(); ++c) line += padded(row[c], width[c] + 2);
    line.erase(line.find_last_not_of(' ') + 1);
    table += text::fitted(line, columns) + "\n";
  }
  return table + counts_of(study) + "\n";
}

std::string importance_table(const std::vector<search::Importance>& importances) {
  if (importances.empty()) return "importance: three complete trials at least are needed, and something that varies\n";
  size_t width = 0;
  for (const search::Importance& i : importances) width = std::max(width, text::columns_of(i.name));
  std::string table;
  for (const search::Importance& i : importances)
    table += fmt::format("{}  {:5.1f} %  {}\n", padded(i.name, width), 100 * i.share,
                         std::string(size_t(std::lround(30 * i.share)), '#'));
  return table;
}

namespace {

constexpr double kWidth = 900, kHeight = 300, kLeft = 70, kRight = 20, kTop = 15, kBottom = 40;

// A scale of the axis from `low` to `high`, drawn from `from` to `to`; what lies outside is drawn at its ends.
struct Scale {
  double low, high, from, to;
  double operator()(double x) const {
    const double part = high > low ? std::clamp((x - low) / (high - low), 0.0, 1.0) : 0.5;
    return from + part * (to - from);
  }
};

// Of the values of `trials`, without the worst tenth, which would press the others flat.
Scale value_scale(const std::vector<double>& values, Direction direction) {
  const bool most = direction == Direction::maximize;
  double low = search::percentile_of(values, most ? 10 : 0), high = search::percentile_of(values, most ? 100 : 90);
  if (!(high > low)) low = search::percentile_of(values, 0), high = search::percentile_of(values, 100);
  const double edge = 0.03 * (high - low);
  return {low - edge, high + edge, kHeight - kBottom, kTop};
}

// Blue for the worst, by green, to yellow for the best: rank 0 ... 1 (a straight line through viridis).
std::string colour(double rank) {
  const double stops[5][3] = {{68, 1, 84}, {59, 82, 139}, {33, 145, 140}, {94, 201, 98}, {230, 190, 20}};
  const double at = std::clamp(rank, 0.0, 1.0) * 4;
  const int i = std::min(3, int(at));
  int c[3];
  for (int k = 0; k < 3; ++k) c[k] = int(std::lround(stops[i][k] + (at - i) * (stops[i + 1][k] - stops[i][k])));
  return fmt::format("rgb({},{},{})", c[0], c[1], c[2]);
}

std::string svg(const std::string& title, const std::string& content, double height = kHeight) {
  return fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">{}</svg>\n", kWidth, height,
                     escaped_markup(title), content);
}

std::string label(double x, double y, const std::string& text, const char* anchor = "middle") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>", x, y, anchor,
                     escaped_markup(text));
}

// Axis lines, three numbers at each.
std::string axes(const Scale& x, const Scale& y, const std::string& under) {
  std::string s = fmt::format("<path class=\"axis\" d=\"M{0},{1}V{2}H{3}\"/>", x.from, y.to, y.from, x.to);
  for (const double part : {0.0, 0.5, 1.0}) {
    const double at = y.low + part * (y.high - y.low), across = x.low + part * (x.high - x.low);
    s += label(x.from - 6, y(at) + 4, fmt::format("{:.4g}", at), "end");
    s += label(x(across), y.from + 18, fmt::format("{:.4g}", across));
  }
  return s + label((x.from + x.to) / 2, y.from + 34, under);
}

std::string point_title(const Trial& t) {
  std::string text = fmt::format("trial {}, {}: {:.6g}", t.number, name_of(t.state), t.value.value_or(NAN));
  for (const auto& [name, value] : t.values) text += fmt::format("\n{} = {}", name, shown_value(t, name));
  return "<title>" + escaped_markup(text) + "</title>";
}

std::string history(const StudyRecord& study) {
  const Direction direction = direction_of(study);
  std::vector<double> values;
  for (const Trial& t : study.trials)
    if (t.over() && has_value(t)) values.push_back(*t.value);
  if (values.empty()) return "<p>No trial has a value yet.</p>\n";
  const Scale y = value_scale(values, direction);
  const Scale x{0, std::max(1.0, double(study.trials.size()) - 1), kLeft, kWidth - kRight};
  std::string points, line;
  const Trial* best = nullptr;
  for (const Trial& t : study.trials) {
    if (!t.over() || !has_value(t)) continue;
    const double px = x(double(t.number)), py = y(*t.value);
    points += fmt::format("<circle class=\"{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\">{}</circle>", name_of(t.state), px,
                          py, point_title(t));
    const bool better =
        t.state == State::complete &&
        (!best || (direction == Direction::maximize ? *t.value > *best->value : *t.value < *best->value));
    if (better) {
      line += best ? fmt::format("H{:.1f}V{:.1f}", px, py) : fmt::format("M{:.1f},{:.1f}", px, py);
      best = &t;
    }
  }
  if (best) line = fmt::format("<path class=\"best\" d=\"{}H{:.1f}\"/>", line, x.to);
  return svg("value of each trial, and the best so far", axes(x, y, "trial") + line + points) +
         "<p class=\"key\"><span class=\"dot complete\"></span> complete <span class=\"dot pruned\"></span> pruned, at "
         "its "
         "last measurement; the line is the best so far. What is worse than nine in ten is drawn at the edge.</p>\n";
}

std::string curves(const StudyRecord& study) {
  std::vector<double> values;
  long last = 0, first = 1000000;
  for (const Trial& t : study.trials)
    for (const auto& [step, value] : t.reports) {
      if (std::isfinite(value)) values.push_back(value);
      last = std::max(last, step), first = std::min(first, step);
    }
  if (values.empty() || last <= first) return "";
  const Scale y = value_scale(values, direction_of(study)), x{double(first), double(last), kLeft, kWidth - kRight};
  std::string lines;
  const Trial* best = search::best_of(study.trials, direction_of(study));
  for (const Trial& t : study.trials) {
    std::string d;
    for (const auto& [step, value] : t.reports)
      if (std::isfinite(value)) d += fmt::format("{}{:.1f},{:.1f}", d.empty() ? "M" : "L", x(double(step)), y(value));
    if (!d.empty())
      lines += fmt::format("<path class=\"curve {}{}\" d=\"{}\">{}</path>", name_of(t.state),
                           &t == best ? " chosen" : "", d, point_title(t));
  }
  return "<h2>Learning curves</h2>\n" + svg("measurements of each trial", axes(x, y, "measurement") + lines);
}

// One axis of the parallel coordinates: where a value stands between 0 (below) and 1.
double place_on(const Distribution& d, double value) {
  if (d.single()) return 0.5;
  return d.log ? (std::log(value) - std::log(d.low)) / (std::log(d.high) - std::log(d.low))
               : (value - d.low) / (d.high - d.low);
}

constexpr double kHigh = 380, kAbsent = kHigh - 22, kLow = kHigh - 60, kUpper = 40;  // of the parallel coordinates

// One trial across its parameters, then its value.
std::string thread(const Trial& t, const std::vector<std::string>& names,
                   const std::map<std::string, Distribution>& domain, const Scale& x, const Scale& y, double rank) {
  std::string d;
  for (size_t a = 0; a <= names.size(); ++a) {
    double py = kAbsent;
    if (a == names.size())
      py = y(*t.value);
    else if (const auto at = t.values.find(names[a]); at != t.values.end())
      py = kLow + std::clamp(place_on(domain.at(names[a]), at->second), 0.0, 1.0) * (kUpper - kLow);
    d += fmt::format("{}{:.1f},{:.1f}", a ? "L" : "M", x(double(a)), py);
  }
  return fmt::format("<path class=\"thread\" stroke=\"{}\" d=\"{}\">{}</path>", colour(rank), d, point_title(t));
}

// The ends of an axis at `px`, or its choices.
std::string marks(const Distribution& d, double px) {
  if (d.kind != Distribution::Kind::choice)
    return label(px, kLow + 16, fmt::format("{:.3g}", d.low)) +
           label(px + 4, kUpper + 4, fmt::format("{:.3g}", d.high), "start");
  std::string s;
  for (size_t c = 0; c < d.choices.size(); ++c)
    s += label(px + 4, kLow + place_on(d, double(c)) * (kUpper - kLow) + 4,
               d.choices[c].is_string() ? d.choices[c].get<std::string>() : d.choices[c].dump(), "start");
  return s;
}

std::string parallel(const StudyRecord& study) {
  const std::vector<const Trial*> trials = by_value(study);
  std::vector<std::string> names = parameters_of(study);
  std::map<std::string, Distribution> domain;
  std::vector<double> values;
  for (const Trial* t : trials) {
    values.push_back(*t->value);
    for (const auto& [name, d] : t->domain) domain[name] = d;
  }
  std::erase_if(names, [&](const std::string& name) { return !domain.count(name); });
  if (names.empty()) return "";
  Scale y = value_scale(values, direction_of(study));
  y.from = kLow, y.to = kUpper;
  const Scale x{0, double(names.size()), kLeft + 20, kWidth - kRight - 50};
  std::string s;
  for (size_t i = trials.size(); i-- > 0;)  // the best last, on top
    s += thread(*trials[i], names, domain, x, y, trials.size() > 1 ? 1 - double(i) / double(trials.size() - 1) : 1);
  for (size_t a = 0; a <= names.size(); ++a) {
    const double px = x(double(a));
    s += fmt::format("<path class=\"axis\" d=\"M{0:.1f},{1}V{2}\"/>", px, kUpper, kLow);
    s += label(px, a % 2 ? kUpper - 10 : kUpper - 24, a < names.size() ? names[a] : "value");
    if (a < names.size())
      s += marks(domain.at(names[a]), px);
    else
      s += label(px + 6, kUpper + 4, fmt::format("{:.4g}", y.high), "start") +
           label(px + 6, kLow + 4, fmt::format("{:.4g}", y.low), "start");
  }
  return "<h2>Parallel coordinates</h2>\n" + svg("every trial across its parameters, yellow is best", s, kHigh) +
         "<p class=\"key\">A line is a trial, from violet, the worst, to yellow, the best. Below an axis run those "
         "that "
         "were not asked for it.</p>\n";
}

std::string bars(const StudyRecord& study) {
  const std::vector<search::Importance> all = search::importances(study.trials, direction_of(study));
  if (all.empty()) return "";
  std::string s;
  double y = 0;
  for (const search::Importance& i : all) {
    s += label(190, y + 16, i.name, "end");
    s += fmt::format("<rect class=\"bar\" x=\"200\" y=\"{:.0f}\" width=\"{:.1f}\" height=\"16\"/>", y + 3,
                     std::max(1.0, 600 * i.share));
    s += label(206 + 600 * i.share, y + 16, fmt::format("{:.1f} %", 100 * i.share), "start");
    y += 24;
  }
  return "<h2>What mattered</h2>\n" + svg("importance of each parameter", s, y) +
         "<p class=\"key\">PED-ANOVA: how far the values of the best tenth of the complete trials differ from those of "
         "all. It "
         "tells what made trials good among those that were run, and not what a value would do.</p>\n";
}

std::string table(const StudyRecord& study) {
  const std::vector<std::string> names = parameters_of(study);
  std::string s =
      "<h2>Trials</h2>\n<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"all "
      "trials\"><table><thead><tr>";
  for (const char* head : {"trial", "state", "value"}) s += fmt::format("<th scope=\"col\">{}</th>", head);
  for (const std::string& name : names) s += "<th scope=\"col\">" + escaped_markup(name) + "</th>";
  s += "</tr></thead><tbody>\n";
  for (const Trial& t : study.trials) {
    s += fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td>", t.number, name_of(t.state),
                     t.value ? fmt::format("{:.6g}", *t.value) : "");
    for (const std::string& name : names) s += "<td>" + escaped_markup(shown_value(t, name)) + "</td>";
    s += "</tr>\n";
  }
  return s + "</tbody></table></div>\n";
}

constexpr const char* kStyle =
    R"(
:root{color-scheme:light dark;--ink:#1c1c1c;--paper:#fff;--soft:#767676;--blue:#0b5cad;--red:#b3400e}
@media (prefers-color-scheme:dark){:root{--ink:#e8e8e8;--paper:#161616;--soft:#9a9a9a;--blue:#6cb0f5;--red:#f0905c}}
body{font:16px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
body{max-width:60rem;margin:2rem auto;padding:0 1rem}
svg{width:100%;height:auto}svg text{font-size:12px;fill:var(--ink)}path{fill:none}
.axis{stroke:var(--soft)}.best{stroke:var(--blue);stroke-width:2}.thread{stroke-width:1.3;opacity:.75}
circle.complete{fill:var(--blue)}circle.pruned{fill:var(--paper);stroke:var(--red);stroke-width:1.5}
.curve{stroke:var(--blue);opacity:.45}.curve.pruned{stroke:var(--red)}.curve.chosen{stroke-width:3;opacity:1}
.bar{fill:var(--blue)}.key{font-size:.9rem}
.dot{display:inline-block;width:.6em;height:.6em;border-radius:50%;margin:0 .2em 0 .8em}
.dot.complete{background:var(--blue)}.dot.pruned{border:2px solid var(--red)}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.85rem}
td,th{padding:.15rem .6rem;text-align:right;border-bottom:1px solid var(--soft)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem}dt{font-weight:600}
dd{margin:0;overflow-wrap:anywhere})";

}  // namespace

std::string report_html(const StudyRecord& study, const std::string& metric) {
  std::string facts;
  const auto fact = [&](const std::string& name, const std::string& value) {
    facts += "<dt>" + escaped_markup(name) + "</dt><dd>" + escaped_markup(value) + "</dd>\n";
  };
  if (!metric.empty()) fact("metric", metric);
  fact("direction", direction_of(study) == Direction::maximize ? "the higher the better" : "the lower the better");
  fact("trials", counts_of(study));
  if (const Trial* best = search::best_of(study.trials, direction_of(study))) {
    fact("best", fmt::format("{:.6g}, trial {}", *best->value, best->number));
    for (const auto& [name, value] : best->values) fact(name, text_of(*best, name));
  }
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\"><title>{0}</title>\n<style>{1}</style></head>\n<body><main><h1>{0}</h1>\n<dl>{2}"
      "</dl>\n<h2>History</h2>\n{3}{4}{5}{6}{7}</main></body></html>\n",
      escaped_markup("Search: " + study.name), kStyle, facts, history(study), curves(study), parallel(study),
      bars(study), table(study));
}

}  // namespace tune
