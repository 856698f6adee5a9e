// Labels from an option or from data, and the suggestion for a name that is misspelt.
// Read tasks/text/labels.h before.
#include "tasks/text/labels.h"

#include <doctest/doctest.h>
#include <fmt/ranges.h>

#include "tests/support/support.h"

using namespace text;

namespace {

std::string with_bars(const std::vector<std::string>& names) { return fmt::format("{}", fmt::join(names, "|")); }

std::string refused(const std::string& spec) {
  return test::error_of([&] { Labels::parse(spec); });
}

}  // namespace

TEST_CASE("labels: names in an option keep their order") {
  const Labels labels = Labels::parse("negative,positive,neutral");
  CHECK(with_bars(labels.names()) == "negative|positive|neutral");
  CHECK(labels.size() == 3);
  CHECK(labels.find("neutral") == 2);
  CHECK(labels.find("Neutral") == -1);
  CHECK(labels.name(1) == "positive");
}

TEST_CASE("labels: value=name maps what the file holds to what the screen shows") {
  const Labels labels = Labels::parse("1=bad,0=good");
  CHECK(labels.find("1") == 0);
  CHECK(labels.find("0") == 1);
  CHECK(labels.find("good") == -1);
  CHECK(with_bars(labels.names()) == "bad|good");
  CHECK(labels.unknown("2") ==
        "label '2' is not one of 1, 0; --labels names others, --labels auto takes those of the file");
}

TEST_CASE("labels: from data they are distinct and sorted, integers as numbers") {
  CHECK(with_bars(Labels::from_values({"pos", "neg", "pos", "Neutral"}).names()) == "Neutral|neg|pos");
  CHECK(with_bars(Labels::from_values({"10", "9", "-1", "9"}).names()) == "-1|9|10");
  CHECK(with_bars(Labels::from_values({"10", "9", "x"}).names()) == "10|9|x");
  CHECK(with_bars(Labels::from_values({"9", "10x"}).names()) == "10x|9");
  CHECK(Labels::parse("auto").empty());
}

TEST_CASE("labels: a specification without sense is refused") {
  CHECK(refused("negative") == "labels: a classifier has at least two classes; got negative");
  CHECK(refused("a,b,a") == "labels: 'a' is there twice");
  CHECK(refused("0=a,0=b") == "labels: '0' is there twice");
  CHECK(refused("0=a,1=a") == "labels: 'a' is there twice");
  CHECK(refused("a,,b") == "labels: an empty name among a, , b");
  CHECK(refused("a,b,") == "labels: an empty name among a, b, ");
  CHECK(refused("") == "labels: an empty name among ");
  CHECK(refused("0=a,b") == "labels: value=name for every class or for none; got 0=a,b");
}

TEST_CASE("labels: an unknown label is told what there is and which name is near") {
  const Labels labels = Labels::parse("negative,positive,neutral");
  CHECK(labels.unknown("postive") ==
        "label 'postive' is not one of negative, positive, neutral (did you mean 'positive'?)");
  CHECK(labels.unknown("POSITIVE") ==
        "label 'POSITIVE' is not one of negative, positive, neutral (did you mean 'positive'?)");
  CHECK(labels.unknown("4") ==
        "label '4' is not one of negative, positive, neutral; --labels names others, --labels auto takes those of the "
        "file");
}

TEST_CASE("nearest: the fewest insertions, deletions and substitutions, at most a third of the longer word") {
  CHECK(nearest("kitten", {"mitten", "sitting", "kit"}) == "mitten");
  CHECK(nearest("sentense", {"text", "sentence", "label"}) == "sentence");
  CHECK(nearest("abcdef", {"abcd"}) == "abcd");
  CHECK(nearest("abcdef", {"abc"}) == "");
  CHECK(nearest("été", {"éte"}) == "éte");  // one code point of three
  CHECK(nearest("x", {"y"}) == "");
  CHECK(nearest("late", {"lane", "lake"}) == "lane");  // as near: the first
  CHECK(nearest("x", {}) == "");
  CHECK(nearest("text", {"test", "text_column"}) == "text_column");  // its first word
  CHECK(nearest("--text", {"--test", "--text-column"}) == "--text-column");
  CHECK(nearest("Text", {"text_column", "text"}) == "text");
}

TEST_CASE("shown: a long name is cut, a line end becomes a space") {
  CHECK(shown("two\nlines\t") == "two lines ");
  CHECK(shown(std::string(40, 'x')) == std::string(40, 'x'));
  CHECK(shown("é" + std::string(40, 'x')) == "é" + std::string(39, 'x') + "...");
  CHECK(listed({"a\nb", "c"}) == "a b, c");
  CHECK(Labels::parse("a,b").unknown("a\nb") ==
        "label 'a b' is not one of a, b; --labels names others, --labels auto takes those of the file");
}

TEST_CASE("listed: shows twenty names and counts the others") {
  std::vector<std::string> names;
  for (int i = 0; i < 23; ++i) names.push_back(std::to_string(i));
  CHECK(listed(names) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19 and 3 more");
  CHECK(listed({"a", "b"}) == "a, b");
  for (size_t columns = 25; columns < 80; ++columns) CHECK(listed(names, columns).size() <= columns);
  CHECK(listed(names, 30) == "0, 1, 2, 3, 4 ... and 18 more");
  CHECK(listed({"a", "b"}, 4) == "a, b");
  CHECK(listed({"a", "b"}, 0) == "a ... and 1 more");
  CHECK(listed({}) == "");
}
