// Texts become sequences of ids; repeats and sentences of evaluation sets stay out. Read tasks/text/wordpiece.h first.
#include "tasks/text/corpus.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>

#include "engine/parallel.h"
#include "engine/random.h"
#include "engine/strings.h"

namespace text {

using engine::check;

namespace {

constexpr size_t kSentence = 6;  // words: shorter ones are everybody's

uint64_t mixed(uint64_t hash, uint64_t value) {  // splitmix64's finish over a running hash
  uint64_t z = (hash ^ value) + 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

// The hashes of a text's words, letters and digits in lower case; 0 where a sentence ends. Bytes beyond ASCII are
// letters.
std::vector<uint64_t> words_of(std::string_view text) {
  std::vector<uint64_t> words;
  std::string word;
  const auto finish = [&] {
    if (!word.empty()) words.push_back(engine::hash_of(word) | 1);
    word.clear();
  };
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) || byte >= 0x80) {
      word += engine::ascii_lower(c);
      continue;
    }
    if (c == '\'') continue;  // don't: one word
    finish();
    if ((c == '.' || c == '!' || c == '?' || c == ';' || c == '\n') && !words.empty() && words.back())
      words.push_back(0);
  }
  finish();
  return words;
}

uint64_t start_of(const uint64_t* words) {
  uint64_t hash = 0;
  for (size_t i = 0; i < kSentence; ++i) hash = mixed(hash, words[i]);
  return hash;
}

}  // namespace

std::vector<std::string> files_at(const std::string& path) {
  namespace fs = std::filesystem;
  constexpr const char* kExtensions[] = {".txt", ".tsv", ".csv", ".jsonl", ".xlsx", ".ods"};
  std::error_code unreadable;  // as of a name that is too long
  check(fs::exists(path, unreadable), "{}: no such file or folder", engine::shown(path, 200));
  if (!fs::is_directory(path)) return {path};
  std::vector<std::string> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path)) {
    const fs::path name = entry.path().extension() == ".gz" ? entry.path().stem() : entry.path();
    const auto is = [&](const char* extension) { return name.extension() == extension; };
    if (entry.is_regular_file() && std::any_of(std::begin(kExtensions), std::end(kExtensions), is))
      files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  check(!files.empty(), "{}: the folder has no .txt, .tsv, .csv, .jsonl, .xlsx or .ods", path);
  return files;
}

void ForbiddenSentences::add(std::string_view text) {
  const std::vector<uint64_t> words = words_of(text);
  const auto forbid = [&](std::vector<uint64_t> sentence) {
    if (sentence.size() < kSentence) return;
    auto& like = by_start_[start_of(sentence.data())];
    if (std::find(like.begin(), like.end(), sentence) != like.end()) return;
    like.push_back(std::move(sentence));
    ++count_;
  };
  std::vector<uint64_t> whole, sentence;
  for (const uint64_t word : words) {
    if (word) {
      whole.push_back(word);
      sentence.push_back(word);
    } else {
      forbid(std::exchange(sentence, {}));
    }
  }
  forbid(std::move(sentence));
  forbid(std::move(whole));
}

bool ForbiddenSentences::stand_in(std::string_view text) const {
  std::vector<uint64_t> words = words_of(text);
  std::erase(words, 0);
  for (size_t i = 0; i + kSentence <= words.size(); ++i) {
    const auto found = by_start_.find(start_of(&words[i]));
    if (found == by_start_.end()) continue;
    for (const std::vector<uint64_t>& sentence : found->second)
      if (i + sentence.size() <= words.size() && std::equal(sentence.begin(), sentence.end(), words.begin() + long(i)))
        return true;
  }
  return false;
}

uint64_t Corpus::fingerprint() const {
  uint64_t hash = 0;
  for (const int id : ids) hash = mixed(hash, uint64_t(id));
  for (const long b : begin) hash = mixed(hash, uint64_t(b));
  for (const Part& part : parts) {
    hash = mixed(hash, uint64_t(part.last));
    hash = mixed(hash, uint64_t(std::llround(part.weight * 1e9)));
  }
  return hash;
}

nn::Tokens lay_out(const Corpus& corpus, const std::vector<long>& sequences) {
  nn::Tokens tokens;
  tokens.offsets = {0};
  for (const long s : sequences) {
    const int length = int(corpus.begin[s + 1] - corpus.begin[s]);
    tokens.ids.insert(tokens.ids.end(), corpus.ids.begin() + corpus.begin[s], corpus.ids.begin() + corpus.begin[s + 1]);
    for (int t = 0; t < length; ++t) tokens.positions.push_back(t);
    tokens.offsets.push_back(tokens.offsets.back() + length);
  }
  tokens.types.assign(tokens.ids.size(), 0);
  return tokens;
}

void CorpusBuilder::open(const std::string& name, double weight) {
  check(weight > 0 && weight <= 1000, "{}: a weight must be in (0, 1000]; got {}", name, weight);
  train.parts.push_back({name, weight, train.size(), train.size()});
  held_out.parts.push_back({name, 1, held_out.size(), held_out.size()});
}

