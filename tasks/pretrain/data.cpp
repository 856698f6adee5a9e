// Files become a corpus: twice read when a vocabulary is to be learned, once otherwise. Read tasks/text/corpus.h first.
#include <charconv>
#include <filesystem>

#include "tasks/pretrain/options.h"
#include "tasks/run/console.h"
#include "tasks/text/lines.h"
#include "tasks/text/vocab_trainer.h"

namespace pretrain {
namespace {

using engine::check;
using Texts = std::vector<std::string_view>;

constexpr size_t kLongestLine = 10'000'000;  // bytes: more is no text but a file without line ends

// Calls f(texts) for a file's texts, block by block.
template <class F>
void for_each_block(const std::string& path, const spec::DataOptions& how, F f) {
  if (!text::has_lines(path)) {
    const text::Examples table = how.read({path}, {}, false);
    Texts texts;
    for (const text::Example& e : table.rows) {
      texts.push_back(e.text);
      if (!e.pair.empty()) texts.push_back(e.pair);
    }
    return f(texts);
  }
  text::LineBlocks blocks(path, how.encoding);
  while (blocks.next()) {
    for (size_t i = 0; i < blocks.lines().size(); ++i)
      check(blocks.lines()[i].size() <= kLongestLine,
            "{}:{}: a line of {} bytes; a line is a text, at most {} bytes: break it where its paragraphs end", path,
            blocks.first_line() + long(i), blocks.lines()[i].size(), kLongestLine);
    f(blocks.lines());
  }
}

template <class F>
void for_each_source(const std::vector<std::string>& specs, F f) {
  for (const std::string& spec : specs) {
    const Source source = source_of(spec);
    for (const std::string& path : text::files_at(source.path)) f(path, source.weight);
  }
}

text::ForbiddenSentences forbidden(const Options& o) {
  text::ForbiddenSentences sentences;
  for_each_source(o.without, [&](const std::string& path, double) {
    for_each_block(path, o.files, [&](const Texts& texts) {
      for (const std::string_view t : texts) sentences.add(t);
    });
  });
  if (!o.without.empty())
    run::print_note("without: {} sentences of six words or more stay out of the corpus\n", sentences.count());
  return sentences;
}

text::CorpusBuilder::Options building(const Options& o, const text::ForbiddenSentences& without) {
  return {.max_length = o.model.reading.max_length,
          .held_out = o.dev.empty() ? o.dev_share : 0,
          .seed = o.training.seed,
          .without = &without};
}

void report(const char* name, const text::Corpus& corpus) {
  long texts = 0, repeats = 0, left_out = 0;
  for (const text::Corpus::Part& part : corpus.parts)
    texts += part.texts, repeats += part.repeats, left_out += part.forbidden;
  run::print_note("{:<6}{:>8} texts as {} sequences, {} tokens", name, texts, corpus.size(), corpus.tokens());
  if (repeats) run::print_note("; {} repeats left out", repeats);
  if (left_out) run::print_note("; {} texts left out for a sentence of --without", left_out);
  run::print_note("\n");
}

}  // namespace

Source source_of(const std::string& spec) {
  const size_t equals = spec.rfind('=');
  double weight = 1;
  if (equals == spec.npos || std::filesystem::exists(spec)) return {spec, 1};
  const char* end = spec.data() + spec.size();
  const auto [stop, error] = std::from_chars(spec.data() + equals + 1, end, weight);
  check(error == std::errc() && stop == end && weight > 0 && weight <= 1000,
        "--train {}: what follows = is a weight above 0, at most 1000", spec);
  return {spec.substr(0, equals), weight};
}

text::WordPiece make_tokenizer(const Options& o) {
  text::TokenizerOptions options;
  options.lower_case = !o.model.cased;
  if (!o.model.vocab.empty()) return text::WordPiece::load(o.model.vocab, options);
  const text::ForbiddenSentences without = forbidden(o);
  text::CorpusBuilder builder(building(o, without));
  text::WordCounts counts;
  for_each_source(o.train, [&](const std::string& path, double weight) {
    builder.open(path, weight);
    for_each_block(path, o.files,
                   [&](const Texts& texts) { text::count_words(builder.choose(texts), options, counts); });
  });
  check(!counts.empty(), "there are no texts to learn a vocabulary from");
  return text::WordPiece(text::train_vocab(counts, o.model.pieces()), options);
}

Data read_data(const Options& o, const text::WordPiece& tokenizer) {
  const text::ForbiddenSentences without = forbidden(o);
  text::CorpusBuilder builder(building(o, without));
  for_each_source(o.dev, [&](const std::string& path, double weight) {
    builder.open(path, weight);
    for_each_block(path, o.files, [&](const Texts& texts) { builder.add_held_out(texts, tokenizer); });
  });
  long left_out = 0, repeats = 0;
  for_each_source(o.train, [&](const std::string& path, double weight) {
    builder.open(path, weight);
    for_each_block(path, o.files, [&](const Texts& texts) { builder.add(texts, tokenizer); });
    left_out += builder.train.parts.back().forbidden;
    repeats += builder.train.parts.back().repeats;
  });
  report("train", builder.train);
  report("dev", builder.held_out);
  check(builder.train.size() > 0 || !left_out,
        "there is nothing to train on: every text of the corpus holds a sentence of --without");
  check(builder.train.size() > 0 || !repeats || !builder.held_out.size(),
        "there is nothing to train on: every text of the corpus is one of --dev");
  check(builder.train.size() > 0, "there is nothing to train on: no text has a piece of the vocabulary");
  return {std::move(builder.train), std::move(builder.held_out)};
}

}  // namespace pretrain
