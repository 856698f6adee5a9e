// From logits of texts with known classes to what a directory keeps of them, and back. The formulas stand in
// tasks/score/calibration.h and refusal.h; read those first.
#include "tasks/model/calibration.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "nn/format/files.h"
#include "nn/format/json.h"
#include "nn/format/whole_directory.h"
#include "tasks/model/predict.h"
#include "tasks/run/console.h"
#include "tasks/score/calibration.h"
#include "tasks/score/confidence.h"
#include "tasks/score/refusal.h"

namespace model {

using engine::check;
using engine::real;
using engine::Tensor;
using nn::ordered_json;

Tensor calibrated(const Tensor& logits, double T) {
  return engine::softmax(T == 1 ? logits : logits * real(1 / T));  // [n, K]
}

Calibration calibration_of(const Tensor& logits, const std::vector<int>& labels) {
  const engine::NoGrad no_grad;
  check(logits.shape().rank() == 2 && logits.dim(0) == long(labels.size()) && !labels.empty(),
        "calibration_of: logits are [n, K], with a class for each of n texts; got {} and {} classes", logits,
        labels.size());
  const long K = logits.dim(1);
  const auto row = [&](const Tensor& x, size_t i) { return x.data() + long(i) * K; };
  std::vector<std::vector<double>> rows;
  long wrong = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    rows.emplace_back(row(logits, i), row(logits, i) + K);
    wrong += score::largest(rows.back()) != labels[i];
  }
  Calibration c;
  c.classes = int(K);
  if (long(labels.size()) >= kFewestTexts && wrong >= kFewestWrong)
    c.temperature = score::best_temperature(rows, labels);
  const Tensor p = calibrated(logits, c.temperature);  // [n, K]
  for (size_t i = 0; i < labels.size(); ++i) {
    const real* largest = std::max_element(row(p, i), row(p, i) + K);
    double own = row(p, i)[labels[i]];
    if (largest - row(p, i) != labels[i]) own = std::min(own, std::nextafter(double(*largest), 0.));
    c.texts.push_back({labels[i], own, *largest});
  }
  return c;
}

namespace {

void check_share(const char* what, double share) {
  check(share > 0 && share < 1, "{} must lie between 0 and 1; got {}", what, share);
}

std::vector<double> strangeness(const std::vector<Calibration::Text>& texts, int label = -1) {
  std::vector<double> own;
  for (const Calibration::Text& t : texts)
    if (label < 0 || t.label == label) own.push_back(1 - t.own);
  return own;
}

}  // namespace

double Calibration::threshold(double coverage) const {
  check_share("the coverage of sets", coverage);
  return score::conformal_threshold(strangeness(texts), 1 - coverage);
}

std::vector<double> Calibration::thresholds_by_class(double coverage) const {
  check_share("the coverage of sets", coverage);
  std::vector<double> all;
  for (int c = 0; c < classes; ++c) {
    const std::vector<double> own = strangeness(texts, c);
    all.push_back(own.empty() ? score::kEveryClass : score::conformal_threshold(own, 1 - coverage));
  }
  return all;
}

// A threshold answers a whole block of equal confidence, or none of it: so only the ends of blocks are looked at.
Calibration::Refusal Calibration::refusal(double accuracy) const {
  check_share("a wanted accuracy", accuracy);
  std::vector<Text> order = texts;
  std::stable_sort(order.begin(), order.end(), [](const Text& a, const Text& b) { return a.largest > b.largest; });
  Refusal best{std::numeric_limits<double>::infinity(), 0, 0};
  double right = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    right += order[i].own == order[i].largest;
    const bool block_ends = i + 1 == order.size() || order[i + 1].largest < order[i].largest;
    const double share = right / double(i + 1);
    if (block_ends && share >= accuracy) best = {order[i].largest, double(i + 1) / double(order.size()), share};
  }
  return best;
}

bool calibrates(const spec::TaskSpec& task) { return task.head == nn::Predicts::label && task.loss == "cross_entropy"; }

