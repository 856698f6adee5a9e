// From what a model says of pairs to shifts and their intervals. Read tasks/sentiment/counterfactual.h first.
#include "tasks/sentiment/counterfactual.h"

#include <algorithm>
#include <cmath>

#include "engine/base.h"
#include "nn/format/json_value.h"
#include "tasks/score/intervals.h"

namespace sentiment {

using engine::check;
using nn::ordered_json;

namespace {

std::string filled(std::string text, const std::string& with) {
  for (size_t at; (at = text.find("{}")) != std::string::npos;) {
    text.replace(at, 2, with);
    if (at == 0 && text[0] >= 'a' && text[0] <= 'z') text[0] = char(text[0] - 'a' + 'A');
  }
  return text;
}

int best(const std::vector<double>& p) { return int(std::max_element(p.begin(), p.end()) - p.begin()); }

}  // namespace

std::vector<std::string> sentences(const Contrast& contrast) {
  std::vector<std::string> all;
  for (const std::string& text : contrast.templates)
    for (const auto& [first, second] : contrast.swaps) {
      all.push_back(filled(text, first));
      all.push_back(filled(text, second));
    }
  return all;
}

int ContrastReport::largest() const {
  const auto less = [](const Shift& a, const Shift& b) { return std::abs(a.mean) < std::abs(b.mean); };
  return int(std::max_element(classes.begin(), classes.end(), less) - classes.begin());
}

ContrastReport contrast_report(const Contrast& contrast, const std::vector<std::vector<double>>& p, int comparisons) {
  const size_t T = contrast.templates.size(), S = contrast.swaps.size();
  check(T > 1 && S > 0 && p.size() == 2 * T * S && comparisons > 0,
        "contrast: two templates at least, and a row for each of {} sentences; got {} templates and {} rows", 2 * T * S,
        T, p.size());
  ContrastReport report;
  report.pairs = long(T * S);
  for (size_t i = 0; i < p.size(); i += 2) report.changed += double(best(p[i]) != best(p[i + 1])) / double(T * S);
  const double t = score::student_t(1 - 0.05 / comparisons, long(T) - 1);
  for (size_t c = 0; c < p[0].size(); ++c) {
    Shift shift;
    std::vector<double> of_template(T);
    for (size_t i = 0; i < T * S; ++i) {
      const double d = p[2 * i + 1][c] - p[2 * i][c];
      of_template[i / S] += d / double(S);
      shift.distance += std::abs(d) / double(T * S);
    }
    for (const double m : of_template) shift.mean += m / double(T);
    shift.half = t * score::deviation(of_template) / std::sqrt(double(T));
    report.classes.push_back(shift);
  }
  return report;
}

std::string to_text(const std::vector<ContrastReport>& reports, const std::vector<std::string>& labels) {
  std::string all = "exchanged words: the shift from the first to the second, of the class that it is largest of\n";
  for (size_t i = 0; i < reports.size(); ++i) {
    const ContrastReport& r = reports[i];
    const Shift& s = r.classes[size_t(r.largest())];
    all += fmt::format(
        "{:<36} {:<8} {:+.4f} [{:+.4f}, {:+.4f}]{} {}; {:.4f} either way; another class in {:.1f} % of {}\n",
        contrasts()[i].name, contrasts()[i].language, s.mean, s.mean - s.half, s.mean + s.half, s.shown() ? " *" : "",
        labels[size_t(r.largest())], s.distance, 100 * r.changed, r.pairs);
  }
  return all + "*: not zero, at 95 % of all these comparisons together\n";
}

ordered_json to_json(const std::vector<ContrastReport>& reports, const std::vector<std::string>& labels) {
  ordered_json all = ordered_json::array();
  for (size_t i = 0; i < reports.size(); ++i) {
    ordered_json one{{"contrast", contrasts()[i].name},
                     {"language", contrasts()[i].language},
                     {"pairs", reports[i].pairs},
                     {"changed", reports[i].changed}};
    for (size_t c = 0; c < labels.size(); ++c) {
      const Shift& s = reports[i].classes[c];
      one["classes"][labels[c]] = {
          {"shift", s.mean}, {"low", s.mean - s.half}, {"high", s.mean + s.half}, {"distance", s.distance}};
    }
    all.push_back(one);
  }
  return all;
}

}  // namespace sentiment
