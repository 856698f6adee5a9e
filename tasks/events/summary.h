// Summaries: the values of an event, one a tag, in the form of TensorBoard's own writers of version 2: a tensor, and
// the plugin that shows it. Golden files hold them to it byte for byte.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tasks/events/proto.h"

namespace events {

Proto scalar(const std::string& tag, float value, const std::string& description = "");

// Markdown; and a table whose cells are Markdown.    cells [rows][columns]
Proto text(const std::string& tag, const std::string& markdown, const std::string& description = "");
Proto table(const std::string& tag, const std::vector<std::vector<std::string>>& cells);

// Images of one step, PNG files of one size (tasks/events/png.h).
Proto images(const std::string& tag, long width, long height, const std::vector<std::string>& png);

// How often values fall where: k bins of one width from the least to the largest, each with its left edge in it and
// the last with both.
//   edge_i = min + i w,   w = (max - min) / k,   edge_k = max;   bin of x: min(floor((x - min) / w), k - 1)
// All equal: every edge that value, and only the last count is not 0. None: zeros. What is not finite is left out.
struct Bin {
  double left = 0, right = 0, count = 0;
};
template <class T>
std::vector<Bin> bins_of(const T* values, long n, int k);
constexpr int kBins = 30;
Proto histogram(const std::string& tag, const std::vector<Bin>& bins);

// Precision and recall of a class at T thresholds i / (T - 1), by the probability p of the class and whether it holds:
//   a text is found from threshold 0 up to i = floor(p (T - 1));   TP_i, FP_i of those found, FN_i, TN_i of the others
//   precision = TP / max(1e-7, TP + FP),   recall = TP / max(1e-7, TP + FN)
// The tag gets "/pr_curves" behind it.    Error: p outside [0, 1], lists of different lengths, T below 2
constexpr int kThresholds = 201;
Proto pr_curve(const std::string& tag, const std::vector<double>& p, const std::vector<bool>& holds,
               int T = kThresholds);

// Hyper-parameters: what a run was told, and which of its scalars tell how good that was.
using Setting = std::variant<double, bool, std::string>;
struct HParam {
  std::string name, display_name = "";
  enum class Type { unset = 0, text = 1, truth = 2, number = 3 } type = Type::unset;
  std::vector<Setting> domain = {};                                  // the values it may have
  std::optional<std::pair<double, double>> interval = std::nullopt;  // or the least and the largest
};
struct Metric {
  std::string tag, display_name = "", description = "";
  enum class Of { unset = 0, training = 1, validation = 2 } of = Of::unset;
};
Proto experiment(double created, const std::vector<HParam>& parameters, const std::vector<Metric>& metrics);
Proto session_begins(double start, const std::vector<std::pair<std::string, Setting>>& settings,
                     const std::string& group = "");
enum class Status { success = 1, failure = 2 };
Proto session_ends(double end, Status status);

}  // namespace events
