// Which share of the tokens goes on from each layer, learned while a model is trained. The formulas stand in
// nn/model/token_pruning.cpp.
#pragma once

#include "nn/model/model.h"
#include "tasks/run/terms.h"

namespace run {
class Options;
}

namespace objective {

// As PoWER-BERT has it (Goyal et al. 2020): a schedule is learned by soft extraction, then used by hard removal, in a
// second training that starts from the first one's model.
struct RetentionOptions {
  double learn = 0;   // lambda: the weight of the schedule's cost in the loss; 0: none is learned
  double rate = 0.1;  // of learning it, at the peak of the learning rate's schedule

  void declare(run::Options& options);
  long bins() const { return learn > 0 ? 16 : 0; }  // parameters a layer: finer than a schedule needs to be
};

// The retention parameters r of a model that has them, P a layer. They move by r = min(1, max(0, r - rate P dL/dr)):
// plain descent that stays where r means something. They have this rate of their own, and no part in clipping.
class RetentionLearning {
 public:
  RetentionLearning(const RetentionOptions& options, const nn::Model& model);
  bool moves(const std::string& parameter) const;  // instead of the optimiser
  void add_to(run::Terms& terms) const;            // lambda retention_mass(r)
  void step(double part_of_peak) const;            // the learning rate now, as a part of its peak
  void report(const std::string& best) const;      // the schedule of the model in that directory, for a person

 private:
  RetentionOptions options_;
  engine::Tensor retention_;  // [L, P], or nothing
};

}  // namespace objective
