// The loss of a task, by what its head predicts and what its specification says.
#pragma once

#include "tasks/spec/tasks.h"

namespace spec {

// Over the texts `which` of the batch, places in it; without it, of all.    [W, K] (tags: [N, K]) -> []
//   label   cross-entropy, with class weights and smoothing; or binary cross-entropy against one class in K
//   ordinal CORAL, nn/loss/ordinal.h
//   labels  binary cross-entropy of every class          number   squared distance to (y - mean) / deviation
//   tags    cross-entropy over the first pieces of the words; 0 where no word has one
Tensor task_loss(const Task& task, const Targets& targets, const Tensor& logits, const text::Batch& batch,
                 const Indices& which);
Tensor task_loss(const Task& task, const Targets& targets, const Tensor& logits, const text::Batch& batch);

// What a text weighs in this mean: 1, or its class's weight; of tags the sum over its words that have a piece. 0: it
// counts nothing.
double weight_in_loss(const Task& task, const Targets& targets, int text);

// The same without class weights and smoothing: what evaluation reports.
Tensor plain_loss(const Task& task, const Targets& targets, const Tensor& logits, const text::Batch& batch);

}  // namespace spec
