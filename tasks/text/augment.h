// Augment: a text said a little differently, so that a model sees more than the letters that were typed.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/random.h"

namespace text {

// Words for a word, in lower case; none where none is known.
using Synonyms = std::function<std::vector<std::string>(const std::string& word)>;

// What is done to a text of W words, what is between blanks; signs, digits and other scripts stay as they are.
//   eda         one of four, drawn (Wei, Zou 2019), n = max(1, floor(share W)) words: synonyms put in their places; as
//               many synonyms put in anywhere; two words change places, n times; or each word left out with probability
//               `share`, one at least stays. Without synonyms only the last two.
//   words       each word left out, or doubled, with probability share / 2 each; one at least stays
//   characters  of each word of four letters and more, with probability `share`: two neighbours inside change places, a
//               letter is left out, doubled, or another one (as a slip of the fingers)
// The result depends on `random` alone, whose call is moved on.
enum class Augmentation { eda, words, characters };
Augmentation augmentation_named(const std::string& name);
std::string augmented(const std::string& text, Augmentation how, double share, const Synonyms& synonyms,
                      engine::Random random);

// One slip in one word: kind 0 swap, 1 substitute, 2 leave out, 3 double; `place` in [1, letters - 2].
std::string slipped(const std::u32string& word, int kind, size_t place, char32_t letter);

}  // namespace text