std::vector<std::string_view> CorpusBuilder::choose(const std::vector<std::string_view>& texts) {
  std::vector<char> forbidden(texts.size(), false);
#pragma omp parallel for schedule(dynamic, 64)
  for (size_t i = 0; i < texts.size(); ++i) forbidden[i] = options_.without && options_.without->stand_in(texts[i]);
  std::vector<std::string_view> chosen;
  Corpus::Part& part = train.parts.back();
  for (size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].find_first_not_of(" \t\r") == std::string_view::npos) continue;
    if (forbidden[i]) {
      ++part.forbidden;
    } else if (!seen_.insert(mixed(engine::hash_of(texts[i]), texts[i].size())).second) {
      ++part.repeats;
    } else {
      chosen.push_back(texts[i]);
    }
  }
  return chosen;
}

void CorpusBuilder::add(const std::vector<std::string_view>& texts, const WordPiece& tokenizer) {
  cut(choose(texts), tokenizer, false);
}

void CorpusBuilder::add_held_out(const std::vector<std::string_view>& texts, const WordPiece& tokenizer) {
  cut(choose(texts), tokenizer, true);
}

void CorpusBuilder::cut(const std::vector<std::string_view>& texts, const WordPiece& tokenizer, bool all_held_out) {
  std::vector<std::vector<int>> pieces(texts.size());  // with [CLS] in front and [SEP] at the end
  engine::parallel_tasks(long(texts.size()), [&](long i) {
    pieces[i] = tokenizer.encode(texts[i], 1 << 30).ids;
    if (std::all_of(pieces[i].begin(), pieces[i].end(), [&](int id) { return tokenizer.is_special(id); }))
      pieces[i].clear();
  });
  const long room = options_.max_length - 2;
  for (size_t i = 0; i < texts.size(); ++i) {
    if (pieces[i].empty()) continue;
    const double draw = double(mixed(options_.seed, engine::hash_of(texts[i])) >> 11) * 0x1p-53;
    const bool apart = all_held_out || draw < options_.held_out;
    Corpus& to = apart ? held_out : train;
    ++to.parts.back().texts;
    const auto end = pieces[i].end() - 1;
    for (auto from = pieces[i].begin() + 1; from < end;) {
      const auto until = from + std::min(room, long(end - from));
      if (std::any_of(from, until, [&](int id) { return !tokenizer.is_special(id); })) {
        to.ids.push_back(tokenizer.cls_id());
        to.ids.insert(to.ids.end(), from, until);
        to.ids.push_back(tokenizer.sep_id());
        to.begin.push_back(long(to.ids.size()));
      }
      from = until;
    }
  }
  train.parts.back().last = train.size();
  held_out.parts.back().last = held_out.size();
}

long Draws::fraction(const Corpus::Part& part) {
  const double n = double(part.last - part.first);
  return std::lround((part.weight - std::floor(part.weight)) * n);
}

Draws::Draws(const Corpus& corpus, uint64_t seed, bool shuffle) : corpus_(corpus), seed_(seed), shuffle_(shuffle) {
  check(corpus.size() < 1'000'000'000, "a corpus of {} sequences is more than an epoch can shuffle", corpus.size());
  for (uint32_t p = 0; p < corpus.parts.size(); ++p) {
    const Corpus::Part& part = corpus.parts[p];
    per_epoch_ += long(std::floor(part.weight)) * (part.last - part.first) + fraction(part);
    orders_.push_back(engine::permutation(int(part.last - part.first), {seed, engine::Stream::shuffle, ~0u, p}));
  }
  check(per_epoch_ > 0, "an epoch of this corpus with these weights has no sequence");
}

double Draws::tokens_per_epoch() const {
  double sum = 0;
  for (const Corpus::Part& part : corpus_.parts) sum += part.weight * double(corpus_.tokens(part));
  return sum;
}

void Draws::prepare(long epoch) {
  if (epoch == epoch_) return;
  std::vector<int> all;
  for (size_t p = 0; p < corpus_.parts.size(); ++p) {
    const Corpus::Part& part = corpus_.parts[p];
    const long n = part.last - part.first, some = fraction(part);
    for (long copy = 0; copy < long(part.weight); ++copy)
      for (long s = part.first; s < part.last; ++s) all.push_back(int(s));
    for (long i = 0; i < some; ++i) all.push_back(int(part.first + orders_[p][(epoch * some + i) % n]));
  }
  epoch_ = epoch;
  if (!shuffle_) return order_.swap(all);
  const std::vector<int> lot = engine::permutation(int(all.size()), {seed_, engine::Stream::shuffle, uint32_t(epoch)});
  order_.resize(all.size());
  for (size_t i = 0; i < all.size(); ++i) order_[i] = all[lot[i]];
}

std::vector<long> Draws::take(long& next, long tokens) {
  std::vector<long> sequences;
  for (long filled = 0; filled < tokens; ++next) {
    prepare(next / per_epoch_);
    const long s = order_[next % per_epoch_];
    sequences.push_back(s);
    filled += corpus_.begin[s + 1] - corpus_.begin[s];
  }
  return sequences;
}

}  // namespace text
