// From tokens back to the bytes that they were made of. Read tasks/text/word_splitter.h first.
#include "tasks/text/places.h"

#include "engine/base.h"
#include "engine/strings.h"
#include "tasks/text/word_splitter.h"

namespace text {

using engine::check;

namespace {

// A text as normalised() has it, byte by byte with what it was made of.
class Aligner {
 public:
  explicit Aligner(const TokenizerOptions& options) : fold_(options) {}

  void append(char32_t c, Span from) { token_.push_back({c, from}); }

  void space(Span from) {
    end_token();
    out_.text += ' ';
    out_.source.push_back(from);
  }

  Aligned finish() {
    end_token();
    return std::move(out_);
  }

 private:
  struct Letter {
    char32_t value;
    Span from;
  };

  std::string folded(size_t first, size_t last) const {
    std::string bytes;
    bool ascii = true;
    for (size_t i = first; i < last; ++i) {
      append_utf8(bytes, token_[i].value);
      ascii &= token_[i].value < 0x80;
    }
    fold_(bytes, ascii);
    return bytes;
  }

  // A token is folded as a whole, for a final sigma is another one; what a letter becomes alone says how many of the
  // letters are its own. Should the numbers disagree, all of them come from the whole token.
  void end_token() {
    const std::string whole = folded(0, token_.size());
    std::vector<Span> of_letters;
    for (size_t i = 0; i < token_.size(); ++i)
      of_letters.insert(of_letters.end(), count_code_points(folded(i, i + 1)), token_[i].from);
    if (of_letters.size() != count_code_points(whole))
      of_letters.assign(count_code_points(whole), {token_.front().from.begin, token_.back().from.end});
    size_t letter = 0;
    for (size_t at = 0; at < whole.size(); ++letter) {
      const size_t start = at;
      next_code_point(whole, at);
      out_.source.insert(out_.source.end(), at - start, of_letters[letter]);
    }
    out_.text += whole;
    token_.clear();
  }

  Folding fold_;
  std::vector<Letter> token_;
  Aligned out_;
};

}  // namespace

Aligned aligned(std::string_view text, const TokenizerOptions& options) {
  Aligner aligner(options);
  for (size_t at = 0; at < text.size();) {
    const size_t start = at;
    const char32_t c = next_code_point(text, at).value;
    const Span from{start, at};
    const CodePointKind kind = kind_of(c);
    const bool alone = kind == CodePointKind::ideograph && options.chinese_characters;
    if (kind == CodePointKind::removed && options.clean_text) continue;
    if (kind == CodePointKind::space && options.clean_text) {
      aligner.space(from);
      continue;
    }
    if (alone) aligner.space(from);
    aligner.append(c, from);
    if (alone) aligner.space(from);
  }
  return aligner.finish();
}

std::string normalised(std::string_view text, const TokenizerOptions& options) { return aligned(text, options).text; }

std::vector<Span> WordPiece::spans(std::string_view text) const {
  std::vector<Span> spans;
  size_t done = 0;  // of the text
  const auto plain = [&](std::string_view part) {
    append_spans(part, done, spans);
    done += part.size();
  };
  const auto token = [&](int id) {
    spans.push_back({done, done + pieces_[id].size()});
    done = spans.back().end;
  };
  raw_.cut(text, plain, token);
  return spans;
}

// `part` begins at byte `start` of the text. What WordSplitter makes of the aligned text stands there letter by letter,
// for letters that have been folded stay as they are.
void WordPiece::append_spans(std::string_view part, size_t start, std::vector<Span>& spans) const {
  const Aligned from = aligned(part, options_);
  size_t done = 0;  // of from.text
  const auto append = [&](size_t length) {
    spans.push_back({start + from.source[done].begin, start + from.source[done + length - 1].end});
    done += length;
  };
  const auto words = [&](std::string_view text) {
    const size_t end = done + text.size();
    WordSplitter splitter(options_, [&](std::string_view word) {
      done = std::min(from.text.find(word, done), end);
      check(done + word.size() <= end, "places: '{}' is not found in its text", engine::shown(word));
      std::vector<int> ids;
      append_word(word, ids);
      const bool unknown = ids.size() == 1 && ids[0] == unk_;
      for (size_t i = 0; i < ids.size(); ++i)
        append(unknown ? word.size() : pieces_[ids[i]].size() - (i > 0 ? kContinuation.size() : 0));
    });
    splitter(text);
    done = end;
  };
  const auto token = [&](int id) { append(normalised(pieces_[id], options_).size()); };
  normalised_.cut(from.text, words, token);
}

std::vector<Place> places_of(const Encoding& encoding, std::string_view text, std::string_view pair,
                             const WordPiece& tokenizer) {
  const std::vector<Span> spans[] = {tokenizer.spans(text), tokenizer.spans(pair)};
  size_t next[] = {0, 0};
  std::vector<Place> places;
  bool joined = false;  // whether the token before can be gone on with
  const size_t T = encoding.ids.size();
  for (size_t t = 0; t < T; ++t) {
    const int id = encoding.ids[t], type = encoding.types[t];
    Place place{.text = type, .word = t == 0 ? 0 : places.back().word + 1};
    // Those that encode() adds; one that is written in the text has its place.
    const bool added = t == 0 || t + 1 == T || encoding.types[t + 1] != type;
    if (!added) {
      check(next[type] < spans[type].size(), "places: the tokens are not those of this text");
      const Span span = spans[type][next[type]++];
      place.begin = span.begin;
      place.end = span.end;
      const bool goes_on = joined && id < tokenizer.plain_pieces() && tokenizer.piece(id).starts_with(kContinuation);
      if (goes_on) place.word = places.back().word;
    }
    joined = !added;
    places.push_back(place);
  }
  return places;
}

}  // namespace text
