// BERT's tokenizer: text to words (clean, lower, strip accents, split) and words to pieces (longest match first).
// Read tasks/text/utf8.h before.
#include "tasks/text/wordpiece.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <bit>
#include <functional>
#include <utility>

#include "nn/format/files.h"
#include "tasks/text/data.h"
#include "tasks/text/utf8.h"

namespace text {

using engine::check;

namespace {

constexpr std::string_view kContinuation = "##";

// What a code point does to the word it stands in.
enum class Kind : unsigned char { kLetter, kSpace, kPunctuation, kIdeograph, kRemoved };

constexpr Kind ascii_kind(int c) {
  if (c == ' ' || c == '\t' || c == '\n' || c == '\r') return Kind::kSpace;
  if (c < 33 || c == 127) return Kind::kRemoved;
  if (c < 48 || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) || c >= 123) return Kind::kPunctuation;
  return Kind::kLetter;
}

constexpr auto kAscii = [] {
  std::array<Kind, 128> kinds{};
  for (int c = 0; c < 128; ++c) kinds[c] = ascii_kind(c);
  return kinds;
}();

// The blocks of Chinese ideographs that BERT's authors chose. Hangul, Hiragana and Katakana are written with spaces
// or split by the vocabulary.
bool is_ideograph(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
         (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B820 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

utf8proc_category_t category(char32_t c) { return utf8proc_category(utf8proc_int32_t(c)); }

// Of the order of utf8proc's categories: CN, letters, marks, numbers, PC..PO, symbols, ZS ZL ZP, CC CF CS CO.
Kind unicode_kind(char32_t c) {
  if (is_ideograph(c)) return Kind::kIdeograph;
  const utf8proc_category_t of = category(c);
  if (c == kReplacement || of == UTF8PROC_CATEGORY_CN || of >= UTF8PROC_CATEGORY_CC) return Kind::kRemoved;
  if (of >= UTF8PROC_CATEGORY_ZS) return Kind::kSpace;
  if (of >= UTF8PROC_CATEGORY_PC && of <= UTF8PROC_CATEGORY_PO) return Kind::kPunctuation;
  return Kind::kLetter;
}

inline Kind kind_of(char32_t c) { return c < 0x80 ? kAscii[c] : unicode_kind(c); }

bool is_cased(char32_t c) {
  const auto of = category(c);
  return of == UTF8PROC_CATEGORY_LU || of == UTF8PROC_CATEGORY_LL || of == UTF8PROC_CATEGORY_LT;
}

// Marks, modifiers, format characters, and what may stand inside a word (Unicode's Case_Ignorable).
bool is_case_ignorable(char32_t c) {
  constexpr std::u32string_view kInsideWords =
      U"'.:\u00B7\u0387\u055F\u05F4\u2018\u2019\u2024\u2027\uFE13\uFE52\uFE55\uFF07\uFF0E\uFF1A";
  switch (category(c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK:
      return true;
    default:
      return kInsideWords.find(c) != std::u32string_view::npos;
  }
}

// A capital sigma with a letter before and none after ends its word (Unicode 15, table 3-17, Final_Sigma).
bool is_final_sigma(std::u32string_view word, std::size_t at) {
  std::size_t before = at, after = at + 1;
  while (before > 0 && is_case_ignorable(word[before - 1])) --before;
  while (after < word.size() && is_case_ignorable(word[after])) ++after;
  return before > 0 && is_cased(word[before - 1]) && (after == word.size() || !is_cased(word[after]));
}

// Full lower-casing, as Python's str.lower(): utf8proc's plain mapping but for capital sigma and dotted capital I.
std::string lower(const std::string& token) {
  const std::u32string word = decode_utf8(token);
  std::string out;
  for (std::size_t at = 0; at < word.size(); ++at) {
    if (word[at] == U'\u03A3') {
      append_utf8(out, is_final_sigma(word, at) ? U'\u03C2' : U'\u03C3');
    } else if (word[at] == U'\u0130') {
      out += "i\u0307";
    } else {
      append_utf8(out, char32_t(utf8proc_tolower(utf8proc_int32_t(word[at]))));
    }
  }
  return out;
}

// Canonical decomposition (NFD) without its nonspacing marks (Mn).
std::string strip_accents(const std::string& token) {
  std::vector<utf8proc_int32_t> points(4 * token.size());  // no code point decomposes into more than four
  const auto capacity = utf8proc_ssize_t(points.size());
  const utf8proc_ssize_t count =
      utf8proc_decompose(reinterpret_cast<const utf8proc_uint8_t*>(token.data()), utf8proc_ssize_t(token.size()),
                         points.data(), capacity, utf8proc_option_t(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE));
  check(count >= 0 && count <= capacity, "strip_accents: utf8proc failed on '{}'", token);
  std::string out;
  for (utf8proc_ssize_t i = 0; i < count; ++i)
    if (utf8proc_category(points[i]) != UTF8PROC_CATEGORY_MN) append_utf8(out, char32_t(points[i]));
  return out;
}

// Calls emit(word) for each word of a text. A token is what stands between two spaces; it is folded as a whole, then
// cut at its punctuation.
template <class Emit>
class WordSplitter {
 public:
  WordSplitter(const TokenizerOptions& options, Emit emit)
      : emit_(emit),
        lower_(options.lower_case),
        strip_(options.strip_accents.value_or(options.lower_case)),
        chinese_(options.chinese_characters) {}

  void operator()(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
      const char32_t c = next_code_point(text, at).value;
      switch (kind_of(c)) {
        case Kind::kRemoved:
          break;
        case Kind::kSpace:
          end_token();
          break;
        case Kind::kIdeograph:
          if (chinese_) end_token();
          append(c);
          if (chinese_) end_token();
          break;
        default:
          append(c);
      }
    }
    end_token();
  }

 private:
  void append(char32_t c) {
    if (c < 0x80) {
      token_ += char(c);
    } else {
      append_utf8(token_, c);
      ascii_ = false;
    }
  }

  void end_token() {
    if (ascii_ && lower_) {
      for (char& c : token_)
        if (c >= 'A' && c <= 'Z') c = char(c + ('a' - 'A'));
    } else if (!ascii_) {
      if (lower_) token_ = lower(token_);
      if (strip_) token_ = strip_accents(token_);
    }
    split_punctuation();
    token_.clear();
    ascii_ = true;
  }

  void split_punctuation() {
    const std::string_view token = token_;
    std::size_t word = 0;  // where the current word starts
    for (std::size_t at = 0; at < token.size();) {
      const std::size_t start = at;
      if (kind_of(next_code_point(token, at).value) != Kind::kPunctuation) continue;
      if (start > word) emit_(token.substr(word, start - word));
      emit_(token.substr(start, at - start));
      word = at;
    }
    if (word < token.size()) emit_(token.substr(word));
  }

  Emit emit_;
  bool lower_, strip_, chinese_;
  std::string token_;
  bool ascii_ = true;  // nothing above 0x7F in token_
};

std::size_t count_code_points(std::string_view word) {
  return std::size_t(std::count_if(word.begin(), word.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

std::vector<std::string> split_words(std::string_view text, const TokenizerOptions& options) {
  std::vector<std::string> words;
  WordSplitter splitter(options, [&](std::string_view word) { words.emplace_back(word); });
  splitter(text);
  return words;
}

void PieceTable::reserve(std::size_t pieces) { slots_.assign(std::bit_ceil(2 * pieces + 1), Slot{0, -1, 0, 0}); }

// The slot that holds the key, or the free one where it would stand.
std::size_t PieceTable::slot_of(std::string_view key, std::uint32_t hash) const {
  std::size_t at = hash & (slots_.size() - 1);
  for (;; at = (at + 1) & (slots_.size() - 1)) {
    const Slot& slot = slots_[at];
    if (slot.id < 0) return at;
    if (slot.hash == hash && std::string_view(bytes_).substr(slot.begin, slot.length) == key) return at;
  }
}

std::uint32_t PieceTable::hash_of(std::string_view key) { return std::uint32_t(std::hash<std::string_view>()(key)); }

bool PieceTable::insert(std::string_view key, int id) {
  const std::uint32_t hash = hash_of(key);
  Slot& slot = slots_[slot_of(key, hash)];
  if (slot.id >= 0) return false;
  slot = {hash, id, std::uint32_t(bytes_.size()), std::uint32_t(key.size())};
  bytes_ += key;
  longest_ = std::max(longest_, key.size());
  return true;
}

int PieceTable::find(std::string_view key) const { return slots_[slot_of(key, hash_of(key))].id; }

WordPiece::WordPiece(std::vector<std::string> pieces, const TokenizerOptions& options, const std::string& origin)
    : pieces_(std::move(pieces)), options_(options) {
  starts_.reserve(pieces_.size());
  continuations_.reserve(pieces_.size());
  for (int i = 0; i < vocab_size(); ++i) {
    const std::string_view piece = this->piece(i);
    check(!piece.empty(), "{}:{}: an empty line is no piece", origin, i + 1);
    const bool added =
        piece.starts_with(kContinuation) ? continuations_.insert(piece.substr(2), i) : starts_.insert(piece, i);
    check(added, "{}:{}: piece '{}' is there already, on line {}", origin, i + 1, piece, find(piece) + 1);
  }
  for (std::string_view name : {"[PAD]", "[UNK]", "[CLS]", "[SEP]"})
    check(find(name) >= 0, "{}: no {} among its {} pieces; is this the vocabulary of a BERT?", origin, name,
          vocab_size());
  pad_ = find("[PAD]"), unk_ = find("[UNK]"), cls_ = find("[CLS]"), sep_ = find("[SEP]"), mask_ = find("[MASK]");
}

WordPiece WordPiece::load(const std::string& path, const TokenizerOptions& options) {
  const std::string bytes = read_file(path);
  check(repair_utf8(bytes).invalid == 0, "{}: not UTF-8, so no vocabulary", path);
  std::vector<std::string> pieces;
  for (std::size_t start = 0; start < bytes.size();) {
    const std::size_t end = std::min(bytes.find('\n', start), bytes.size());
    pieces.push_back(bytes.substr(start, end - start));
    if (pieces.back().ends_with('\r')) pieces.back().pop_back();
    start = end + 1;
  }
  return WordPiece(std::move(pieces), options, path);
}

void WordPiece::save(const std::string& path) const {
  std::string lines;
  for (const std::string& piece : pieces_) lines += piece + '\n';
  nn::write_file(path, lines);
}

const std::string& WordPiece::piece(int id) const {
  check(id >= 0 && id < vocab_size(), "piece: ids are 0 to {}; got {}", vocab_size() - 1, id);
  return pieces_[id];
}

int WordPiece::find(std::string_view piece) const {
  return piece.starts_with(kContinuation) ? continuations_.find(piece.substr(2)) : starts_.find(piece);
}

int WordPiece::id(std::string_view piece) const {
  const int found = find(piece);
  return found < 0 ? unk_ : found;
}

bool WordPiece::is_special(int id) const {
  return id >= 0 && (id == pad_ || id == unk_ || id == cls_ || id == sep_ || id == mask_);
}

// Greedy, longest match first. A word with a part that no piece matches is unknown as a whole.
void WordPiece::append_word(std::string_view word, std::vector<int>& ids) const {
  const std::size_t before = ids.size();
  bool known = word.size() <= kLongestWord || count_code_points(word) <= kLongestWord;
  const PieceTable* table = &starts_;
  for (std::size_t at = 0; known && at < word.size(); table = &continuations_) {
    std::size_t length = std::min(word.size() - at, table->longest());
    int id = -1;
    while (length > 0 && (id = table->find(word.substr(at, length))) < 0) --length;
    known = id >= 0;
    ids.push_back(id);
    at += length;
  }
  if (known) return;
  ids.resize(before);
  ids.push_back(unk_);
}

void WordPiece::append_plain(std::string_view text, std::vector<int>& ids) const {
  WordSplitter splitter(options_, [&](std::string_view word) { append_word(word, ids); });
  splitter(text);
}

// The special token that the text starts with; -1 when it does not.
int WordPiece::leading_special(std::string_view text) const {
  for (int id : {pad_, unk_, cls_, sep_, mask_})
    if (id >= 0 && text.starts_with(pieces_[id])) return id;
  return -1;
}

void WordPiece::append_text(std::string_view text, std::vector<int>& ids) const {
  std::size_t plain = 0;  // where the text not yet appended starts
  for (std::size_t at = text.find('['); options_.keep_special && at != text.npos; at = text.find('[', at + 1)) {
    const int id = leading_special(text.substr(at));
    if (id < 0) continue;
    append_plain(text.substr(plain, at - plain), ids);
    ids.push_back(id);
    plain = at + pieces_[id].size();
  }
  append_plain(text.substr(plain), ids);
}

std::vector<std::string> WordPiece::tokenize(std::string_view text) const {
  std::vector<int> ids;
  append_text(text, ids);
  std::vector<std::string> out;
  for (int id : ids) out.push_back(piece(id));
  return out;
}

Encoding WordPiece::encode(std::string_view text, int max_length) const {
  check(max_length >= 2, "encode: room for [CLS] and [SEP], max_length >= 2; got {}", max_length);
  Encoding out;
  out.ids.push_back(cls_);
  append_text(text, out.ids);
  const auto room = std::size_t(max_length) - 1;
  out.truncated = out.ids.size() > room;
  if (out.truncated) out.ids.resize(room);
  out.ids.push_back(sep_);
  out.types.assign(out.ids.size(), 0);
  return out;
}

Encoding WordPiece::encode_pair(std::string_view a, std::string_view b, int max_length) const {
  check(max_length >= 3, "encode_pair: room for [CLS], [SEP] and [SEP], max_length >= 3; got {}", max_length);
  std::vector<int> first, second;
  append_text(a, first);
  append_text(b, second);
  Encoding out;
  while (first.size() + second.size() > std::size_t(max_length) - 3) {
    (first.size() > second.size() ? first : second).pop_back();
    out.truncated = true;
  }
  out.ids.push_back(cls_);
  out.ids.insert(out.ids.end(), first.begin(), first.end());
  out.ids.push_back(sep_);
  out.types.assign(out.ids.size(), 0);
  out.ids.insert(out.ids.end(), second.begin(), second.end());
  out.ids.push_back(sep_);
  out.types.resize(out.ids.size(), 1);
  return out;
}

std::string WordPiece::decode(const std::vector<int>& ids, bool skip_special) const {
  std::string out;
  for (int id : ids) {
    const std::string& piece = this->piece(id);
    if (skip_special && is_special(id)) continue;
    if (!out.empty() && piece.starts_with(kContinuation)) {
      out += piece.substr(kContinuation.size());
    } else {
      if (!out.empty()) out += ' ';
      out += piece;
    }
  }
  return out;
}

}  // namespace text
