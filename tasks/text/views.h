// Views: one text seen in two ways, for agreement of two predictions.
#pragma once

#include <utility>

#include "engine/random.h"
#include "nn/tokens.h"

namespace text {

// What is left of a batch's sequences: the tokens for which keep [N] is true, and always the first and the last one.
nn::Tokens kept_tokens(const nn::Tokens& tokens, const std::vector<char>& keep);

// Two views of a text. dropout: itself, twice. halves: the first half of its tokens, and the second. words: without a
// random share of its tokens, each view without others.
std::pair<nn::Tokens, nn::Tokens> two_views(const nn::Tokens& tokens, const std::string& views, double share,
                                            const engine::Random& random);

}  // namespace text
