// tokenizer.json, in and out: the one file of Hugging Face's that says all of what a tokenizer does.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "nn/format/json.h"
#include "tasks/text/wordpiece.h"

namespace text {

struct TokenizerJson {
  std::vector<std::string> pieces;
  TokenizerOptions options;                  // `added` with the special tokens; `special` as by default
  std::optional<std::string> unk, cls, sep;  // where it names them
  std::vector<std::string> warnings;
};

// Error, naming the part and its type: what a WordPiece of this project does not do exactly (another model, normaliser,
// pre-tokenizer or post-processor).
TokenizerJson read_tokenizer_json(const std::string& path);

std::string tokenizer_json(const WordPiece& tokenizer);

// A token with its flags as these files write it, whose id stands elsewhere.
AddedToken added_token(const nn::json& value, const std::string& where);

// The warning that texts are to be cut at their other end.
std::string cut_at_begin(const std::string& where);
nn::ordered_json flags_of(const AddedToken& token);  // {"content": ..., "lstrip": ...}

// Every token that is found whole, in the order of ids: the special ones, and those beside the vocabulary.
std::vector<AddedToken> all_added(const WordPiece& tokenizer);

}  // namespace text