void calibrate(TextModel& model, const spec::TaskSet& set, spec::Split split) {
  model.calibrations.assign(model.tasks.size(), {});
  std::vector<std::vector<real>> logits(model.tasks.size());
  for (size_t c = 0; c < set.corpora.size(); ++c) {
    std::vector<size_t> heads;
    for (size_t t = 0; t < set.tasks.size(); ++t)
      if (set.tasks[t].corpus == int(c) && calibrates(model.tasks[t])) heads.push_back(t);
    const text::EncodedSet& texts = set.corpora[c].texts[split];
    if (heads.empty() || texts.size() == 0) continue;
    predict(model, texts, heads, [&](size_t head, const Tensor& x, const text::Batch& batch) {
      const Tensor y = text::mean_over_windows(x, batch);  // [B, K]
      logits[head].insert(logits[head].end(), y.data(), y.data() + y.numel());
    });
  }
  for (size_t t = 0; t < logits.size(); ++t) {
    if (logits[t].empty()) continue;
    const std::vector<int>& classes = set.tasks[t].targets[split].classes;
    const long n = long(classes.size());
    const Calibration& c =
        model.calibrations[t].emplace(calibration_of(Tensor({n, long(logits[t].size()) / n}, logits[t]), classes));
    run::print_note("{}calibrated on {} texts: temperature {:.4f}{}\n", model.named() ? model.tasks[t].name + ": " : "",
                    n, c.temperature,
                    c.temperature == 1 ? " (too few of them, or too few wrong ones, for another)" : "");
    if (const std::string why = score::no_measurement(c.temperature, false);
        !why.empty())  // some are wrong, or it is 1
      run::print_note("warning: {}\n", why);
  }
}

namespace {

constexpr int kFormat = 1;

ordered_json to_json(const Calibration& c, const std::vector<std::string>& labels) {
  ordered_json json{{"temperature", c.temperature}, {"classes", labels}};
  for (const char* name : {"label", "own", "largest"}) json[name] = ordered_json::array();
  for (const Calibration::Text& t : c.texts) {
    json["label"].push_back(t.label);
    json["own"].push_back(t.own);
    json["largest"].push_back(t.largest);
  }
  return json;
}

Calibration from_json(const ordered_json& json, const std::vector<std::string>& labels, const std::string& where) {
  const auto numbers = [&](const char* name) {
    const auto found = json.find(name);
    const bool fine = found != json.end() && found->is_array() &&
                      std::all_of(found->begin(), found->end(), [](const auto& v) { return v.is_number(); });
    check(fine, "{}.{}: must be a list of numbers", where, name);
    return found->get<std::vector<double>>();
  };
  check(json.is_object(), "{}: must be an object", where);
  const auto classes = json.find("classes"), T = json.find("temperature");
  check(classes != json.end() && *classes == ordered_json(labels),
        "{}.classes: not the classes of the model; without this file it answers uncalibrated", where);
  Calibration c;
  c.classes = int(labels.size());
  check(T != json.end() && T->is_number() && T->get<double>() >= 1e-3 && T->get<double>() <= 1e3,
        "{}.temperature: must be a number from 0.001 to 1000", where);
  c.temperature = *T;
  const std::vector<double> label = numbers("label"), own = numbers("own"), largest = numbers("largest");
  check(!label.empty() && own.size() == label.size() && largest.size() == label.size(),
        "{}: label, own and largest must be of one length, 1 at least; got {}, {} and {}", where, label.size(),
        own.size(), largest.size());
  for (size_t i = 0; i < label.size(); ++i) {
    check(label[i] == std::floor(label[i]) && label[i] >= 0 && label[i] < c.classes && own[i] >= 0 &&
              own[i] <= largest[i] && largest[i] <= 1,
          "{}: text {}: a label is one of {} classes, and 0 <= own <= largest <= 1; got {}, {} and {}", where, i,
          c.classes, label[i], own[i], largest[i]);
    c.texts.push_back({int(label[i]), own[i], largest[i]});
  }
  return c;
}

}  // namespace

