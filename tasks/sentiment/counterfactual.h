// Counterfactual pairs: two sentences that differ in a name, a pronoun or a place only. What a model says of both
// should be the same.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "nn/format/json_value.h"

namespace sentiment {

// One contrast in one language. Every template has one {} or several, all filled alike; a swap is (first, second).
// The templates are this project's own, written so that nothing in them fits one side better than the other.
struct Contrast {
  std::string name, language;  // "women's names, men's names"
  std::vector<std::string> templates;
  std::vector<std::pair<std::string, std::string>> swaps;
};
const std::vector<Contrast>& contrasts();

// The sentences of a contrast, template by template, swap by swap: first, second, first, second ...
std::vector<std::string> sentences(const Contrast& contrast);

// Of a contrast with T templates and S swaps, p [2 T S][K] probabilities, d_ts = p(second) - p(first) of a class:
//   shift      the mean of d over all pairs;  its interval by Student's t over the T means of a template, whose pairs
//              have the sentence in common, at a level of 1 - 0.05 / comparisons (Bonferroni)
//   distance   the mean of |d|
//   changed    the share of pairs of which another class is said
struct Shift {
  double mean = 0, half = 0, distance = 0;
  bool shown() const { return mean > half || mean < -half; }
};
struct ContrastReport {
  std::vector<Shift> classes;  // [K]
  long pairs = 0;
  double changed = 0;
  int largest() const;  // the class of the largest |mean|
};
// Error: numbers that do not fit, one template alone.
ContrastReport contrast_report(const Contrast& contrast, const std::vector<std::vector<double>>& p, int comparisons);

// A table of them, the largest shift of each, and all of them as JSON.
std::string to_text(const std::vector<ContrastReport>& reports, const std::vector<std::string>& labels);
nn::ordered_json to_json(const std::vector<ContrastReport>& reports, const std::vector<std::string>& labels);

}  // namespace sentiment
