// Attention as an explanation: what a head's decision looks at, directly or through all layers.
#pragma once

#include "tasks/attribution/attention.h"
#include "tasks/attribution/decision.h"

namespace attribution {

// Where the head looks: the last attention before its classifier, averaged over heads. [CLS]'s row of the last layer
// where the head reads [CLS], its own queries where it has such, the mean of all rows where it reads the mean.   [N]
// Error: a mean of word embeddings, which has no attention.
std::vector<double> attention_weights(const Decision& decision, const Windows& text);

// The same through all layers, by rollout; of word embeddings, which have none, the attention itself.   [N]
std::vector<double> rollout(const Decision& decision, const Windows& text);

// R_1, R_2, ... of layers whose maps are [H, T, T] each: [T, T], rows are the outputs.
std::vector<std::vector<double>> rollout_of(const std::vector<AttentionMap>& layers);

}  // namespace attribution
