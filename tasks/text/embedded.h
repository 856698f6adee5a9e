// The corpora that the programs carry inside, so that they run from any directory: the bytes of tasks/data/.
#pragma once

#include <string_view>

namespace text {

inline constexpr const char* kSentimentCorpus = "tasks/data/sentiment.tsv";  // columns text, label, topic, split
std::string_view embedded_sentiment();
std::string_view embedded_phrases();  // tasks/data/phrases.tsv: English, tab, German

}  // namespace text
