// Parts, folds, texts that are left out, the verdict and the figures of curve, suggest and noise.
#include <algorithm>
#include <map>

#include "tasks/run/progress.h"
#include "tasks/sentiment/curve.h"
#include "tasks/sentiment/figure.h"
#include "tasks/sentiment/noise.h"
#include "tasks/sentiment/suggest.h"
#include "tasks/text/utf8.h"
#include "tests/support/support.h"
#include "tests/support/tasks.h"

using namespace test;
using doctest::Approx;
using engine::Indices;

namespace {

Indices groups(int first, int second) {
  Indices all(size_t(first), 0);
  all.resize(size_t(first + second), 1);
  return all;
}

bool says(const std::string& text, const std::string& what) { return text.find(what) != std::string::npos; }

}  // namespace

TEST_CASE("curve: a part has its share of each label, two texts of it at least, and lies in every larger part") {
  const Indices all = groups(60, 20);
  Indices smaller;
  for (const double share : {0.01, 0.1, 0.2, 0.5, 1.0}) {
    const Indices part = sentiment::part_of(all, share, 3);
    const long second = std::count_if(part.begin(), part.end(), [](int row) { return row >= 60; });
    CHECK(second == std::max(2L, std::lround(20 * share)));
    CHECK(long(part.size()) - second == std::max(2L, std::lround(60 * share)));
    CHECK(std::is_sorted(part.begin(), part.end()));
    CHECK(std::includes(part.begin(), part.end(), smaller.begin(), smaller.end()));
    smaller = part;
  }
  CHECK(sentiment::part_of(all, 0.1, 3) == sentiment::part_of(all, 0.1, 3));
  CHECK(sentiment::part_of(all, 0.1, 3) != sentiment::part_of(all, 0.1, 4));
  CHECK(sentiment::part_of(groups(60, 1), 0.1, 3).size() == 7);  // there is one only
}

TEST_CASE("curve: the shares are those that come to two texts for each label") {
  CHECK(sentiment::shares_of(groups(200, 200)) == std::vector<double>{0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1});
  CHECK(sentiment::shares_of(groups(20, 20)) == std::vector<double>{0.1, 0.2, 0.5, 1});
  CHECK(sentiment::shares_of(groups(2, 2)) == std::vector<double>{1});
}

TEST_CASE("curve: the verdict says yes from two standard errors on, and turns round for errors") {
  const std::vector<double> low{0.6, 0.7, 0.8}, high{0.9, 0.8, 1.0}, near{0.7, 0.8, 0.9};
  CHECK(says(sentiment::verdict("accuracy", false, low, high, 50, 100),
             "yes: accuracy rose by 0.2000, standard error 0.0816, from 50 to 100 texts"));
  CHECK(says(sentiment::verdict("accuracy", false, low, near, 50, 100), "not shown: accuracy rose by 0.1000"));
  CHECK(says(sentiment::verdict("accuracy", false, high, low, 50, 100), "not shown: accuracy fell by 0.2000"));
  CHECK(says(sentiment::verdict("mae", true, high, low, 50, 100), "yes: mae fell by 0.2000"));
  CHECK(says(sentiment::verdict("mae", true, low, high, 50, 100), "not shown: mae rose by 0.2000"));
  CHECK(says(sentiment::verdict("mae", true, {0.5}, {0.4}, 50, 100), "one draw has no standard error"));
}

TEST_CASE("noise: folds are of one size, of every label alike, and equal texts are in the same one") {
  std::vector<text::Example> texts;
  for (int i = 0; i < 40; ++i) texts.push_back({.text = std::to_string(i % 30), .label = i % 4 == 0});
  const Indices fold = sentiment::folds_of(texts, 5, 7);
  std::map<int, long> size, ones;
  for (int i = 0; i < 30; ++i) {
    ++size[fold[size_t(i)]];
    ones[fold[size_t(i)]] += texts[size_t(i)].label;
    if (i < 10) CHECK(fold[size_t(i)] == fold[size_t(i + 30)]);
  }
  for (int f = 0; f < 5; ++f) {
    CHECK(size[f] == 6);
    CHECK(std::abs(ones[f] - 1.6) < 1.5);
  }
  CHECK(sentiment::folds_of(texts, 5, 7) == fold);
  CHECK(sentiment::folds_of(texts, 5, 8) != fold);
  CHECK(says(error_of([&] { sentiment::folds_of(texts, 41, 7); }), "noise: 41 folds need as many texts; there are 40"));
}

