// What is odd about labelled texts.
#include "tasks/spec/findings.h"

#include "tests/support/support.h"

using namespace spec;
using text::Example;

TEST_CASE("findings: equal texts are counted, and those with different labels named once, by both places") {
  const text::Labels labels({"bad", "good"});
  const std::vector<Example> examples{
      {.text = "a", .label = 0, .where = "f.csv:2"}, {.text = "b", .label = 0, .where = "f.csv:3"},
      {.text = "a", .label = 1, .where = "f.csv:4"}, {.text = "a", .label = 1, .where = "f.csv:5"},
      {.text = "b", .label = 0, .where = "f.csv:6"}, {.text = "a", .pair = "b", .label = 1, .where = "f.csv:7"}};
  const EqualTexts equal = equal_texts(examples, labels);
  CHECK(equal.repeats == 3);
  CHECK(equal.contradictions == 1);
  CHECK(equal.first == "f.csv:2 (bad) and f.csv:4 (good)");
  CHECK(also_in({examples[0]}, {examples[1], examples[2], examples[5]}) == 1);
}

TEST_CASE("findings: texts of one word at most are nearly empty; ratings are three to eleven whole numbers") {
  CHECK(nearly_empty({{.text = "ok"}, {.text = " "}, {.text = "a b"}, {.text = "a", .pair = "b"}}) == 2);
  CHECK(are_ratings(text::Labels({"1", "2", "3"})));
  CHECK(are_ratings(text::Labels({"-2", "0", "10"})));
  CHECK_FALSE(are_ratings(text::Labels({"0", "1"})));
  CHECK_FALSE(are_ratings(text::Labels({"1", "2", "3.5"})));
  CHECK_FALSE(are_ratings(text::Labels({"1", "2", "good"})));
  std::vector<std::string> many;
  for (int i = 0; i < 12; ++i) many.push_back(std::to_string(i));
  CHECK_FALSE(are_ratings(text::Labels(many)));
  CHECK(are_whole_numbers(text::Labels(many)));
  CHECK(class_counts({0, 2, 2}, 4) == std::vector<long>{1, 0, 2, 0});
}
