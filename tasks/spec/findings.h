// Findings: what is odd about labelled texts, to be known before anything is trained.
#pragma once

#include <string>
#include <vector>

#include "tasks/spec/tasks.h"

namespace spec {

// Texts that are equal, byte for byte, with their second text if they are pairs.
struct EqualTexts {
  long repeats = 0;         // that stood there before
  long contradictions = 0;  // different texts that stand there with different labels
  std::string first;        // the first contradiction: "a.csv:3 (good) and a.csv:17 (bad)"
};
EqualTexts equal_texts(const std::vector<text::Example>& examples, const text::Labels& labels);

// How many of `part` stand in `train`, too: their figures look better than they are.
long also_in(const std::vector<text::Example>& train, const std::vector<text::Example>& part);

// Texts of one word at most.
long nearly_empty(const std::vector<text::Example>& examples);

bool are_whole_numbers(const text::Labels& labels);
// Three to eleven whole numbers: ratings, often, whose order a classifier does not know; or numbers of classes.
bool are_ratings(const text::Labels& labels);

// How many texts each class has.    [K]
std::vector<long> class_counts(const Indices& classes, int K);

}  // namespace spec
