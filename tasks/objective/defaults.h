// Defaults that think: what a person left open about the training of a classifier, decided by the texts at hand.
#pragma once

#include <string>
#include <vector>

#include "tasks/text/coverage.h"

namespace objective {

// What the decisions depend on.
struct TextFacts {
  long texts = 0;                      // to train on
  long classes = 0;                    // 0: a number is learned
  bool ships = false;                  // whether mini is there
  long max_length = 0, positions = 0;  // how far texts are to be read, and how far mini can
  double known = 0;                    // the share of their words that mini's vocabulary has as a whole
};
TextFacts facts_of(const std::vector<text::Example>& train, long classes, long max_length);

// --model auto: a pretrained encoder where the texts are in its language and too few to learn words from; else word
// embeddings that begin as naive Bayes. The rules depend on language and numbers, not on how good the encoder is.
struct ModelChoice {
  std::string model;                                              // mini or pool
  std::string why;                                                // "1080 texts, 86 % of their words known to it"
  std::vector<std::pair<std::string, std::string>> options = {};  // of pool, with it: {"--log-odds", "0.3"}, ...
};
ModelChoice choose_model(const TextFacts& facts);

// Steps count, not passes: a small file is passed over until there are kSteps, and kStepsOfAClass more for each class,
// at most kMostPasses times; a large one kFewestPasses times. With a dev set training ends when kPatientSteps, and
// three passes at least, went by without a better one.
constexpr long kSteps = 400, kStepsOfAClass = 10, kFewestPasses = 3, kMostPasses = 50, kPatientSteps = 150;
struct PassesChoice {
  long epochs, patience;
};
PassesChoice choose_passes(long steps_per_epoch, long classes);

}  // namespace objective
