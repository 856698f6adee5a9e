// Simhash over words and pairs, and the stories by the bytes of their hashes. Read repeats.h before.
#include "tasks/monitor/repeats.h"

#include <algorithm>
#include <array>
#include <bit>

#include "engine/base.h"
#include "engine/random.h"
#include "engine/strings.h"
#include "tasks/text/letters.h"
#include "tasks/text/utf8.h"

namespace monitor {

using engine::check;

namespace {

// FNV-1a leaves the high bits of short words alike; this mixes them (splitmix64's last steps).
uint64_t mixed(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

bool counts(const std::string& word, bool first) {
  const bool link = word.starts_with("http://") || word.starts_with("https://") || word.starts_with("www.");
  return !word.empty() && !link && !word.starts_with('@') && !(first && word == "rt");
}

// The letters and digits of a word, in lower case.
std::string bare(const std::string& word) {
  std::string letters;
  bool ascii = true;
  for (const char c : word) ascii = ascii && static_cast<unsigned char>(c) < 0x80;
  if (ascii) {
    for (const char c : word)
      if (text::kind_of(char32_t(c)) == text::CodePointKind::letter) letters += engine::ascii_lower(c);
    return letters;
  }
  for (size_t at = 0; at < word.size();) {
    const char32_t c = text::next_code_point(word, at).value;
    const text::CodePointKind kind = text::kind_of(c);
    if (kind == text::CodePointKind::letter || kind == text::CodePointKind::ideograph) text::append_utf8(letters, c);
  }
  return text::lower(letters);
}

std::vector<uint64_t> features_of(const std::string& text) {
  std::vector<uint64_t> features;
  uint64_t before = 0;
  bool first = true;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find_first_of(" \t\r\n", begin), text.size());
    const std::string raw = text.substr(begin, end - begin);
    begin = end + 1;
    if (raw.empty() || !counts(raw, false)) continue;
    const std::string word = bare(raw);
    if (!counts(word, first)) continue;
    first = false;
    const uint64_t hash = mixed(engine::hash_of(word));
    features.push_back(hash);
    if (before) features.push_back(mixed(before * 3 + hash));
    before = hash;
  }
  return features;
}

}  // namespace

uint64_t simhash(const std::string& text) {
  std::array<int, 64> sums{};
  for (const uint64_t f : features_of(text))
    for (int b = 0; b < 64; ++b) sums[size_t(b)] += int((f >> b) & 1) * 2 - 1;
  uint64_t hash = 0;
  for (int b = 0; b < 64; ++b) hash |= uint64_t(sums[size_t(b)] > 0) << b;
  return hash;
}

Repeats::Repeats(RepeatOptions options) : o_(options) {
  check(o_.within >= 0 && o_.near >= -1 && o_.near <= 7 && o_.most > 0,
        "Repeats: a time of 0 or more, -1 to 7 bits, a story to remember; got {}, {} and {}", o_.within, o_.near,
        o_.most);
  for (auto& byte : by_byte_) byte.resize(256);
}

uint64_t Repeats::hash_of(const std::string& text) const { return o_.near < 0 ? 0 : simhash(text); }

void Repeats::remember(uint64_t hash, long time) {
  if (hash == 0) return;
  const long number = first_ + long(stories_.size());
  stories_.push_back({hash, time});
  newest_[hash] = number;
  for (int b = 0; b < 8; ++b) by_byte_[b][(hash >> (8 * b)) & 255].push_back(number);
  while (long(stories_.size()) > o_.most) forget_first();
}

void Repeats::forget_first() {
  const uint64_t hash = stories_.front().hash;
  if (const auto found = newest_.find(hash); found != newest_.end() && found->second == first_) newest_.erase(found);
  for (int b = 0; b < 8; ++b) by_byte_[b][(hash >> (8 * b)) & 255].pop_front();
  stories_.pop_front();
  ++first_;
}

bool Repeats::told(uint64_t hash, long time) const {
  if (hash == 0) return false;
  const auto is_near = [&](long number) {
    const Story& story = stories_[size_t(number - first_)];
    return std::abs(time - story.time) <= o_.within && std::popcount(story.hash ^ hash) <= o_.near;
  };
  if (const auto found = newest_.find(hash); found != newest_.end() && is_near(found->second)) return true;
  for (int b = 0; o_.near > 0 && b < 8; ++b) {
    const std::deque<long>& same = by_byte_[b][(hash >> (8 * b)) & 255];
    if (std::any_of(same.rbegin(), same.rend(), is_near)) return true;
  }
  return false;
}

nn::json Repeats::state() const {
  nn::json hashes = nn::json::array(), times = nn::json::array();
  for (const Story& s : stories_) hashes.push_back(s.hash), times.push_back(s.time);
  return {{"hashes", hashes}, {"times", times}};
}

void Repeats::restore(const nn::json& state) {
  const std::vector<uint64_t> hashes = state.at("hashes");
  const std::vector<long> times = state.at("times");
  check(hashes.size() == times.size(), "Repeats: a hash and a time for every story");
  while (!stories_.empty()) forget_first();
  for (size_t i = 0; i < hashes.size(); ++i) remember(hashes[i], times[i]);
}

}  // namespace monitor
