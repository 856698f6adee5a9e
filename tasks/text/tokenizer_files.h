// The tokenizer's files of a Hugging Face model directory: vocab.txt, tokenizer_config.json, tokenizer.json,
// special_tokens_map.json.
#pragma once

#include <string>

#include "tasks/text/wordpiece.h"

namespace text {

// Reads vocab.txt, or else the vocabulary of tokenizer.json; letter case and accents as tokenizer_config.json says
// (uncased if there is none).
WordPiece load_tokenizer(const std::string& directory);

void save_tokenizer(const WordPiece& tokenizer, const std::string& directory, int max_length);

}  // namespace text
