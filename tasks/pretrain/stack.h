// A deep encoder out of a shallow one that has learned already.
#pragma once

#include "tasks/model/text_model.h"

namespace pretrain {

// A model of `layers` layers, the i-th a copy of i modulo L, where `from` has L of them; all else as it is there
// (Gong et al. 2019, "Efficient training of BERT by progressively stacking"). What is learned at small cost in few
// layers need not be learned again in many. Error: not a multiple of L, or not more.
std::unique_ptr<model::TextModel> stack_layers(const model::TextModel& from, long layers, uint64_t seed);

}  // namespace pretrain
