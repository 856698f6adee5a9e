// WordPiece: BERT's tokenizer (Wu et al. 2016, Devlin et al. 2019), from a vocab.txt or a vector of pieces, and back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace text {

// The settings of a tokenizer_config.json. Uncased models keep the defaults; bert-base-chinese and cased models say
// lower_case = false.
struct TokenizerOptions {
  bool lower_case = true;
  std::optional<bool> strip_accents;  // when not set: as lower_case
  bool chinese_characters = true;     // each ideograph is a word of its own
  bool keep_special = false;          // "[SEP]" written in a text is the special token, not four words of plain text
};

inline constexpr std::size_t kLongestWord = 100;  // code points; a longer word is [UNK]

// The words that WordPiece cuts into pieces: cleaned, lower-cased, without accents, each punctuation mark on its own.
std::vector<std::string> split_words(std::string_view text, const TokenizerOptions& options = {});

struct Encoding {
  std::vector<int> ids;
  std::vector<int> types;  // 0: first text, 1: second text
  bool truncated = false;
};

// The strings of a vocabulary and their ids: one flat table with open addressing, looked up by any piece of a text.
class PieceTable {
 public:
  void reserve(std::size_t pieces);           // call first, with the number of pieces to come
  bool insert(std::string_view key, int id);  // false when the key is there already
  int find(std::string_view key) const;       // -1 when it is not
  std::size_t longest() const { return longest_; }

 private:
  struct Slot {
    std::uint32_t hash;
    int id;                       // -1: free
    std::uint32_t begin, length;  // of the key, in bytes_
  };
  static std::uint32_t hash_of(std::string_view key);
  std::size_t slot_of(std::string_view key, std::uint32_t hash) const;

  std::string bytes_;        // every key, end to end
  std::vector<Slot> slots_;  // a power of two, at most half full
  std::size_t longest_ = 0;
};

class WordPiece {
 public:
  // The id of a piece is its index. `origin` is what errors call the vocabulary.
  explicit WordPiece(std::vector<std::string> pieces, const TokenizerOptions& options = {},
                     const std::string& origin = "vocabulary");
  static WordPiece load(const std::string& path, const TokenizerOptions& options = {});  // one piece a line
  void save(const std::string& path) const;

  std::vector<std::string> tokenize(std::string_view text) const;

  // [CLS] text [SEP], cut from the end to max_length ids, [SEP] kept.
  Encoding encode(std::string_view text, int max_length) const;

  // [CLS] a [SEP] b [SEP]; the longer text loses its last piece first, on a tie the second one does.
  Encoding encode_pair(std::string_view a, std::string_view b, int max_length) const;

  std::string decode(const std::vector<int>& ids, bool skip_special = true) const;

  int vocab_size() const { return int(pieces_.size()); }
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
  int leading_special(std::string_view text) const;
  void append_text(std::string_view text, std::vector<int>& ids) const;
  void append_plain(std::string_view text, std::vector<int>& ids) const;
  void append_word(std::string_view word, std::vector<int>& ids) const;

  std::vector<std::string> pieces_;
  PieceTable starts_;         // pieces that begin a word
  PieceTable continuations_;  // pieces that go on with one, without their ##
  TokenizerOptions options_;
  int pad_, unk_, cls_, sep_, mask_;
};

}  // namespace text
