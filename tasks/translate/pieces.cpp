// SentencePiece (Kudo, Richardson 2018) and WordPiece behind one door. Read tasks/translate/translator.cpp next: who
// asks.
#include "tasks/translate/pieces.h"

#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <sstream>

#include "engine/base.h"
#include "engine/parallel.h"
#include "engine/strings.h"
#include "nn/format/files.h"
#include "nn/format/json.h"
#include "tasks/text/letters.h"
#include "tasks/text/utf8.h"
#include "tasks/text/vocab_trainer.h"

namespace translate {

using engine::check;
using nn::json;
using nn::ordered_json;
using sentencepiece::SentencePieceProcessor;

namespace {

constexpr const char *kEnd = "</s>", *kUnknown = "<unk>", *kPadding = "<pad>";

// The texts, one by one, as the trainer takes them.
class TextIterator : public sentencepiece::SentenceIterator {
 public:
  explicit TextIterator(const std::vector<std::string>& texts) : texts_(texts) {}
  bool done() const override { return at_ == texts_.size(); }
  void Next() override { ++at_; }
  const std::string& value() const override { return texts_[at_]; }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  const std::vector<std::string>& texts_;
  size_t at_ = 0;
};

std::shared_ptr<SentencePieceProcessor> processor_of(const std::string& bytes, const std::string& where) {
  auto processor = std::make_shared<SentencePieceProcessor>();
  const auto status = processor->LoadFromSerializedProto(bytes);
  check(status.ok(), "{}: not a SentencePiece model", where);
  return processor;
}

// Umlauts stay what they are: accents are not stripped.
text::TokenizerOptions word_options(bool lowercase) {
  text::TokenizerOptions o;
  o.lower_case = lowercase;
  o.strip_accents = false;
  o.special = {kPadding, kUnknown, kEnd, kEnd, ""};
  return o;
}

// Of each byte of a text and of its end the number of its word; of a blank that of the word behind it, if there is one.
std::vector<int> words_at(std::string_view text) {
  std::vector<int> words;
  int begun = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto blank = [&](size_t at) { return text[at] == ' ' || text[at] == '\t'; };
    if (!blank(i) && (i == 0 || blank(i - 1))) ++begun;
    words.push_back(blank(i) ? begun : begun - 1);
  }
  words.push_back(begun);
  for (int& word : words) word = std::clamp(word, 0, std::max(begun - 1, 0));
  return words;
}

// The words of SentencePiece's pieces of a text, of which it says where each begins.
std::vector<int> words_of(const sentencepiece::ImmutableSentencePieceText& cut, std::string_view text) {
  const std::vector<int> at = words_at(text);
  std::vector<int> words;
  for (const auto& piece : cut.pieces()) words.push_back(at[std::min(size_t(piece.begin()), text.size())]);
  return words;
}

// Words and punctuation marks with blanks where they belong, as a rule; `words` gets the number of each piece's word.
std::string joined(const std::vector<std::string>& pieces, std::vector<int>* words = nullptr) {
  constexpr std::string_view kBefore = ".,?!;:)]'-", kBehind = "(['-";  // no blank before these, none behind these
  std::string text;
  int word = 0;
  for (const std::string& piece : pieces) {
    const bool goes_on = piece.starts_with("##");
    const auto alone = [&](char c, std::string_view marks) { return marks.find(c) != marks.npos; };
    if (!text.empty() && !goes_on && !alone(piece[0], kBefore) && !alone(text.back(), kBehind)) text += ' ', ++word;
    text += goes_on ? piece.substr(2) : piece;
    if (words) words->push_back(word);
  }
  return text;
}

}  // namespace

Pieces Pieces::learn_words(const std::vector<std::string>& texts, const PieceOptions& o) {
  const long theirs = 5;  // special pieces that a vocabulary of BERT begins with
  std::vector<std::string> learned =
      text::train_vocab(texts, int(o.vocabulary - 3 + theirs), 2, word_options(o.lowercase));
  check(long(learned.size()) > theirs, "pieces: these {} texts have no words", texts.size());
  std::vector<std::string> names{kEnd, kUnknown};
  names.insert(names.end(), learned.begin() + theirs, learned.end());
  names.push_back(kPadding);
  Pieces pieces;
  pieces.lowercase_ = o.lowercase;
  pieces.number(names);
  pieces.take_words();
  return pieces;
}

void Pieces::take_words() {
  words_ = std::make_shared<const text::WordPiece>(names_, word_options(lowercase_), "vocab.json");
}

