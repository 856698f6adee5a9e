// BERT's tokenizer: text to words (clean, lower, strip accents, split) and words to pieces (longest match first).
// Read tasks/text/utf8.h before.
#include "tasks/text/wordpiece.h"

#include <algorithm>

#include "nn/format/files.h"
#include "tasks/text/labels.h"
#include "tasks/text/word_splitter.h"

namespace text {

using engine::check;

std::vector<std::string> split_words(std::string_view text, const TokenizerOptions& options) {
  std::vector<std::string> words;
  WordSplitter splitter(options, [&](std::string_view word) { words.emplace_back(word); });
  splitter(text);
  return words;
}

std::string difference(const TokenizerOptions& a, const TokenizerOptions& b) {
  const auto strips = [](const TokenizerOptions& o) { return o.strip_accents.value_or(o.lower_case); };
  std::string list;
  const auto compare = [&](const char* what, const auto& left, const auto& right) {
    if (left != right) list += fmt::format("{}{} {} and {}", list.empty() ? "" : ", ", what, left, right);
  };
  compare("lower case", a.lower_case, b.lower_case);
  compare("accents stripped", strips(a), strips(b));
  compare("ideographs apart", a.chinese_characters, b.chinese_characters);
  compare("cleaning", a.clean_text, b.clean_text);
  compare("longest word", a.longest_word, b.longest_word);
  compare("special tokens in the text", a.keep_special, b.keep_special);
  if (a.special != b.special) list += std::string(list.empty() ? "" : ", ") + "names of the special tokens";
  if (a.added != b.added) list += std::string(list.empty() ? "" : ", ") + "added tokens";
  return list;
}

bool TokenizerOptions::operator==(const TokenizerOptions& other) const { return difference(*this, other).empty(); }

WordPiece::WordPiece(std::vector<std::string> pieces, const TokenizerOptions& options, const std::string& origin)
    : pieces_(std::move(pieces)), options_(options), plain_(int(pieces_.size())) {
  starts_.reserve(pieces_.size());
  continuations_.reserve(pieces_.size());
  for (int i = 0; i < vocab_size(); ++i) {
    const std::string_view piece = this->piece(i);
    check(!piece.empty(), "{}:{}: an empty line is no piece", origin, i + 1);
    const bool added =
        piece.starts_with(kContinuation) ? continuations_.insert(piece.substr(2), i) : starts_.insert(piece, i);
    check(added, "{}:{}: piece '{}' is there already, on line {}", origin, i + 1, shown(piece), find(piece) + 1);
  }
  place_added(origin);
  const SpecialNames& names = options_.special;
  for (const std::string& name : {names.pad, names.unk, names.cls, names.sep})
    check(find_token(name) >= 0, "{}: no {} among its {} pieces; is this the vocabulary of a BERT?", origin,
          shown(name), vocab_size());
  pad_ = find_token(names.pad);
  unk_ = find_token(names.unk);
  cls_ = find_token(names.cls);
  sep_ = find_token(names.sep);
  mask_ = find_token(names.mask);
  find_added();
}

// Gives every added token its id: its own, which must be the piece of that name or the next one behind the pieces.
void WordPiece::place_added(const std::string& origin) {
  std::vector<AddedToken>& added = options_.added;
  const auto before = [](const AddedToken& a, const AddedToken& b) {
    return uint32_t(a.id) < uint32_t(b.id);  // -1, without an id, last
  };
  std::stable_sort(added.begin(), added.end(), before);
  for (AddedToken& token : added) {
    check(!token.content.empty(), "{}: an added token is empty", origin);
    const int there = find_token(token.content), next = vocab_size();
    if (token.id < 0) token.id = there >= 0 ? there : next;
    check(token.id <= next, "{}: the added token '{}' has id {}, but there are only {} before it", origin,
          shown(token.content), token.id, next);
    check(there < 0 || there == token.id, "{}: the added token '{}' has id {}, but the piece of this name has {}",
          origin, shown(token.content), token.id, there);
    check(there == token.id || token.id == next, "{}: the added token '{}' has id {}, which is that of '{}'", origin,
          shown(token.content), token.id, token.id == next ? "" : shown(pieces_[token.id]));
    if (token.id != next) continue;
    pieces_.push_back(token.content);
    behind_[token.content] = next;
  }
  std::stable_sort(added.begin(), added.end(), before);  // now that all have one
}

void WordPiece::find_added() {
  std::vector<TokenCutter::Token> raw, changed;
  special_.assign(pieces_.size(), false);
  for (const int id : {pad_, unk_, cls_, sep_, mask_}) {
    if (id < 0) continue;
    special_[id] = true;
    if (options_.keep_special) raw.push_back({pieces_[id], id, false});
  }
  for (const AddedToken& token : options_.added) {
    if (token.special) special_[token.id] = true;
    if (token.normalized)
      changed.push_back({normalised(token.content, options_), token.id, token.single_word});
    else
      raw.push_back({token.content, token.id, token.single_word});
  }
  raw_ = TokenCutter(raw);
  normalised_ = TokenCutter(changed);
}

WordPiece WordPiece::load(const std::string& path, const TokenizerOptions& options) {
  return WordPiece(read_pieces(path), options, path);
}

std::vector<std::string> read_pieces(const std::string& path) {
  std::string bytes = nn::read_regular_file(path);
  if (bytes.starts_with("\uFEFF")) bytes.erase(0, 3);
  check(!bytes.empty(), "{}: the file is empty", path);
  check(repair_utf8(bytes).invalid == 0, "{}: not UTF-8, so no vocabulary", path);
  std::vector<std::string> pieces;
  for (size_t start = 0; start < bytes.size();) {
    const size_t end = std::min(bytes.find('\n', start), bytes.size());
    pieces.push_back(bytes.substr(start, end - start));
    if (pieces.back().ends_with('\r')) pieces.back().pop_back();
    start = end + 1;
  }
  return pieces;
}

void WordPiece::save(const std::string& path) const {
  std::string lines;
  for (int id = 0; id < plain_; ++id) lines += pieces_[id] + '\n';
  nn::write_file(path, lines);
}

const std::string& WordPiece::piece(int id) const {
  check(id >= 0 && id < vocab_size(), "piece: ids are 0 to {}; got {}", vocab_size() - 1, id);
  return pieces_[id];
}

int WordPiece::find(std::string_view piece) const {
  return piece.starts_with(kContinuation) ? continuations_.find(piece.substr(2)) : starts_.find(piece);
}

// A piece, or an added token behind them.
int WordPiece::find_token(std::string_view name) const {
  const auto behind = behind_.find(std::string(name));
  return behind == behind_.end() ? find(name) : behind->second;
}

int WordPiece::id(std::string_view piece) const {
  const int found = find_token(piece);
  return found < 0 ? unk_ : found;
}

bool WordPiece::is_special(int id) const { return id >= 0 && id < vocab_size() && special_[id]; }

// Greedy, longest match first. A word with a part that no piece matches is unknown as a whole.
void WordPiece::append_word(std::string_view word, std::vector<int>& ids) const {
  const size_t before = ids.size();
  const auto longest = size_t(options_.longest_word);
  bool known = word.size() <= longest || count_code_points(word) <= longest;
  const PieceTable* table = &starts_;
  for (size_t at = 0; known && at < word.size(); table = &continuations_) {
    size_t length = std::min(word.size() - at, table->longest());
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

void WordPiece::append_text(std::string_view text, std::vector<int>& ids) const {
  const auto plain = [&](std::string_view part) { append_plain(part, ids); };
  const auto token = [&](int id) { ids.push_back(id); };
  const auto without_raw = [&](std::string_view part) {
    if (normalised_.empty()) return plain(part);
    normalised_.cut(normalised(part, options_), plain, token);
  };
  raw_.cut(text, without_raw, token);
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
  const auto room = size_t(max_length) - 1;
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
  while (first.size() + second.size() > size_t(max_length) - 3) {
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
    if (!out.empty() && id < plain_ && piece.starts_with(kContinuation)) {
      out += piece.substr(kContinuation.size());
    } else {
      if (!out.empty()) out += ' ';
      out += piece;
    }
  }
  return out;
}

}  // namespace text
