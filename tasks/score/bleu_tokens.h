// Tokenisers of BLEU, as sacreBLEU 2.6 has them: a translation becomes words between single blanks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace score {

// What stands between white space, as Python's str.split() has it.
std::vector<std::string> split_words(std::string_view text);

// By name:
//   13a   of mteval-v13a.pl: entities, then ASCII punctuation apart; . and , stay inside numbers
//   intl  of mteval-v14.pl: Unicode punctuation apart unless between digits, every symbol apart
//   zh    every Chinese character apart, then as 13a without the entities
//   char  every character apart
//   none  as it is
// Error: another name.
std::string bleu_tokens(const std::string& tokenizer, std::string_view text);
void check_tokenizer(const std::string& tokenizer);

}  // namespace score