TEST_CASE("suggest: blank texts and words that stood there before are left out, whatever their case and blanks") {
  const std::vector<text::Example> texts{{.text = "Late again"}, {.text = " late  AGAIN "},
                                         {.text = "\u00A0"},     {.text = "late again", .pair = "why"},
                                         {.text = "new"},        {.text = "Known"}};
  CHECK(sentiment::left_out(texts, {{.text = "known"}}) == std::vector<bool>{false, true, true, false, false, true});
}

TEST_CASE("with_texts: weights and standardisation are those of the texts that are left to train on") {
  spec::TaskSpec task = task_of("", nn::Predicts::number);
  task.mean = 100, task.deviation = 7;
  const auto example = [](const char* y) { return text::Example{.text = "a", .target = y}; };
  const spec::TaskSet set = spec::with_texts(task, {example("1"), example("3")}, {}, {example("50")});
  CHECK(set.tasks[0].spec.mean == Approx(2));
  CHECK(set.tasks[0].spec.deviation == Approx(1));
  CHECK(set.tasks[0].targets[spec::kTest].numbers == std::vector<double>{50});
  spec::TaskSpec label = task_of("", nn::Predicts::label);
  label.class_weights = "balanced";
  const auto of = [](int k) { return text::Example{.text = "a", .label = k}; };
  const spec::TaskSet weighted = spec::with_texts(label, {of(0), of(0), of(0), of(1)}, {}, {of(1)});
  CHECK(weighted.tasks[0].loss_options.class_weights[1] == Approx(2));  // 4 / (2 * 1)
}

TEST_CASE("figures: bars fill the width and no more; an SVG holds any name and nothing that is no XML") {
  const std::vector<sentiment::Bar> bars{
      {"a name that is far too long to have room on a line of forty columns", "7", 10, 5}, {"b", "0", 0, 0}};
  const std::string text = sentiment::bars_text(bars, 40);
  const size_t end = text.find('\n');
  CHECK(text::columns_of(text.substr(0, end)) <= 40);
  CHECK(says(text, "█▒"));
  const std::string svg = sentiment::bars_svg("a < b & \"c\"", bars);
  CHECK(says(svg, "a &lt; b &amp; &quot;c&quot;"));
  CHECK(svg.starts_with("<svg xmlns="));
  CHECK(svg.ends_with("</svg>\n"));
  const std::string curve = sentiment::curve_svg("t", "accuracy", {{10, 0.5, 0.1, "10"}, {100, 0.5, 0, "100"}});
  CHECK(!says(curve, "nan"));
  CHECK(!says(curve, "inf"));
  CHECK(says(sentiment::curve_svg("t", "accuracy", {{10, 1, 0, "10"}, {100, 1, 0, "100"}}), "<circle"));
  CHECK(sentiment::svg_beside("a.b/next.csv") == "a.b/next.svg");
}

TEST_CASE(
    "options: what is given passes to another command as far as it knows it, and given lines leave the rest open") {
  run::Options from("a", ""), to("b", "");
  double lr = 1, other = 2;
  int draws = 3, steps = 4, theirs = 5;
  from.add("--lr", lr, "");
  from.add("--draws", draws, "");
  from.add("--steps", steps, "");
  to.add("--lr", other, "");
  to.add("--steps", theirs, "");
  const char* words[] = {"a", "--lr", "0.5", "--draws", "7"};
  from.parse(5, words);
  from.pass_on(to);
  CHECK(other == 0.5);
  CHECK(theirs == 5);
  CHECK(!to.given("--steps"));
  CHECK(from.given_lines() == "lr=0.5\ndraws=7\n");
}