Calibrations read_calibrations(const std::string& directory, const TextModel& model) {
  Calibrations all(model.tasks.size());
  const std::string path = directory + "/" + kCalibrationFile;
  if (!std::filesystem::exists(path)) return all;
  const ordered_json json = nn::parse_ordered_json(nn::read_regular_file(path), path, true);
  const auto format = json.is_object() ? json.find("format") : json.end();
  const auto heads = json.is_object() ? json.find("heads") : json.end();
  check(json.is_object() && format != json.end() && format->is_number_integer() && heads != json.end() &&
            heads->is_object(),
        "{}: must be {{\"format\": {}, \"heads\": {{...}}}}", path, kFormat);
  check(*format == kFormat, "{}: format {}; this program reads {}", path, format->dump(), kFormat);
  for (const auto& [name, head] : heads->items()) {
    const auto task = std::find_if(model.tasks.begin(), model.tasks.end(),
                                   [&, &name = name](const spec::TaskSpec& t) { return t.name == name; });
    check(task != model.tasks.end(), "{}: heads.{}: the model has no such head", path, name);
    if (calibrates(*task))
      all[size_t(task - model.tasks.begin())] = from_json(head, task->labels.names(), path + ": heads." + name);
  }
  return all;
}

void write_calibrations(const TextModel& model, const std::string& directory) {
  ordered_json json{{"format", kFormat}, {"heads", ordered_json::object()}};
  for (size_t h = 0; h < model.calibrations.size(); ++h)
    if (model.calibrations[h])
      json["heads"][model.tasks[h].name] = to_json(*model.calibrations[h], model.tasks[h].labels.names());
  if (json["heads"].empty())
    nn::remove_listed_file(directory, kCalibrationFile);
  else
    nn::write_listed_file(directory, kCalibrationFile, json.dump() + "\n");
}

Certainty certainty_of(const std::vector<std::vector<double>>& p, const std::vector<int>& labels) {
  constexpr double kShares[] = {0.8, 0.9, 0.95};
  const score::Outcomes outcomes = score::outcomes_of_largest(p, labels);
  const std::vector<double> risk = score::risk_by_coverage(outcomes.confidence, outcomes.right);
  Certainty c;
  c.ece = score::ece(score::bins_of_width(outcomes.confidence, outcomes.right, kBins));
  c.ece_of_a_perfect_model = score::ece_of_a_perfect_model(outcomes.confidence, kBins);
  c.brier = score::brier(p, labels);
  c.aurc = score::area(risk);
  c.least_aurc = score::area(score::least_risk(outcomes.right));
  for (int s = 0; s < 3; ++s) c.accuracy_at[s] = score::accuracy_at_coverage(risk, kShares[s]);
  c.coverage_95 = score::coverage_at_accuracy(risk, 0.95);
  return c;
}

std::string Certainty::text() const {
  return fmt::format(
      "confidence: ECE {:.4f} (a perfectly calibrated model of this size {:.4f})\n"
      "Brier {:.4f}  AURC {:.4f} (at best {:.4f})\n"
      "right of the surest 80, 90, 95 %: {:.4f}, {:.4f}, {:.4f}\n"
      "95 % are right of the surest {:.1f} %\n",
      ece, ece_of_a_perfect_model, brier, aurc, least_aurc, accuracy_at[0], accuracy_at[1], accuracy_at[2],
      100 * coverage_95);
}

ordered_json Certainty::json() const {
  return {{"ece", ece},
          {"ece_of_a_perfect_model", ece_of_a_perfect_model},
          {"brier", brier},
          {"aurc", aurc},
          {"least_aurc", least_aurc},
          {"accuracy_at_80", accuracy_at[0]},
          {"accuracy_at_90", accuracy_at[1]},
          {"accuracy_at_95", accuracy_at[2]},
          {"coverage_at_95", coverage_95}};
}

}  // namespace model
