// The sections of a report. Read tasks/report/html.h first: tables and drawings.
#include "tasks/report/page.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <functional>
#include <map>
#include <set>

#include "tasks/report/compare.h"
#include "tasks/report/errors.h"
#include "tasks/report/html.h"
#include "tasks/score/calibration.h"
#include "tasks/score/confidence.h"
#include "tasks/score/metrics.h"
#include "tasks/text/markup.h"

namespace report {

using text::escaped_markup;
namespace {

using nn::ordered_json;

constexpr size_t kPoints = 400;       // of a curve
constexpr size_t kManyClasses = 20;   // from here on the commonest confusions instead of a matrix
constexpr int kBins = 15;             // of a reliability diagram
constexpr size_t kStrongest = 5;      // words that are named
constexpr size_t kCharacters = 1200;  // bytes of a text that are shown

std::string section(const std::string& title, const std::string& body) {
  return fmt::format("<section><h2>{}</h2>\n{}</section>\n", escaped_markup(title), body);
}

std::string said(const std::string& text) { return fmt::format("<p class=said>{}</p>\n", escaped_markup(text)); }

std::string figure_of(const ordered_json& json, const std::string& name) {
  return json.is_object() && json.contains(name) && json[name].is_number() ? number(json[name].get<double>()) : "";
}

std::vector<std::string> names_of(const std::vector<RunFiles>& runs, const std::string& first) {
  std::vector<std::string> names{first};
  for (const RunFiles& run : runs) names.push_back(run.name);
  return names;
}

// A row for everything that any run has a figure of, a column a run.
std::string overview(const std::vector<RunFiles>& runs) {
  std::vector<std::string> figures;  // of result.json, in the order in which they come
  std::map<std::string, std::vector<std::string>> values;
  const auto add = [&](size_t r, const std::string& name, const std::string& value) {
    if (value.empty()) return;
    if (!values.count(name)) figures.push_back(name), values[name].resize(runs.size());
    values[name][r] = value;
  };
  const std::function<void(size_t, const std::string&, const ordered_json&)> walk =
      [&](size_t r, const std::string& group, const ordered_json& json) {
        for (const auto& [name, value] : json.items()) {
          if (name == "report" || name == "seconds") continue;
          if (value.is_number()) add(r, group + name, number(value.get<double>()));
          if (value.is_object()) walk(r, group + name + " ", value);
        }
      };
  for (size_t r = 0; r < runs.size(); ++r) {
    if (runs[r].result.is_object()) walk(r, "", runs[r].result);
    add(r, "state", runs[r].result.is_object() ? "ended" : "has not ended");
    for (const auto& [key, name] : {std::pair{"steps", "steps"},
                                    {"seconds", "seconds"},
                                    {"step_ms_median", "milliseconds of a step, median"},
                                    {"step_ms_95_percent", "milliseconds of a step, 95 %"},
                                    {"peak_memory_mb", "most memory of the process, MB"},
                                    {"peak_tensors_mb", "most memory of tensors, MB"}})
      add(r, name, figure_of(runs[r].cost, key));
    if (runs[r].cost.is_object()) add(r, "machine", runs[r].cost.value("machine", ""));
  }
  std::vector<std::vector<std::string>> rows;
  for (const std::string& name : figures) {
    rows.push_back({name});
    rows.back().insert(rows.back().end(), values[name].begin(), values[name].end());
  }
  return section("Figures, time and memory",
                 table("of the test texts, and what the steps took", names_of(runs, ""), rows));
}

std::string legend(const std::vector<RunFiles>& runs) {
  std::string html = "<ul class=legend>";
  for (size_t r = 0; r < runs.size(); ++r)
    html += fmt::format(
        "<li><svg viewBox=\"0 0 32 12\" aria-hidden=true><line class=\"l c{} d{}\" x1=0 x2=32 y1=6 y2=6 "
        "/></svg> {}</li>",
        r % 6, r / 6 % 3, escaped_markup(runs[r].name));
  return html + "</ul>\n";
}

std::string curves(const std::vector<RunFiles>& runs, size_t most) {
  std::vector<std::string> names;
  for (const RunFiles& run : runs)
    for (const Curve& c : run.curves)
      if (std::find(names.begin(), names.end(), c.name) == names.end()) names.push_back(c.name);
  const auto rank = [](const std::string& name) { return name == "train/loss" ? 0 : name.starts_with("dev/") ? 1 : 2; };
  std::stable_sort(names.begin(), names.end(), [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  if (names.empty()) return section("Curves", said("No step has been logged."));
  std::string html = legend(runs) + "<div class=charts>\n";
  for (const std::string& name : names) {
    std::vector<Line> lines;
    for (size_t r = 0; r < runs.size(); ++r)
      if (const Curve* c = runs[r].curve(name)) {
        lines.push_back({runs[r].name, {}, {}, r});
        for (const Point& p : c->points) lines.back().x.push_back(p.step), lines.back().y.push_back(p.value);
      }
    html += line_chart(name, "step", lines, std::max<size_t>(20, most / names.size() / lines.size() * 4));
  }
  return section("Curves", html + "</div>\n");
}

std::string settings(const std::vector<RunFiles>& runs) {
  std::vector<std::string> names;
  for (const RunFiles& run : runs)
    for (const auto& [name, value] : run.settings)
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  std::vector<std::vector<std::string>> different, all;
  for (const std::string& name : names) {
    std::vector<std::string> row{name};
    std::set<std::string> values;
    for (const RunFiles& run : runs) {
      row.push_back(run.setting(name));
      values.insert(row.back());
    }
    all.push_back(row);
    if (values.size() > 1 && name != "out" && name != "events") different.push_back(row);
  }
  std::string html;
  if (runs.size() > 1)
    html = different.empty() ? said("The runs have the same settings.")
                             : table("settings that differ", names_of(runs, "setting"), different);
  return section("Settings", html + "<details><summary>all settings</summary>" +
                                 table("all settings", names_of(runs, "setting"), all) + "</details>\n");
}

std::string comparisons(const std::vector<RunFiles>& runs, long resamples) {
  if (runs.size() < 2) return "";
  std::vector<std::vector<std::string>> rows;
  std::string html;
  for (size_t r = 1; r < runs.size(); ++r) {
    const Comparison c = compare(runs[0], runs[r], resamples);
    if (!c.impossible.empty()) {
      html += said(fmt::format("{} is not compared with {}: {}.", runs[r].name, runs[0].name, c.impossible));
      continue;
    }
    for (const Gain& g : c.gains)
      rows.push_back(
          {runs[r].name, g.figure, number(g.first), number(g.second), fmt::format("{:+.4f}", g.second - g.first),
           fmt::format("{:+.4f} to {:+.4f}", g.bootstrap.interval.low, g.bootstrap.interval.high),
           fmt::format("{:.4f}", g.bootstrap.two_sided),
           g.figure == "accuracy" ? fmt::format("{:.4f} ({} to {})", c.mcnemar.exact_p, c.only_second, c.only_first)
                                  : ""});
  }
  if (!rows.empty())
    html = table(fmt::format("against {}, on the same texts", runs[0].name),
                 {"run", "figure", "of " + runs[0].name, "of the run", "difference", "95 % interval", "p, bootstrap",
                  "p, McNemar (texts that only one has right)"},
                 rows) +
           said(fmt::format("Paired bootstrap: {} resamples of the texts, the same for both runs; p is two-sided.",
                            resamples)) +
           html;
  return section("Compared with " + runs[0].name, html);
}

std::string confusion(const Predictions& p) {
  const score::Confusion c = score::confusion_matrix(p.truth(), p.predicted(), int(p.labels.size()));
  std::vector<std::vector<std::string>> rows;
  if (p.labels.size() >= kManyClasses) {
    std::vector<std::array<long, 3>> found;  // count, truth, said
    for (int t = 0; t < c.classes; ++t)
      for (int s = 0; s < c.classes; ++s)
        if (t != s && c.at(t, s)) found.push_back({c.at(t, s), t, s});
    std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a[0] > b[0]; });
    found.resize(std::min(found.size(), kManyClasses));
    for (const auto& [count, t, s] : found)
      rows.push_back({p.labels[size_t(t)], p.labels[size_t(s)], std::to_string(count)});
    return table("the commonest confusions", {"true", "predicted", "texts"}, rows);
  }
  std::vector<std::string> columns{"true, below; predicted, right"};
  columns.insert(columns.end(), p.labels.begin(), p.labels.end());
  for (int t = 0; t < c.classes; ++t) {
    rows.push_back({p.labels[size_t(t)]});
    for (int s = 0; s < c.classes; ++s) {
      const double share = c.support(t) ? double(c.at(t, s)) / double(c.support(t)) : 0;
      rows.back().push_back(html_cell(fmt::format("<td class=n style=\"background:rgba(var(--{}),{:.2f})\">{}</td>",
                                                  t == s ? "cool" : "warm", 0.35 * share, c.at(t, s))));
    }
  }
  return table("confusion matrix", columns, rows);
}

std::string reliability(const Predictions& p, const std::string& name) {
  std::vector<double> confidence;
  std::vector<std::vector<double>> scores;
  for (const Prediction& row : p.rows) {
    confidence.push_back(std::clamp(row.scores[size_t(row.predicted)], 0., 1.));
    scores.push_back(row.scores);
  }
  std::vector<Bar> bars;
  const std::vector<score::Bin> bins = score::bins_of_width(confidence, p.right(), kBins);
  for (const score::Bin& b : bins) {
    const score::Bounds w = score::wilson(std::lround(b.accuracy * double(b.count)), b.count);
    bars.push_back(
        {double(b.bin) / kBins, double(b.bin + 1) / kBins, b.confidence, b.accuracy, w.low, w.high, b.count});
  }
  return reliability_chart("reliability of " + name, bars) +
         said(fmt::format(
             "Expected calibration error {:.4f}; a model whose confidences are exactly right shows {:.4f} on "
             "so many texts. Brier score {:.4f}.",
             score::ece(bins), score::ece_of_a_perfect_model(confidence, kBins), score::brier(scores, p.truth())));
}

// A text whose words are the darker the more the model looked at them.
std::string shaded(const std::string& text, const std::vector<Word>& words, bool second, double most) {
  std::string html;
  size_t at = 0;
  for (const Word& word : words) {
    if (word.second != second || word.begin < at || word.end > text.size() || word.end > kCharacters) continue;
    html += escaped_markup(text.substr(at, word.begin - at));
    html += fmt::format("<span class=w style=\"background:rgba(var(--warm),{:.2f})\" title=\"{:.1f} %\">{}</span>",
                        most > 0 ? 0.45 * word.share / most : 0, 100 * word.share,
                        escaped_markup(text.substr(word.begin, word.end - word.begin)));
    at = word.end;
  }
  const bool cut = text.size() > std::max(at, kCharacters);
  return html + escaped_markup(cut ? text.substr(at, at < kCharacters ? kCharacters - at : 0) : text.substr(at)) +
         (cut ? " …" : "");
}

std::string named(const Prediction& p, std::vector<Word> words) {
  std::stable_sort(words.begin(), words.end(), [](const Word& a, const Word& b) { return a.share > b.share; });
  std::string text;
  for (size_t i = 0; i < std::min(kStrongest, words.size()); ++i)
    text += fmt::format("{}{} {:.0f} %", i ? ", " : "",
                        (words[i].second ? p.pair : p.text).substr(words[i].begin, words[i].end - words[i].begin),
                        100 * words[i].share);
  return text;
}

std::string errors(const RunFiles& run, long most) {
  const Predictions& p = *run.predictions;
  std::vector<Prediction> wrong;
  for (const size_t i : worst(p, size_t(most))) wrong.push_back(p.rows[i]);
  if (wrong.empty()) return most ? said("No text is wrong.") : "";
  std::vector<std::vector<Word>> words(wrong.size());
  std::string html;
  try {
    words = attention_of(run.path, wrong);
  } catch (const engine::Error& e) { html = said(fmt::format("Where the model looked is not known: {}", e.what())); }
  html += "<ol class=errors>\n";
  for (size_t i = 0; i < wrong.size(); ++i) {
    const Prediction& w = wrong[i];
    double strongest = 0;
    for (const Word& word : words[i]) strongest = std::max(strongest, word.share);
    const std::string what = p.labels.empty()
                                 ? fmt::format("{:.4g}, true {:.4g}", w.predicted_number, w.number)
                                 : fmt::format("{} with {:.1f} %, true {}", p.labels[size_t(w.predicted)],
                                               100 * w.scores[size_t(w.predicted)], p.labels[size_t(w.label)]);
    html += fmt::format("<li><strong>{}</strong> <span class=said>{}</span><br>{}{}", escaped_markup(what),
                        escaped_markup(w.where), shaded(w.text, words[i], false, strongest),
                        w.pair.empty() ? "" : "<br>" + shaded(w.pair, words[i], true, strongest));
    if (!words[i].empty()) html += "<br><span class=said>looked at: " + escaped_markup(named(w, words[i])) + "</span>";
    html += "</li>\n";
  }
  return html + "</ol>\n";
}

std::string of_run(const RunFiles& run, long most) {
  if (!run.predictions || run.predictions->rows.empty()) return "";
  const Predictions& p = *run.predictions;
  std::string html;
  if (!p.labels.empty()) html = confusion(p) + "<div class=charts>" + reliability(p, run.name) + "</div>\n";
  return section(run.name, html + "<h3>Worst errors, and where the model looked</h3>\n" + errors(run, most));
}

}  // namespace

std::string page_of(const std::vector<RunFiles>& runs, const PageOptions& options) {
  const std::string title = runs.size() == 1 ? "Run " + runs[0].name : fmt::format("{} runs", runs.size());
  const std::string first = overview(runs), last = settings(runs) + comparisons(runs, options.resamples);
  const auto each_with = [&](long errors) {
    std::string html;
    for (const RunFiles& run : runs) html += of_run(run, errors);
    return html;
  };
  size_t points = kPoints * 8;
  long errors = options.errors;
  std::string each = each_with(errors);
  while (true) {
    const std::string html = page(title, first + curves(runs, points) + last + each);
    if (long(html.size()) <= options.bytes) return html;
    engine::check(points > 0 || errors > 0, "the page would have {} bytes, more than {}{}", html.size(), options.bytes,
                  runs.size() > 1 ? ": name fewer runs" : "");
    if (points > 0)
      points /= 2;
    else
      each = each_with(errors /= 2);
  }
}

}  // namespace report
