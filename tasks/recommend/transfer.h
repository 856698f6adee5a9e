// Transfer: what a recommender takes from another one, or from one kind of a user's own interactions. The formulas
// stand in nn/loss/distil.h and nn/loss/attention_transfer.h.
#pragma once

#include "tasks/recommend/recommender.h"
#include "tasks/run/terms.h"

namespace recommend {

struct TransferOptions {
  std::string teacher;  // directory of a run or of a model
  double hard = 1;      // weight of the loss of what came next
  double soft_targets = 0, temperature = 1;
  double attention_kl = 0;
  std::string layer_map = "uniform";
  double align_kinds = 0;

  void declare(run::Options& options);
  // Error, as wrong usage: a term without a teacher, a teacher without a term, layers that are not there.
  void settle(const SequenceConfig& student, const std::string& kinds) const;
  bool compares() const { return soft_targets + attention_kl > 0; }
};

// A trained recommender beside one that learns, of the same items.
class Teacher {
 public:
  // Error: it does not know an item of the student's; its history is shorter; it scores by candidate; what is held out
  // from the student was not held out from it; layers that cannot be matched.
  Teacher(const TransferOptions& options, const SequenceConfig& student, const std::vector<Item>& items,
          const std::string& protocol, uint64_t seed);

  // soft_targets  T^2 KL(teacher || student) of what comes next among the items `among`, mean over the places
  //               (Hinton et al. 2015)
  // attention_kl  KL of each of the student's layers beside the teacher's that layer_map gives it, mean over the
  //               layers: head by head where the numbers of heads agree, of the means over the heads else
  //   logits [N, K] of the student, maps of its layers
  void add_to(run::Terms& terms, const Tensor& logits, const std::vector<nn::AttentionMaps>& maps,
              const nn::Tokens& histories, const Indices& among) const;
  bool looks_inside() const { return options_.attention_kl > 0; }
  bool says_scores() const { return options_.soft_targets > 0; }

 private:
  TransferOptions options_;
  std::unique_ptr<Recommender> model_;
  Indices place_;  // [I] of the student's items in the teacher
  std::vector<int> map_;
};

// How far attention over all that users did is from attention over what they did of the weightiest kind, 0, alone: of
// each layer 1/2 (KL(p || q) + KL(q || p)) over histories b with at least two places S_b of that kind, mean over their
// places and over the layers, each distribution moving towards the other (Zhang et al. 2018: mutual learning);
//   p_ij  softmax of the scores of the whole history over j in S_b, j <= i, i in S_b
//   q_ij  the same of the history S_b read alone
//   v [I, C], kinds [N], maps of the layers over `histories` -> []; nothing, where no history has two such places
Tensor kinds_apart(const SequenceModel& model, const Tensor& v, const nn::Tokens& histories, const Indices& kinds,
                   const std::vector<nn::AttentionMaps>& maps);

}  // namespace recommend
