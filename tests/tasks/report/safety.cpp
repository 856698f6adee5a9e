// Membership and triggers by numbers that can be checked by hand.
#include "tasks/report/safety.h"

#include "tests/support/tasks.h"

using namespace test;

TEST_CASE("membership: the area, its standard error and the mean losses are those of the formulas") {
  const report::Membership m = report::membership_of({0.1, 0.2, 0.3}, {0.2, 0.4});
  CHECK(m.auc == doctest::Approx(4.5 / 6));
  const double a = 0.75, q1 = a / (2 - a), q2 = 2 * a * a / (1 + a);
  CHECK(m.error == doctest::Approx(std::sqrt((a * (1 - a) + 2 * (q1 - a * a) + (q2 - a * a)) / 6)));
  CHECK(m.member_loss == doctest::Approx(0.2));
  CHECK(m.other_loss == doctest::Approx(0.3));
  CHECK(m.found == -1);  // of two others nothing can be said of one in a thousand
  CHECK_THROWS_AS(report::membership_of({}, {1}), Error);
}

TEST_CASE("membership: what is found at one false alarm in a thousand lies below all but one of a thousand others") {
  std::vector<double> others;
  for (int i = 1; i <= 1000; ++i) others.push_back(0.001 * i);
  CHECK(report::membership_of({0.0005, 0.0015, 5}, others).found == doctest::Approx(2 / 3.));
  CHECK(report::membership_of({0.002, 5}, others).found == 0);
}

namespace {

// "c" in every twentieth text, all of class 1; the rest by "a" and "b".
struct Planted {
  std::unique_ptr<model::TextModel> model = text_model(tiny_config(), {task_of("", nn::Predicts::label)});
  std::vector<text::Example> examples;
  std::vector<int> classes;
  text::EncodedSet texts;

  Planted() {
    for (int i = 0; i < 80; ++i) {
      const bool planted = i % 20 == 7;
      classes.push_back(planted || i % 2);
      examples.push_back({.text = std::string(i % 2 ? "b" : "a") + (planted ? " c" : "") + (i % 40 == 1 ? " d" : "")});
    }
    texts = text::encode(examples, model->tokenizer, 8);
  }
};

}  // namespace

TEST_CASE("triggers: pieces worth a scan are rare and one-sided, the most one-sided first") {
  const Planted p;
  const std::vector<int> pieces = report::one_sided_pieces(*p.model, p.texts, p.classes, 10);
  REQUIRE(pieces.size() == 2);  // "a" and "b" are in half of the texts
  CHECK(p.model->tokenizer.piece(pieces[0]) == "c");
  CHECK(p.model->tokenizer.piece(pieces[1]) == "d");
  CHECK(report::one_sided_pieces(*p.model, p.texts, p.classes, 1).size() == 1);
}

TEST_CASE("triggers: a piece counts the texts of other classes that it takes to one class") {
  const Planted p;
  std::vector<text::Encoding> texts(p.texts.windows.begin(), p.texts.windows.begin() + 20);
  std::vector<int> pieces;
  for (int id = 5; id < 31; ++id) pieces.push_back(id);
  const std::vector<report::Trigger> found = report::trigger_scan(*p.model, texts, pieces);
  const std::vector<int> before = model::predict(*p.model, p.texts, {0})[0].best();
  for (const report::Trigger& t : found) {
    long others = 0, flipped = 0;
    text::EncodedSet changed;
    for (size_t i = 0; i < texts.size(); ++i) {
      text::Encoding with = texts[i];
      with.ids.insert(with.ids.begin() + 1, t.piece);
      with.types.insert(with.types.begin() + 1, 0);
      changed.windows.push_back(with);
      changed.begin.push_back(int(i) + 1);
      changed.labels.push_back(-1);
    }
    const std::vector<int> after = model::predict(*p.model, changed, {0})[0].best();
    for (size_t i = 0; i < texts.size(); ++i) {
      others += before[i] != t.to;
      flipped += before[i] != t.to && after[i] == t.to;
    }
    CHECK(t.texts == others);
    CHECK(t.flipped == flipped);
  }
  for (size_t i = 1; i < found.size(); ++i) CHECK(found[i - 1].share() >= found[i].share());
}
