// One training step: texts through the encoder once, and a loss for every task.
#pragma once

#include "tasks/model/text_model.h"
#include "tasks/multitask/sampling.h"
#include "tasks/objective/adversary.h"
#include "tasks/objective/class_loss.h"
#include "tasks/objective/slow_weights.h"

namespace multitask {

using engine::Tensor;
using spec::TaskSet;

// Texts of one corpus that pass through the encoder together, and the tasks that read them.
struct Part {
  struct Reader {
    int task;
    Indices which;     // of the batch's texts: those that count for this task
    double share = 1;  // of what the task's texts of the whole step weigh in its loss
  };
  int corpus;
  text::Batch batch;
  std::vector<Reader> readers;
};

// A step in `count` batches that are computed one after the other, each in parts: one for each corpus that it reads.
// The sum of the batches' losses times their shares is the loss of the step as a whole. A task whose texts all weigh
// nothing (words without a piece, classes of weight 0) is left out, unless `all_tasks` have to be there. `bent`: the
// tasks' losses, where they may be others than the plain ones.    [T] or []
std::vector<std::vector<Part>> batches_of(const TaskSet& set, const std::vector<Draw>& draws, int count = 1,
                                          bool all_tasks = false, const std::vector<objective::ClassLoss>& bent = {});

// What a batch comes to, times its share of the step.
struct Losses {
  std::vector<Tensor> tasks;  // [T], [] each; nothing for a task that is not in it
  Tensor extra;               // [], what shapes attention; or nothing
  nn::ordered_json shaped;    // its terms, unweighted
  void add_shaped_to(nn::ordered_json& terms) const;
};

// What robustness asks of a step of several tasks. A task's loss is the sum of its losses at the adversary's places, so
// that every weighting sees all of it; a text's place is where its tasks' losses, summed as they are, rise most.
class Robustness {
 public:
  Robustness(const objective::RobustOptions& options, const TaskSet& set, nn::Model& net, uint64_t seed);
  void begin(long step, long steps);  // a step, of so many in all

  objective::Adversary adversary;
  std::vector<objective::ClassLoss> losses;  // [T]
  std::optional<objective::SlowWeights> slow;
  double proximal;
  long step = 0;
};

// `shaping`: of each corpus; without it, and without `robust`, the tasks' plain losses. With R-Drop the loss of a task
// that predicts one class by cross-entropy is (L + L') / 2 + alpha / 2 D of two passes; other tasks have one.
Losses losses_of(const model::TextModel& model, const TaskSet& set, const std::vector<Part>& parts,
                 const std::vector<objective::Shaping>& shaping = {}, Robustness* robust = nullptr);

}  // namespace multitask
