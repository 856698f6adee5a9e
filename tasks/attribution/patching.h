// Activation patching: which part of an encoder carries the difference between two texts.
#pragma once

#include "tasks/attribution/decision.h"
#include "tasks/attribution/subject.h"

namespace attribution {

// The number whose change is told to parts: the logit of one class less that of another, or the decision alone.
struct Contrast {
  Decision one;
  std::optional<Decision> other = {};
  Tensor of_logits(const Tensor& logits, const text::Batch& batch) const;  // [W, K] -> [B]
};

// Parts of an encoder: what stands behind the embeddings and behind every layer; what the attention and the
// feed-forward network of a layer add, before LayerNorm; what one head of a layer returns.
enum class Component { residual, attention, feed_forward, head };
const std::string& name_of(Component component);

// A word of both texts, or [CLS], [SEP], and its rows; a piece, where the words do not stand in the same places.
struct Site {
  std::string clean, corrupted;
  Indices rows;
};

// The effects of one kind of part: every layer and site, or every layer and head (over all sites).
struct Effects {
  Component component;
  std::vector<std::vector<double>> denoising = {}, noising = {};  // [layers][sites], [layers][heads]
};

struct Patching {
  double clean = 0, corrupted = 0;
  std::vector<Site> sites;
  std::vector<Effects> effects;
  long runs = 0;
};

// Error: texts of unequal numbers of tokens or more than one window, texts that score alike, a model that leaves tokens
// behind.
Patching patch(const Contrast& contrast, const Subject& clean, const Subject& corrupted);

}  // namespace attribution
