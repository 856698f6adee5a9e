// The embedded corpora. The assembler includes the files; the Makefile knows that this object depends on them.
// Read tasks/data/README.md for what they are.
#include "tasks/text/embedded.h"

__asm__(
    ".pushsection .rodata\n"
    "attune_sentiment_begin: .incbin \"tasks/data/sentiment.tsv\"\n"
    "attune_sentiment_end: .byte 0\n"
    "attune_phrases_begin: .incbin \"tasks/data/phrases.tsv\"\n"
    "attune_phrases_end: .byte 0\n"
    ".popsection\n");
extern "C" const char attune_sentiment_begin[], attune_sentiment_end[];
extern "C" const char attune_phrases_begin[], attune_phrases_end[];

namespace text {

std::string_view embedded_phrases() { return {attune_phrases_begin, attune_phrases_end}; }
std::string_view embedded_sentiment() { return {attune_sentiment_begin, attune_sentiment_end}; }

}  // namespace text
