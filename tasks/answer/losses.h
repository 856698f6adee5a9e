// Losses: what is learned beside the intents and slots: questions of one intent lie together, titles find their texts.
#pragma once

#include "nn/loss/cached.h"
#include "tasks/answer/options.h"
#include "tasks/run/fingerprint.h"
#include "tasks/score/bm25.h"
#include "tasks/text/batches.h"

namespace answer {

// Dropout of part p of a step begins at a place of its own: walks through a part draw the same masks.
void begin_part(model::TextModel& model, size_t p);

// nn::supervised_contrastive between all questions of a step, the classes the intents. A step in several parts is
// walked through twice, by cached gradients, so that it is one batch all the same; one in one part is not.
class Contrast {
 public:
  using Encode = std::function<nn::Encoded(const text::Batch& part)>;  // as the step itself does it, parts in order

  Contrast(model::TextModel& model, const std::vector<text::Batch>& parts, const TrainOptions& o, const Encode& encode);
  // What part p adds: its value is that of the loss, its gradient, times the part's share, that through the part.
  //   vectors [B, C] of unit length, with their history -> []
  Tensor operator()(size_t p, const Tensor& vectors) const;

 private:
  const std::vector<text::Batch>& parts_;
  engine::real temperature_;
  std::optional<nn::CachedLoss> cached_;
};

// Articles: which text belongs to this title? nn::multiple_negatives both ways, scale 20, between --articles-batch
// pairs; articles of one title, as answers to the same question, are no negatives of each other. With --hard-negatives
// the texts that a title's words would find first (BM25) stand beside them. Pairs are held 16 at a time: more of them
// are walked through twice, by cached gradients.
class Pairs {
 public:
  Pairs(const Knowledge& knowledge, const model::TextModel& model, const TrainOptions& o);
  Pairs(const Pairs&) = delete;  // the batches refer to the texts
  bool due(long step) const;     // some steps only; never of fewer than two articles
  struct Part {
    double share = 1;
    std::function<Tensor()> loss;  // as Contrast's: []
  };
  // `begun`: the parts of the step's questions, for the masks of dropout
  std::vector<Part> parts_at(model::TextModel& model, long step, size_t begun);
  void add_to(run::Fingerprint& print) const;
  // Of article i, other texts, the hardest first.
  std::vector<int> hard_negatives(int i) const;

 private:
  struct Rows {
    text::Batch titles, texts;
    std::optional<text::Batch> hard;
  };
  bool empty() const { return titles_.size() < 2; }
  std::vector<Rows> rows_at(long step);
  static Tensor encode(const model::TextModel& model, const Rows& rows);  // [b + b + m, C]
  static Tensor loss_of(const Tensor& z, const std::vector<Rows>& all);   // z of all parts, laid end to end

  text::EncodedSet titles_, texts_;
  std::optional<text::Batches> title_batches_, text_batches_;  // nothing where there is nothing to tell apart
  long hard_;                                                  // negatives of each pair
  std::vector<std::vector<std::string>> title_terms_;
  std::optional<score::Bm25> words_;  // of the texts; with hard negatives
};

}  // namespace answer
