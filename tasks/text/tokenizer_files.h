// The tokenizer's files of a Hugging Face model directory: vocab.txt, tokenizer_config.json, tokenizer.json,
// special_tokens_map.json, added_tokens.json.
#pragma once

#include <string>
#include <vector>

#include "tasks/text/wordpiece.h"

namespace text {

struct LoadedTokenizer {
  WordPiece tokenizer;
  std::vector<std::string> warnings;  // of what may be meant otherwise
};

// What the files of a directory say, all of it: the pieces of vocab.txt or tokenizer.json, its normaliser, the tokens added
// to it, the names of the special ones. tokenizer_config.json overrides tokenizer.json, but of a PreTrainedTokenizerFast,
// whose tokenizer.json is its whole; with neither, texts are lower-cased. Error: another tokenizer than BERT's, by its
// name; a part that this one does not do exactly; files that contradict each other.
LoadedTokenizer load_tokenizer(const std::string& directory);

// How many pieces have a capital letter, in words and not in names such as [UNK] or <URL>: lower-cased texts never
// match these.
long with_capitals(const std::vector<std::string>& pieces);

void save_tokenizer(const WordPiece& tokenizer, const std::string& directory, int max_length);

}  // namespace text
