// The names of the classes, from an option or from data, and the suggestion for one that is misspelt.
// Nothing to read before.
#include "tasks/text/labels.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <numeric>
#include <utility>

#include "engine/base.h"
#include "tasks/text/letters.h"
#include "tasks/text/utf8.h"

namespace text {

using engine::check;

namespace {

void check_distinct(const std::vector<std::string>& names) {
  for (auto name = names.begin(); name != names.end(); ++name) {
    check(!name->empty(), "labels: an empty name among {}", listed(names));
    check(std::find(names.begin(), name, *name) == name, "labels: '{}' is there twice", shown(*name));
  }
}

std::u32string lower_ascii(std::string_view word) {
  std::u32string points = decode_utf8(word);
  for (char32_t& point : points)
    if (point >= U'A' && point <= U'Z') point += U'a' - U'A';
  return points;
}

// Levenshtein 1966, one row of the table at a time: row[j] = distance between a[0, i) and b[0, j).
size_t edit_distance(const std::u32string& a, const std::u32string& b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row.back();
}

}  // namespace

Labels::Labels(const std::vector<std::string>& names) : Labels(names, names) {}

Labels::Labels(std::vector<std::string> values, std::vector<std::string> names)
    : values_(std::move(values)), names_(std::move(names)) {
  check_distinct(values_);
  check_distinct(names_);
  check(names_.size() >= 2, "labels: a classifier has at least two classes; got {}", listed(names_));
}

Labels Labels::parse(const std::string& spec) {
  if (spec == "auto") return {};
  std::vector<std::string> values, names;
  for (const std::string& part : engine::split(spec, ',')) {
    const size_t equals = part.find('=');
    if (equals != std::string::npos) values.push_back(part.substr(0, equals));
    names.push_back(equals == std::string::npos ? part : part.substr(equals + 1));
  }
  check(values.empty() || values.size() == names.size(), "labels: value=name for every class or for none; got {}",
        shown(spec, 200));
  return values.empty() ? Labels(names) : Labels(std::move(values), std::move(names));
}

std::string Labels::tidy(std::string_view value) {
  std::string spaced;
  for (const char32_t c : decode_utf8(value)) {
    const bool unseen = c == 0xFEFF || (c >= 0x200B && c <= 0x200F && c != 0x200C && c != 0x200D);
    if (!unseen) append_utf8(spaced, kind_of(c) == CodePointKind::space || (c >= 9 && c < 32) ? U' ' : c);
  }
  std::string tidied;
  for (const std::string& word : engine::split(spaced, ' '))
    if (!word.empty()) tidied += (tidied.empty() ? "" : " ") + word;
  std::string ordered;  // as utf8proc wants it: it would take n^2 for n marks that are not
  for (const char32_t c : decomposed(tidied)) append_utf8(ordered, c);
  utf8proc_uint8_t* composed = nullptr;
  const utf8proc_ssize_t size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(ordered.data()), utf8proc_ssize_t(ordered.size()),
                   &composed, utf8proc_option_t(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  const std::unique_ptr<utf8proc_uint8_t, void (*)(void*)> owner(composed, std::free);
  check(size >= 0, "labels: utf8proc failed on '{}'", shown(value));
  return std::string(reinterpret_cast<const char*>(composed), size_t(size));
}

std::vector<std::string> Labels::same_but_for_case() const {
  std::map<std::string, std::string> first;
  std::vector<std::string> pairs;
  for (const std::string& value : values_)
    if (const auto [other, fresh] = first.try_emplace(lower(value), value); !fresh)
      pairs.push_back(fmt::format("labels '{}' and '{}' differ in letter case only: two classes", shown(other->second),
                                  shown(value)));
  return pairs;
}

Labels Labels::from_values(std::vector<std::string> values) {
  for (std::string& value : values) value = tidy(value);
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  if (std::all_of(values.begin(), values.end(),
                  [](const std::string& value) { return engine::parse_number<long>(value); }))
    std::stable_sort(values.begin(), values.end(), [](const std::string& a, const std::string& b) {
      return *engine::parse_number<long>(a) < *engine::parse_number<long>(b);
    });
  return Labels(values);
}

int Labels::find(std::string_view value) const {
  auto found = std::find(values_.begin(), values_.end(), value);
  if (found == values_.end()) found = std::find(values_.begin(), values_.end(), tidy(value));
  return found == values_.end() ? -1 : int(found - values_.begin());
}

std::string Labels::unknown(std::string_view value) const {
  const std::string hint = did_you_mean(value, values_);
  return fmt::format("label '{}' is not one of {}{}", shown(value), listed(values_),
                     hint.empty() ? "; --labels names others, --labels auto takes those of the file" : hint);
}

std::string nearest(std::string_view word, const std::vector<std::string>& names) {
  const std::u32string wanted = lower_ascii(word);
  std::string best, longer;  // longer: the first that has the word and more, text_column for text; it goes first
  size_t fewest = wanted.size() + 1;
  for (const std::string& name : names) {
    const std::u32string candidate = lower_ascii(name);
    if (longer.empty() && wanted.size() >= 3 &&
        (candidate.starts_with(wanted + U'_') || candidate.starts_with(wanted + U'-')))
      longer = name;
    const size_t distance = edit_distance(wanted, candidate);
    if (distance >= fewest || distance > std::max(wanted.size(), candidate.size()) / 3) continue;
    fewest = distance;
    best = name;
  }
  return fewest > 0 && !longer.empty() ? longer : best;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& names) {
  const std::string name = nearest(word, names);
  return name.empty() ? "" : fmt::format(" (did you mean '{}'?)", shown(name));
}

std::string unknown_member(const nn::json& object, const std::vector<std::string>& known) {
  for (const auto& [key, value] : object.items())
    if (!std::ranges::count(known, key))
      return fmt::format("there is no member '{}'{}", shown(key), did_you_mean(key, known));
  return "";
}

std::string listed(const std::vector<std::string>& names) {
  constexpr size_t kShown = 20;
  std::string list;
  for (size_t i = 0; i < std::min(names.size(), kShown); ++i) list += (i ? ", " : "") + shown(names[i]);
  if (names.size() > kShown) list += fmt::format(" and {} more", names.size() - kShown);
  return list;
}

std::string listed(const std::vector<std::string>& names, size_t columns) {
  std::string list;
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string longer = list + (i ? ", " : "") + shown(names[i]);
    const std::string rest = i + 1 < names.size() ? fmt::format(" ... and {} more", names.size() - i - 1) : "";
    if (i > 0 && columns_of(longer + rest) > columns) return list + fmt::format(" ... and {} more", names.size() - i);
    list = longer;
  }
  return list;
}

}  // namespace text
