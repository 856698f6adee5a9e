// Equal texts, empty texts, labels that are numbers. Read tasks/spec/tasks.h first.
#include "tasks/spec/findings.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "engine/strings.h"

namespace spec {

namespace {

std::string key_of(const text::Example& e) { return e.pair.empty() ? e.text : e.text + '\0' + e.pair; }

std::string label_of(const text::Example& e, const text::Labels& labels) {
  return text::shown(e.label >= 0 && !labels.empty() ? labels.name(e.label) : e.target);
}

}  // namespace

EqualTexts equal_texts(const std::vector<text::Example>& examples, const text::Labels& labels) {
  struct Seen {
    const text::Example* first;
    bool contradicted = false;
  };
  EqualTexts equal;
  std::unordered_map<std::string, Seen> seen;
  for (const text::Example& e : examples) {
    const auto [at, fresh] = seen.try_emplace(key_of(e), Seen{&e});
    if (fresh) continue;
    ++equal.repeats;
    Seen& before = at->second;
    if (before.contradicted || (before.first->label == e.label && before.first->target == e.target)) continue;
    before.contradicted = true;
    if (!equal.contradictions++)
      equal.first = fmt::format("{} ({}) and {} ({})", before.first->where, label_of(*before.first, labels), e.where,
                                label_of(e, labels));
  }
  return equal;
}

long also_in(const std::vector<text::Example>& train, const std::vector<text::Example>& part) {
  std::unordered_set<std::string> seen;
  for (const text::Example& e : train) seen.insert(key_of(e));
  return std::count_if(part.begin(), part.end(), [&](const text::Example& e) { return seen.contains(key_of(e)); });
}

long nearly_empty(const std::vector<text::Example>& examples) {
  return std::count_if(examples.begin(), examples.end(),
                       [](const text::Example& e) { return words_of(e.text).size() + words_of(e.pair).size() <= 1; });
}

bool are_whole_numbers(const text::Labels& labels) {
  return !labels.empty() && std::all_of(labels.names().begin(), labels.names().end(), [](const std::string& name) {
    return engine::parse_number<long>(name).has_value();
  });
}

bool are_ratings(const text::Labels& labels) {
  constexpr int kFewest = 3, kMost = 11;  // 0 to 10
  return labels.size() >= kFewest && labels.size() <= kMost && are_whole_numbers(labels);
}

std::vector<long> class_counts(const Indices& classes, int K) {
  std::vector<long> counts(static_cast<size_t>(K));
  for (const int c : classes) ++counts[size_t(c)];
  return counts;
}

}  // namespace spec
