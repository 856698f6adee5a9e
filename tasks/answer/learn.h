// Learning: an assistant's questions shared out, the terms of its loss, and what is left when it is trained.
#pragma once

#include "tasks/answer/assistant.h"

namespace answer {

// Error: no question is left to learn from; one intent only.
Lesson lesson_of(Knowledge knowledge, const TrainOptions& o);

// Titles and texts of articles, in step: row b of one belongs to row b of the other.
class Pairs {
 public:
  Pairs(const Knowledge& knowledge, const model::TextModel& model, const TrainOptions& o);
  Pairs(const Pairs&) = delete;  // the batches refer to the texts
  bool due(long step) const;     // some steps only; never of fewer than two articles
  // Which text belongs to this title? nn::multiple_negatives, both ways, scale 20; articles of one title, as answers to
  // the same question, are no negatives of each other.    []
  Tensor loss(const model::TextModel& model, long step);
  void add_to(run::Fingerprint& print) const;

 private:
  bool empty() const { return titles_.size() < 2; }

  text::EncodedSet titles_, texts_;
  std::optional<text::Batches> title_batches_, text_batches_;  // nothing where there is nothing to tell apart
};

run::Frame frame_of(const run::Options& options, const TrainOptions& o, const Lesson& lesson,
                    const text::Batches& batches, const Pairs& pairs, const model::TextModel& model);

// Writes the assistant, measures it on the test questions; the last words of a run, and its result.json.
void finish(const run::Training& training, const Lesson& lesson, const TrainOptions& o);

}  // namespace answer
