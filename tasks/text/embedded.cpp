// The embedded corpora. The assembler includes the files; the Makefile knows that this object depends on them.
// Read tasks/data/README.md for what they are.
#include "tasks/text/embedded.h"

#include "tasks/files/embed.h"

EMBED(sentiment, "tasks/data/sentiment.tsv");
EMBED(phrases, "tasks/data/phrases.tsv");

namespace text {

std::string_view embedded_phrases() { return {attune_phrases_begin, attune_phrases_end}; }
std::string_view embedded_sentiment() { return {attune_sentiment_begin, attune_sentiment_end}; }

}  // namespace text
