// Which share of the tokens goes on from each layer: given, or learned while a model is trained. The formulas stand in
// nn/token_pruning.cpp.
#pragma once

#include <nlohmann/json.hpp>

#include "tasks/model/text_model.h"

namespace CLI {
class App;
}

namespace objective {

// The options of it, as PoWER-BERT has them (Goyal et al. 2020): a schedule is learned by soft extraction, then used by
// hard removal, in a second training that starts from the first one's model.
struct RetentionOptions {
  std::string schedule;  // "1.0,0.7,0.5,0.3", "learned" (by the model directory), or nothing
  double learn = 0;      // lambda: the weight of the schedule's cost in the loss; 0: none is learned
  double rate = 0.1;     // of learning it, at the peak of the learning rate's schedule

  void declare(CLI::App& app);
  // Enters them into the configuration of a new model, or of one from a directory.
  void apply(nn::Config& config, const std::string& directory = "") const;
};

// "1.0,0.7,0.5" as shares; "learned": those that training left in the directory.
std::vector<double> parse_schedule(const std::string& schedule, const std::string& directory);

// The retention parameters r of a model that has them. They move by r = min(1, max(0, r - rate P dL/dr)), P of them a layer:
// plain descent that stays where r means something. They have this rate of their own, and no part in clipping.
class RetentionLearning {
 public:
  // Takes the parameters out of those that the optimiser trains.
  RetentionLearning(const RetentionOptions& options, const model::TextModel& model, std::vector<engine::Tensor>& trainable);
  // loss + lambda retention_mass(r); the mass, times the batch's share, is added to `figures`.
  engine::Tensor add_to(const engine::Tensor& loss, double share, nlohmann::ordered_json& figures) const;
  void step(double part_of_peak) const;        // the learning rate now, as a part of its peak
  void report(const std::string& best) const;  // the schedule of the model in that directory, for a person

 private:
  RetentionOptions options_;
  engine::Tensor retention_;  // [L, P], or nothing
};

}  // namespace objective
