// Pruning of attention heads: which ones matter, and a model without the others.
#pragma once

#include <functional>

#include "tasks/run/text_model.h"

namespace run {

// [L][H]: the expected |dL/dg| of a factor g = 1 on what a head returns, the loss L being each text's cross-entropy; every
// layer divided by its L2 norm (Michel, Levy, Neubig 2019: "Are Sixteen Heads Really Better than One?"). Takes the
// parameters' gradients away from `model`. Error: no BERT.
std::vector<std::vector<double>> head_importance(TextModel& model, const text::EncodedSet& set,
                                                 const std::function<void(long)>& progress = nullptr);

// For every layer the heads, as they are numbered now, that are among the least important `share` of all; one stays in every
// layer.
std::vector<std::vector<long>> least_important(const std::vector<std::vector<double>>& importance, double share);

// A smaller model that computes what `model` does without these heads: their rows of query, key and value and their
// columns of the output are gone, and config.json names them in `pruned_heads`, as Hugging Face does.
std::unique_ptr<TextModel> without_heads(const TextModel& model, const std::vector<std::vector<long>>& heads);

}  // namespace run
