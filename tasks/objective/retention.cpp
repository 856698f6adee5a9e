// Token retention: its options, and its steps while it is learned. Read nn/model/token_pruning.h first.
#include "tasks/objective/retention.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "nn/model/token_pruning.h"
#include "tasks/model/build.h"
#include "tasks/run/console.h"

namespace objective {

using engine::real;
using engine::Tensor;

void RetentionOptions::declare(run::Options& options) {
  options
      .add(
          "--learn-retention", learn,
          "learn such a schedule: the weight of its cost, the sum over the layers l of l times the share, in the loss; "
          "say 0.01 to 0.3. Then train again from the result with --token-retention learned")
      .group("Token pruning")
      .between(0, 1e3);
  options.add("--retention-rate", rate, "how fast the schedule is learned: its rate of plain gradient descent")
      .group("Token pruning")
      .only_with("--learn-retention")
      .between(1e-6, 1e3);
}

RetentionLearning::RetentionLearning(const RetentionOptions& options, const nn::Model& model) : options_(options) {
  if (const nn::Bert* bert = model.encoder.bert()) retention_ = bert->retention;
}

bool RetentionLearning::moves(const std::string& parameter) const {
  return retention_ && parameter == retention_.name();
}

void RetentionLearning::add_to(run::Terms& terms) const {
  if (retention_) terms.add("retention_mass", options_.learn, nn::retention_mass(retention_));
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
  run::print_note("\nretention {} in {}: --token-retention learned trains with it\n",
                  fmt::join(model::parse_retention("learned", best), ","), best);
}

}  // namespace objective
