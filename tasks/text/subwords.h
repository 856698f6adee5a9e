// Character n-grams of the vocabulary's pieces, hashed to the rows of a table that they share (Bojanowski, Grave,
// Joulin, Mikolov 2017).
#pragma once

#include <string>
#include <vector>

#include "nn/model/words.h"

namespace text {

// The n-grams of 3 to 5 code points of a piece between marks: <word> where it begins a word, word> where it continues
// one (##word). A piece too short for any is one itself. An n-gram that occurs twice in a piece counts twice.
std::vector<std::string> character_ngrams(const std::string& piece);

// Their rows among `buckets`, 0: none, a table of no pieces. An n-gram has the same row in every piece.
nn::PieceRows subword_rows(const std::vector<std::string>& pieces, long buckets);

}  // namespace text
