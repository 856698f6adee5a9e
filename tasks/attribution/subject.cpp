// Pieces to words, and texts without some of their words. Read tasks/text/batches.h first: windows.
#include "tasks/attribution/subject.h"

#include <algorithm>

#include "tasks/spec/task_file.h"
#include "tasks/text/letters.h"
#include "tasks/text/utf8.h"

namespace attribution {

using engine::check;

namespace {

bool is_apostrophe(char32_t c) { return c == U'\'' || c == 0x2019; }

}  // namespace

std::vector<text::Span> words_of(std::string_view text) {
  std::vector<text::Span> words;
  size_t begin = 0;
  const auto close = [&](size_t end) {
    if (end > begin) words.push_back({begin, end});
    begin = end;
  };
  bool letter_before = false;
  for (size_t at = 0; at < text.size();) {
    const size_t start = at;
    const char32_t c = text::next_code_point(text, at).value;
    size_t next = at;
    const text::CodePointKind kind = text::kind_of(c);
    const bool joins = is_apostrophe(c) && letter_before && at < text.size() &&
                       text::kind_of(text::next_code_point(text, next).value) == text::CodePointKind::letter;
    letter_before = kind == text::CodePointKind::letter;
    if (joins || letter_before || kind == text::CodePointKind::removed) continue;
    close(start);
    if (kind != text::CodePointKind::space) close(at);
    begin = at;
  }
  close(text.size());
  return words;
}

namespace {

// A word of the text, and the ids of its pieces.
struct Unit {
  size_t begin, end;
  Indices ids;
};

std::vector<Unit> units_of(const std::string& text, const text::WordPiece& tokenizer) {
  std::vector<Unit> units;
  for (const auto& [begin, end] : words_of(text)) {
    const text::Encoding pieces = tokenizer.encode(std::string_view(text).substr(begin, end - begin), 1 << 30);
    units.push_back({begin, end, {pieces.ids.begin() + 1, pieces.ids.end() - 1}});
  }
  return units;
}

// The pieces of a text as far as they were read: their ids, and the rows where each stands, one in every window that
// has it.
struct Pieces {
  Indices ids;
  std::vector<Indices> rows;
};

void add(Pieces& to, const text::Encoding& window, size_t first, size_t last, int offset) {
  for (size_t t = first; t < last; ++t) {
    const size_t piece = size_t(window.begin) + t - first;
    if (piece >= to.ids.size()) {
      to.ids.resize(piece + 1, -1);
      to.rows.resize(piece + 1);
    }
    to.ids[piece] = window.ids[t];
    to.rows[piece].push_back(offset + int(t));
  }
}

// Where the words' pieces are not those that were read (added tokens of several words), pieces are words.
void append_words(const std::string& text, bool second, const Pieces& pieces, const text::WordPiece& tokenizer,
                  std::vector<Word>& words) {
  Indices ids;
  const std::vector<Unit> units = units_of(text, tokenizer);
  for (const Unit& unit : units) ids.insert(ids.end(), unit.ids.begin(), unit.ids.end());
  const bool found = ids.size() >= pieces.ids.size() && std::equal(pieces.ids.begin(), pieces.ids.end(), ids.begin());
  size_t at = 0;
  const auto take = [&](Word& word, size_t piece) {
    word.tokens.insert(word.tokens.end(), pieces.rows[piece].begin(), pieces.rows[piece].end());
  };
  for (const Unit& unit : units) {
    if (!found) break;
    Word word{text.substr(unit.begin, unit.end - unit.begin), second, unit.begin, unit.end};
    for (size_t i = 0; i < unit.ids.size() && at < pieces.ids.size(); ++i) take(word, at++);
    words.push_back(std::move(word));
  }
  for (size_t i = 0; !found && i < pieces.ids.size(); ++i) {
    const std::string& piece = tokenizer.piece(pieces.ids[i]);
    if (piece.starts_with("##") && i > 0)
      words.back().text += piece.substr(2);
    else
      words.push_back({piece, second});
    take(words.back(), i);
  }
}

const std::vector<std::string> kAbsent{"mask", "pad", "remove"};

}  // namespace

Indices Subject::offsets() const {
  Indices offsets{0};
  for (const text::Encoding& window : windows) offsets.push_back(offsets.back() + int(window.ids.size()));
  return offsets;
}

std::vector<size_t> Subject::read() const {
  std::vector<size_t> places;
  for (size_t i = 0; i < words.size(); ++i)
    if (!words[i].tokens.empty()) places.push_back(i);
  return places;
}

Subject subject_of(const text::Example& example, const text::EncodedSet& set, long i,
                   const text::WordPiece& tokenizer) {
  Subject subject;
  subject.windows.assign(set.windows.begin() + set.begin[i], set.windows.begin() + set.begin[i + 1]);
  Pieces first, second;
  int offset = 0;
  for (const text::Encoding& window : subject.windows) {
    const auto behind = std::find(window.types.begin(), window.types.end(), 1);
    const size_t split = size_t(behind - window.types.begin());  // where the second text begins
    add(first, window, 1, split - 1, offset);
    if (behind != window.types.end()) add(second, window, split, window.ids.size() - 1, offset);
    offset += int(window.ids.size());
  }
  append_words(example.text, false, first, tokenizer, subject.words);
  if (!example.pair.empty()) append_words(example.pair, true, second, tokenizer, subject.words);
  return subject;
}

Absent absent_named(const std::string& name) {
  spec::check_name("what stands for an absent word", name, kAbsent);
  return Absent(std::find(kAbsent.begin(), kAbsent.end(), name) - kAbsent.begin());
}

const std::string& name_of(Absent how) { return kAbsent[size_t(how)]; }

int absent_id(Absent how, const text::WordPiece& tokenizer) {
  if (how == Absent::pad) return tokenizer.pad_id();
  return tokenizer.mask_id() >= 0 ? tokenizer.mask_id() : tokenizer.unk_id();
}

std::vector<text::Encoding> with_words(const std::vector<text::Encoding>& windows, const std::vector<Indices>& words,
                                       const std::vector<bool>& present, Absent how, const text::WordPiece& tokenizer) {
  check(words.size() == present.size(), "with_words: of every word whether it is there; got {} for {}", present.size(),
        words.size());
  std::vector<text::Encoding> left = windows;
  const int id = absent_id(how, tokenizer);
  constexpr int kGone = -1;
  for (size_t i = 0; i < words.size(); ++i) {
    if (present[i]) continue;
    for (int row : words[i]) {
      size_t w = 0;
      for (; row >= int(windows[w].ids.size()); ++w) row -= int(windows[w].ids.size());
      left[w].ids[size_t(row)] = how == Absent::remove ? kGone : id;
    }
  }
  for (text::Encoding& window : left) {
    size_t to = 0;
    for (size_t t = 0; t < window.ids.size(); ++t) {
      if (window.ids[t] == kGone) continue;
      window.ids[to] = window.ids[t];
      window.types[to++] = window.types[t];
    }
    window.ids.resize(to);
    window.types.resize(to);
  }
  return left;
}

}  // namespace attribution
