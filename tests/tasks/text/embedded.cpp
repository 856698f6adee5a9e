// The embedded corpus keeps its promises: balance, valid text, no near-duplicates. Read tasks/data/README.md first.
#include <map>
#include <set>

#include "tasks/text/data.h"
#include "tasks/text/embedded.h"
#include "tasks/text/utf8.h"
#include "tasks/text/wordpiece.h"
#include "tests/support/support.h"

using namespace test;

namespace {

text::Table corpus() { return text::parse_table(std::string(text::embedded_sentiment()), text::kSentimentCorpus); }

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  for (const std::string& word : text::split_words(text))
    if (std::isalnum(static_cast<unsigned char>(word[0])) || (word[0] & 0x80)) words.push_back(word);
  return words;
}

std::set<std::string> runs_of(const std::vector<std::string>& words, size_t length) {
  std::set<std::string> runs;
  for (size_t i = 0; i + length <= words.size(); ++i) {
    std::string run;
    for (size_t j = i; j < i + length; ++j) run += words[j] + " ";
    runs.insert(run);
  }
  return runs;
}

}  // namespace

TEST_CASE("corpus: at least 1500 valid texts of 2 to 60 words, none of them twice") {
  const text::Table table = corpus();
  CHECK(table.columns == std::vector<std::string>{"text", "label", "topic", "split"});
  CHECK(table.rows.size() >= 1500);
  CHECK(table.warnings.empty());
  std::set<std::string> seen;
  for (size_t i = 0; i < table.rows.size(); ++i) {
    const std::string& text = table.rows[i][0];
    const auto count = 1 + std::count(text.begin(), text.end(), ' ');
    CHECK_MESSAGE((count >= 2 && count <= 60), "line ", table.lines[i], ": ", text);
    CHECK_MESSAGE(seen.insert(text).second, "line ", table.lines[i], " again: ", text);
    CHECK_MESSAGE((text.front() != ' ' && text.back() != ' ' && text.find("  ") == text.npos), "line ", table.lines[i]);
  }
}

TEST_CASE("corpus: labels, topics and splits are near balance, in every combination") {
  std::map<std::string, int> label, topic, split, both;
  const text::Table table = corpus();
  for (const auto& row : table.rows) {
    ++label[row[1]];
    ++topic[row[2]];
    ++split[row[3]];
    ++both[row[1] + " " + row[2]];
    ++both[row[3] + " " + row[1]];
    ++both[row[3] + " " + row[2]];
  }
  const auto near = [&](const std::map<std::string, int>& counts, const std::string& name, double share) {
    const double got = counts.count(name) ? counts.at(name) / double(table.rows.size()) : 0;
    CHECK_MESSAGE(std::abs(got - share) < 0.1 * share, name, ": ", got, " instead of ", share);
  };
  const std::vector<std::string> labels{"negative", "positive", "neutral"},
      topics{"finance", "support", "films", "restaurants", "travel", "products"};
  const std::vector<std::pair<std::string, double>> splits{{"train", 2 / 3.0}, {"dev", 1 / 6.0}, {"test", 1 / 6.0}};
  CHECK(label.size() == 3);
  CHECK(topic.size() == 6);
  CHECK(split.size() == 3);
  for (const std::string& l : labels) {
    near(label, l, 1 / 3.0);
    for (const std::string& t : topics) near(both, l + " " + t, 1 / 18.0);
    for (const auto& [s, share] : splits) near(both, s + " " + l, share / 3);
  }
  for (const std::string& t : topics) {
    near(topic, t, 1 / 6.0);
    for (const auto& [s, share] : splits) near(both, s + " " + t, share / 6);
  }
}

TEST_CASE("corpus: no two texts are near-duplicates: they share at most one run of four words") {
  const text::Table table = corpus();
  std::map<std::string, std::vector<size_t>> texts_with;
  std::map<std::pair<size_t, size_t>, int> shared;
  for (size_t i = 0; i < table.rows.size(); ++i)
    for (const std::string& run : runs_of(words_of(table.rows[i][0]), 4)) {
      for (size_t other : texts_with[run]) ++shared[{other, i}];
      texts_with[run].push_back(i);
    }
  for (const auto& [pair, count] : shared)
    CHECK_MESSAGE(count <= 1, "lines ", table.lines[pair.first], " and ", table.lines[pair.second], " share ", count,
                  " runs");
}

TEST_CASE("corpus: no template families: no opening, ending or run of four words serves many texts") {
  const text::Table table = corpus();
  std::map<std::string, int> openings, endings, runs;
  for (const auto& row : table.rows) {
    const std::vector<std::string> words = words_of(row[0]);
    if (words.size() < 4) continue;
    ++openings[words[0] + " " + words[1] + " " + words[2]];
    ++endings[words[words.size() - 3] + " " + words[words.size() - 2] + " " + words.back()];
    for (const std::string& run : runs_of(words, 4)) ++runs[run];
  }
  for (const auto* counts : {&openings, &endings, &runs})
    for (const auto& [words, count] : *counts) CHECK_MESSAGE(count <= 6, "'", words, "' in ", count, " texts");
}

TEST_CASE("corpus: the marks of each class are spread: questions, negations and contrasts occur under several labels") {
  const text::Table table = corpus();
  std::map<std::string, std::map<std::string, int>> with;
  for (const auto& row : table.rows) {
    const std::vector<std::string> words = words_of(row[0]);
    const auto has = [&](const char* word) { return std::find(words.begin(), words.end(), word) != words.end(); };
    if (row[0].find('?') != std::string::npos) ++with["question"][row[1]];
    if (has("not") || has("no") || has("never") || has("t")) ++with["negation"][row[1]];
    if (has("but") || has("though") || has("yet") || has("although")) ++with["contrast"][row[1]];
    if (has("i") || has("we") || has("my") || has("our")) ++with["first person"][row[1]];
  }
  for (const auto& [mark, counts] : with)
    for (const char* label : {"negative", "positive", "neutral"})
      CHECK_MESSAGE((counts.count(label) && counts.at(label) >= 10), mark, " in few ", label, " texts");
}
