// WordPiece: BERT's tokenizer (Wu et al. 2016, Devlin et al. 2019), from a vocab.txt or a vector of pieces, and back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tasks/text/added_tokens.h"
#include "tasks/text/piece_table.h"

namespace text {

inline constexpr long kLongestWord = 100;  // code points

// What the pieces are called that BERT reads beside those of the text.
struct SpecialNames {
  std::string pad = "[PAD]", unk = "[UNK]", cls = "[CLS]", sep = "[SEP]", mask = "[MASK]";
  bool operator==(const SpecialNames&) const = default;
};

// The settings of a tokenizer.json and tokenizer_config.json. Uncased models keep the defaults; bert-base-chinese and
// cased models say lower_case = false.
struct TokenizerOptions {
  bool lower_case = true;
  std::optional<bool> strip_accents = {};  // when not set: as lower_case
  bool chinese_characters = true;          // each ideograph is a word of its own
  bool clean_text = true;                  // control characters are left out
  bool keep_special = false;         // "[SEP]" written in a text is the special token, not four words of plain text
  long longest_word = kLongestWord;  // a longer one is [UNK]
  SpecialNames special = {};
  std::vector<AddedToken> added = {};                    // beside the special ones
  bool operator==(const TokenizerOptions& other) const;  // whether they make the same of every text
};

// What two tokenizers are told otherwise: "lower case true and false, ..."; empty: nothing.
std::string difference(const TokenizerOptions& a, const TokenizerOptions& b);

// The words that WordPiece cuts into pieces: cleaned, lower-cased, without accents, each punctuation mark on its own.
std::vector<std::string> split_words(std::string_view text, const TokenizerOptions& options = {});

// The text before it is cut at its punctuation: cleaned, lower-cased, without accents, a space for each space and
// around each ideograph.
std::string normalised(std::string_view text, const TokenizerOptions& options);

// A vocabulary's file: one piece a line.
std::vector<std::string> read_pieces(const std::string& path);

// Bytes begin ... end - 1 of a text.
struct Span {
  size_t begin = 0, end = 0;
};

struct Encoding {
  std::vector<int> ids;
  std::vector<int> types;  // 0: first text, 1: second text
  int begin = 0;           // pieces of the text before these: of a window
  bool truncated = false;
};

class WordPiece {
 public:
  // The id of a piece is its index; added tokens that are no pieces come behind them. `origin` is what errors call the
  // vocabulary. Error: a piece that is empty or there twice, a special one that is missing, an added token whose id is
  // another's or leaves a hole.
  explicit WordPiece(std::vector<std::string> pieces, const TokenizerOptions& options = {},
                     const std::string& origin = "vocabulary");
  static WordPiece load(const std::string& path, const TokenizerOptions& options = {});  // one piece a line
  void save(const std::string& path) const;                                              // without the added tokens

  std::vector<std::string> tokenize(std::string_view text) const;
  // Where in the text each of these pieces stands (tasks/text/places.cpp); [UNK] is all of its word.
  std::vector<Span> spans(std::string_view text) const;

  // [CLS] text [SEP], cut from the end to max_length ids, [SEP] kept.
  Encoding encode(std::string_view text, int max_length) const;

  // [CLS] a [SEP] b [SEP]; the longer text loses its last piece first, on a tie the second one does.
  Encoding encode_pair(std::string_view a, std::string_view b, int max_length) const;

  std::string decode(const std::vector<int>& ids, bool skip_special = true) const;

  bool operator==(const WordPiece& other) const { return pieces_ == other.pieces_ && options_ == other.options_; }

  int vocab_size() const { return int(pieces_.size()); }  // with the added tokens
  int plain_pieces() const { return plain_; }             // without those that come behind
  const std::string& piece(int id) const;
  int id(std::string_view piece) const;  // unk_id() when the vocabulary does not have it
  const std::vector<std::string>& pieces() const { return pieces_; }
  const TokenizerOptions& options() const { return options_; }

  int pad_id() const { return pad_; }
  int unk_id() const { return unk_; }
  int cls_id() const { return cls_; }
  int sep_id() const { return sep_; }
  int mask_id() const { return mask_; }  // -1 when the vocabulary has no [MASK]
  bool is_special(int id) const;

 private:
  int find(std::string_view piece) const;
  int find_token(std::string_view name) const;
  void place_added(const std::string& origin);
  void find_added();
  void append_text(std::string_view text, std::vector<int>& ids) const;
  void append_plain(std::string_view text, std::vector<int>& ids) const;
  void append_word(std::string_view word, std::vector<int>& ids) const;
  void append_spans(std::string_view part, size_t start, std::vector<Span>& spans) const;

  std::vector<std::string> pieces_;
  PieceTable starts_;         // pieces that begin a word
  PieceTable continuations_;  // pieces that go on with one, without their ##
  TokenizerOptions options_;
  TokenCutter raw_, normalised_;  // added tokens that are found in the text as it is, and in what is made of it
  std::vector<bool> special_;     // by id
  std::unordered_map<std::string, int> behind_;  // the added tokens that are no pieces, and their ids
  int plain_ = 0;
  int pad_, unk_, cls_, sep_, mask_;
};

}  // namespace text
