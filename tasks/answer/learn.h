// Learning: an assistant's questions shared out, and what is left when it is trained.
#pragma once

#include "tasks/answer/assistant.h"
#include "tasks/answer/losses.h"
#include "tasks/objective/retention.h"
#include "tasks/objective/robust.h"

namespace answer {

// With what o.robust adds: texts in other words, but for those with a marked value, and rare intents' texts again.
// Error: no question is left to learn from; one intent only; --augment, and every text has a marked value.
Lesson lesson_of(Knowledge knowledge, const TrainOptions& o);

run::Frame frame_of(const run::Options& options, const TrainOptions& o, const Lesson& lesson,
                    const text::Batches& batches, const Pairs& pairs, const model::TextModel& model,
                    const objective::Robust& robust, const objective::RetentionLearning& retention);

// Keeps the weights; with an event log also the dev questions' curves of precision and recall, and attention.
void finish_epoch(run::Training& training, const model::TextModel& model, const Lesson& lesson);

// Writes the assistant, measures it on the test questions; the last words of a run, and its result.json.
void finish(const run::Training& training, const Lesson& lesson, const TrainOptions& o);

}  // namespace answer
