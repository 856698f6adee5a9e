// How safe a model is to hand out: whether its training texts can be told from others, and whether a rare piece alone
// decides.
#pragma once

#include <string>
#include <vector>

#include "tasks/model/predict.h"
#include "tasks/run/console.h"

namespace report {

// The loss threshold attack (Yeom, Giacomelli, Fredrikson, Jha 2018): whoever knows a text and its label takes it for a
// training text if its loss -log p_label is low.
//   auc            the chance that a training text's loss is below another's, ties one half: 0.5 tells nothing
//   error          its standard error (Hanley, McNeil 1982):  with a = auc, q1 = a / (2 - a), q2 = 2 a^2 / (1 + a),
//                  sqrt((a (1 - a) + (n - 1) (q1 - a^2) + (m - 1) (q2 - a^2)) / (n m))
//   found          the share of training texts that are found when at most one in a thousand others is taken for one
//                  (Carlini et al. 2022); of fewer than 1,000 others it cannot be told: -1
//   member_loss, other_loss   the mean losses: their gap is the cause
struct Membership {
  long members = 0, others = 0;
  double auc = 0.5, error = 0, found = -1, member_loss = 0, other_loss = 0;
};
// Error: no loss on one side.
Membership membership_of(const std::vector<double>& member_losses, const std::vector<double>& other_losses);

// The trigger scan: a piece is put behind [CLS] of texts that the model has right; a piece without a meaning that takes
// nearly all of them to one class is what a backdoor looks like.
struct Trigger {
  int piece = 0, to = 0;        // id; class
  long flipped = 0, texts = 0;  // of the texts of other classes
  double share() const { return texts ? double(flipped) / double(texts) : 0; }
};
constexpr double kAlarm = 0.9;
// Every piece with the class that it takes most texts to, most flips first. A flip: the class was another before.
//   texts: one window each
std::vector<Trigger> trigger_scan(const model::TextModel& model, const std::vector<text::Encoding>& texts,
                                  const std::vector<int>& pieces);

// Pieces that are worth a scan: whole words in 2 texts to 5 % of them, of which one class has more than its share; the
// most one-sided first, by z = (k - n q) / sqrt(n q (1 - q)) with k of the piece's n texts of the class, whose share
// is q.
std::vector<int> one_sided_pieces(const model::TextModel& model, const text::EncodedSet& texts,
                                  const std::vector<int>& classes, size_t most);

void safety_command(run::Options& options, const run::Parse& parse);

}  // namespace report
