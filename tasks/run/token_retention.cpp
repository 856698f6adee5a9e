// Token retention: its options, and its steps while it is learned. Read nn/token_pruning.h first.
#include "tasks/run/token_retention.h"

#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <sstream>

#include "nn/token_pruning.h"
#include "tasks/run/program.h"

namespace run {

using engine::check;
using engine::real;
using engine::Tensor;

namespace {

constexpr char kParameter[] = "bert.encoder.retention.weight";
constexpr long kBins = 16;  // parameters a layer: finer than a schedule needs to be

}  // namespace

void RetentionOptions::declare(CLI::App& app) {
  const char* group = "Token pruning";
  app.add_option(
         "--token-retention", schedule,
         "share of a text's tokens that goes on from each layer, those that receive most attention, rounded up: "
         "1.0,0.7,0.5,0.3; or learned: the schedule that --learn-retention left in the model directory")
      ->group(group);
  app.add_option(
         "--learn-retention", learn,
         "learn such a schedule: the weight of its cost, the sum over the layers l of l times the share, in the "
         "loss; say 0.01 to 0.3. Then train again from the result with --token-retention learned")
      ->group(group)
      ->check(between(0.0, 1e3));
  app.add_option("--retention-rate", rate, "how fast the schedule is learned: its rate of plain gradient descent")
      ->group(group)
      ->check(between(1e-6, 1e3));
}

std::vector<double> parse_schedule(const std::string& schedule, const std::string& directory) {
  if (schedule == "learned") {
    check(!directory.empty(),
          "--token-retention learned: a model directory is needed, one that --learn-retention made");
    const nn::SafeTensors file = nn::open_weights(directory);
    check(file.has(kParameter), "{}: no schedule was learned there; train with --learn-retention first", directory);
    const Tensor retention = file.read(kParameter);
    check(retention.shape().rank() == 2 && retention.numel() > 0 &&
              std::all_of(retention.data(), retention.data() + retention.numel(),
                          [](real r) { return r >= 0 && r <= 1; }),
          "{}: '{}' must be numbers in [0, 1], a row a layer; got {}", directory, kParameter, retention);
    return nn::learned_schedule(retention);
  }
  std::vector<double> shares;
  std::istringstream parts(schedule);
  for (std::string part; std::getline(parts, part, ',');) {
    double share = 0;
    const auto [stop, error] = std::from_chars(part.data(), part.data() + part.size(), share);
    check(error == std::errc() && stop == part.data() + part.size() && share > 0 && share <= 1,
          "--token-retention: shares in (0, 1] with commas, one a layer, or learned; '{}' is none", part);
    shares.push_back(share);
  }
  return shares;
}

void RetentionOptions::apply(nn::Config& config, const std::string& directory) const {
  check(schedule.empty() || !(learn > 0), "--token-retention and --learn-retention exclude each other");
  if (!schedule.empty()) {
    config.token_retention = parse_schedule(schedule, directory);
    config.retention_bins = 0;
    print_note("token retention {}\n", fmt::join(config.token_retention, ","));
  }
  if (learn > 0) {
    config.token_retention.clear();  // begun again, with all tokens
    if (!config.retention_bins) config.retention_bins = kBins;
  }
}

RetentionLearning::RetentionLearning(const RetentionOptions& options, const TextModel& model,
                                     std::vector<Tensor>& trainable)
    : options_(options) {
  const auto found =
      std::find_if(trainable.begin(), trainable.end(), [](const auto& t) { return t.name() == kParameter; });
  if (found == trainable.end()) return;
  retention_ = model.params.find(kParameter);
  trainable.erase(found);
}

Tensor RetentionLearning::add_to(const Tensor& loss, double share, nlohmann::ordered_json& figures) const {
  if (!retention_) return loss;
  const Tensor mass = nn::retention_mass(retention_);
  figures["retention_mass"] = figures.value("retention_mass", 0.) + share * double(mass.item());
  return loss + mass * real(options_.learn);
}

void RetentionLearning::step(double part_of_peak) const {
  if (!retention_ || !retention_.has_grad()) return;
  const real rate = real(options_.rate * part_of_peak * double(retention_.dim(1)));
  real* r = retention_.data();
  const real* g = retention_.grad_data();
  for (long i = 0; i < retention_.numel(); ++i) r[i] = std::clamp(r[i] - rate * g[i], real(0), real(1));
}

void RetentionLearning::report(const std::string& best) const {
  if (!retention_) return;
  print_note("\nretention {} in {}: --token-retention learned trains with it\n",
             fmt::join(parse_schedule("learned", best), ","), best);
}

}  // namespace run