Pieces Pieces::learn(const std::vector<std::string>& texts, const PieceOptions& o) {
  if (o.kind == "wordpiece") return learn_words(texts, o);
  Pieces pieces;
  pieces.lowercase_ = o.lowercase;
  std::vector<std::string> cased;
  std::set<char32_t> characters{U'\u2581'};  // which stands for a blank
  for (const std::string& text : texts) {
    cased.push_back(o.lowercase ? text::lower(text) : text);
    for (const char32_t c : text::decode_utf8(cased.back()))
      if (c != U' ') characters.insert(c);
  }
  check(o.vocabulary >= long(characters.size()) + 3,
        "--vocab-size {}: the texts have {} different characters, and three pieces more are needed", o.vocabulary,
        characters.size());
  TextIterator iterator(cased);
  std::string bytes;
  const auto status = sentencepiece::SentencePieceTrainer::Train(
      std::unordered_map<std::string, std::string>{
          {"model_type", o.kind},
          {"vocab_size", std::to_string(o.vocabulary - 2)},  // without </s> and <pad>
          {"hard_vocab_limit", "false"},                     // a small corpus has fewer
          {"character_coverage", "1"},
          {"normalization_rule_name", "identity"},
          {"unk_id", "0"},
          {"bos_id", "-1"},
          {"eos_id", "-1"},
          {"pad_id", "-1"},
          {"minloglevel", "2"},
          {"num_threads", "2"},  // sums of expectations are added up thread by thread: a fixed number
          {"max_sentence_length", "100000"}},
      &iterator, &bytes);
  check(status.ok(), "pieces: SentencePiece cannot learn {} of these {} texts: {}", o.vocabulary, texts.size(),
        status.ToString());
  pieces.source_ = pieces.target_ = processor_of(bytes, "pieces");
  std::vector<std::string> names{kEnd, kUnknown};
  for (int i = 1; i < pieces.source_->GetPieceSize(); ++i) names.push_back(pieces.source_->IdToPiece(i));
  names.push_back(kPadding);
  pieces.number(names);
  return pieces;
}

void Pieces::number(const std::vector<std::string>& names) {
  names_ = names;
  for (size_t i = 0; i < names.size(); ++i) ids_.emplace(names[i], int(i));
  end_ = ids_.at(kEnd);
  unknown_ = ids_.at(kUnknown);
  padding_ = ids_.at(kPadding);
}

Pieces Pieces::load(const std::string& directory) {
  const std::string where = directory + "/vocab.json";
  const json vocabulary = nn::read_json(where);
  check(vocabulary.is_object() && !vocabulary.empty(), "{}: must be an object of pieces", where);
  std::vector<std::string> names(vocabulary.size());
  std::vector<char> seen(names.size());
  for (const auto& [name, id] : vocabulary.items()) {
    check(id.is_number_integer() && id >= 0 && id < names.size() && !seen[id.get<size_t>()],
          "{}: the id of '{}' is not one of 0 ... {}, once; got {}", where, engine::shown(name), names.size() - 1,
          nn::shown_json(id));
    names[id.get<size_t>()] = name;
    seen[id.get<size_t>()] = 1;
  }
  for (const char* name : {kEnd, kUnknown, kPadding})
    check(vocabulary.contains(name), "{}: there is no piece '{}'", where, name);
  Pieces pieces;
  pieces.number(names);
  const std::string own = directory + "/translate.json";
  std::string kind = "sentencepiece";
  if (std::filesystem::exists(own)) {
    const json object = nn::read_json(own);
    nn::JsonObject members(object, own);
    members.take("lowercase", pieces.lowercase_);
    members.take("pieces", kind);
  }
  check(kind == "sentencepiece" || kind == "wordpiece", "{}: 'pieces' must be sentencepiece or wordpiece; got '{}'",
        own, engine::shown(kind));
  if (kind == "wordpiece") {
    pieces.take_words();
    return pieces;
  }
  const auto model = [&](const std::string& file) {
    return processor_of(nn::read_regular_file(directory + "/" + file), directory + "/" + file);
  };
  pieces.source_ = model("source.spm");
  pieces.target_ = model("target.spm");
  pieces.check_cuts(*pieces.source_, directory + "/source.spm");
  pieces.check_cuts(*pieces.target_, directory + "/target.spm");
  return pieces;
}

// Published vocabularies lack some pieces of their models, those that no text had.
void Pieces::check_cuts(const sentencepiece::SentencePieceProcessor& model, const std::string& where) const {
  const int all = model.GetPieceSize();
  int known = 0;
  for (int i = 0; i < all; ++i) known += int(ids_.count(model.IdToPiece(i)));
  check(2 * known >= all, "{}: vocab.json knows {} of its {} pieces: it is another model's", where, known, all);
}

