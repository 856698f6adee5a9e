// What TensorBoard shows of an epoch's model: how well it finds each class, and what its heads look at.
#pragma once

#include "tasks/attribution/attention.h"
#include "tasks/events/summary.h"
#include "tasks/model/evaluate.h"
#include "tasks/run/training.h"

namespace objective {

// Curves of precision and recall on the dev set, one a class of every task that predicts labels, as pr/CLASS or
// pr/TASK/CLASS, of tasks with fewer than model::kManyClasses; and the attention to the first dev text. Nothing without
// an event log.    outputs: what each task's head said of the dev texts
void log_epoch(run::Training& training, const model::TextModel& model, const spec::TaskSet& set,
               const std::vector<model::Outputs>& outputs);

// attention/LAYER: a picture a head, rows are queries, columns are keys, the darker the more is looked at; of the first
// kMostTokens tokens, now and then.
constexpr long kMostTokens = 64;
void log_attention(run::Training& training, const model::TextModel& model, const text::Encoding& text);

// The pictures of one layer, each number p of [heads, queries, keys] as a square of 255 (1 - p).
events::Proto picture_of(const std::string& tag, const attribution::AttentionMap& map);

}  // namespace objective
