// One training step: texts through the encoder once, a loss for every task, and the gradient that a weighting makes of them.
#pragma once

#include "optim/several/task_gradients.h"
#include "tasks/multitask/model.h"
#include "tasks/multitask/sampling.h"

namespace multitask {

// Texts of one corpus that pass through the encoder together, and the tasks that read them.
struct Part {
  struct Reader {
    int task;
    Indices which;  // of the batch's texts: those that count for this task
  };
  int corpus;
  text::Batch batch;
  std::vector<Reader> readers;
};
std::vector<Part> parts_of(const TaskSet& set, const std::vector<Draw>& draws);

// The loss of a task over those texts of the batch, [B, K] (tokens: [N, K]) -> [].
Tensor task_loss(const Task& task, const Targets& targets, const Tensor& logits, const text::Batch& batch,
                 const Indices& which);

// The losses of a step, [T]; nothing for a task that it does not have.
std::vector<Tensor> losses_of(const Model& model, const TaskSet& set, const std::vector<Part>& parts);

}  // namespace multitask