void Pieces::save(const std::string& directory) const {
  ordered_json vocabulary = ordered_json::object();
  for (size_t i = 0; i < names_.size(); ++i) vocabulary[names_[i]] = i;
  nn::write_file(directory + "/vocab.json", vocabulary.dump(1) + "\n");
  ordered_json own{{"lowercase", lowercase_}};
  if (words_) {
    own["pieces"] = "wordpiece";
  } else {
    nn::write_file(directory + "/source.spm", source_->serialized_model_proto());
    nn::write_file(directory + "/target.spm", target_->serialized_model_proto());
  }
  nn::write_file(directory + "/translate.json", own.dump() + "\n");
}

std::vector<int> Pieces::encode(const Model& model, const std::string& text, float dropout) const {
  std::vector<std::string> cut;
  if (words_) {
    cut = words_->tokenize(text);
  } else {
    const std::string cased = lowercase_ ? text::lower(text) : text;
    const auto status = dropout > 0 ? model->SampleEncode(cased, -1, dropout, &cut) : model->Encode(cased, &cut);
    check(status.ok(), "pieces: '{}' cannot be cut", engine::shown(text));
  }
  std::vector<int> ids;
  for (const std::string& piece : cut) {
    const auto found = ids_.find(piece);
    ids.push_back(found == ids_.end() ? unknown_ : found->second);
  }
  ids.push_back(end_);
  return ids;
}

void Pieces::seed_threads(uint32_t seed) { sentencepiece::SetRandomGeneratorSeed(seed); }

// Where a text begins behind the language in front of it; 0: there is none.
size_t Pieces::behind_language(const std::string& text) const {
  const size_t close = text.starts_with(">>") ? text.find("<<") : std::string::npos;
  if (close == std::string::npos || !ids_.count(text.substr(0, close + 2))) return 0;
  return std::min(text.find_first_not_of(' ', close + 2), text.size());
}

std::vector<int> Pieces::source(const std::string& text, float dropout) const {
  const size_t rest = behind_language(text);
  std::vector<int> ids = encode(source_, text.substr(rest), dropout);
  if (rest) ids.insert(ids.begin(), ids_.at(text.substr(0, text.find("<<") + 2)));
  return ids;
}

std::vector<int> Pieces::source_words(const std::string& text) const {
  const size_t rest = behind_language(text);
  const std::string cased = lowercase_ && !words_ ? text::lower(text.substr(rest)) : text.substr(rest);
  std::vector<int> words;
  if (words_) {
    std::istringstream all(cased);
    int number = 0;
    for (std::string word; all >> word; ++number) words.insert(words.end(), words_->tokenize(word).size(), number);
  } else {
    words = words_of(source_->EncodeAsImmutableProto(cased), cased);
  }
  if (rest) {
    for (int& word : words) word += text[rest - 1] == ' ';
    words.insert(words.begin(), 0);
  }
  words.push_back(-1);
  return words;
}

std::vector<int> Pieces::words(const std::vector<int>& ids) const {
  std::vector<std::string> pieces = names_of(ids);
  std::vector<int> of_pieces;
  if (words_) {
    joined(pieces, &of_pieces);
  } else {
    const auto cut = target_->DecodePiecesAsImmutableProto(pieces);
    of_pieces = words_of(cut, cut.text());
  }
  std::vector<int> words;
  for (size_t next = 0; const int id : ids) words.push_back(id == end_ || id == padding_ ? -1 : of_pieces.at(next++));
  return words;
}

std::vector<int> Pieces::target(const std::string& text, float dropout) const { return encode(target_, text, dropout); }

std::vector<std::string> Pieces::names_of(const std::vector<int>& ids) const {
  std::vector<std::string> names;
  for (const int id : ids)
    if (id != end_ && id != padding_) names.push_back(names_.at(id));
  return names;
}

std::string Pieces::text(const std::vector<int>& ids) const {
  const std::vector<std::string> pieces = names_of(ids);
  if (words_) return joined(pieces);
  std::string text;
  check(target_->Decode(pieces, &text).ok(), "pieces: {} of them cannot be joined", pieces.size());
  return text;
}

long Pieces::came_back(const std::vector<std::string>& texts) const {
  std::vector<char> same(texts.size());
  engine::parallel_tasks(long(texts.size()), [&](long i) {
    same[i] = text(target(texts[i])) == (lowercase_ ? text::lower(texts[i]) : texts[i]);
  });
  return std::ranges::count(same, true);
}

}  // namespace translate
