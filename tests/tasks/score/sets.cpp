// Metrics of label sets, numbers and entities: by hand, and beside values of scikit-learn and SciPy.
#include "tasks/score/sets.h"

#include "tests/support/support.h"

using namespace text;
using doctest::Approx;

namespace {

Approx exactly(double value) { return Approx(value).epsilon(1e-12); }

}  // namespace

TEST_CASE("scores: micro F1 counts all labels together, macro F1 every label alike") {
  const LabelSets truth{{true, false, false}, {true, true, false}, {false, true, false}, {false, false, false}};
  const LabelSets said{{true, false, false}, {true, false, true}, {false, true, false}, {false, true, false}};
  CHECK(micro_f1(truth, said) == exactly(2. * 3 / (2. * 3 + 2 + 1)));  // TP 3, FP 2, FN 1
  CHECK(macro_f1(truth, said) == exactly((1 + 0.5 + 0) / 3));          // the third label: FP only
  CHECK(micro_f1({{false}}, {{false}}) == 0);
  CHECK(test::error_of([] { micro_f1({{true}}, {}); }) ==
        "f1 of label sets: a prediction for every truth; got 0 for 1");
}

// TP 7 of 10 that hold, with 9 said: 2 7 / 19; label by label 2/3, 2/3, 4/5, 4/5. What is undefined is 0, as
// zero_division=0 of scikit-learn's f1_score has it.
TEST_CASE("scores: F1 of four labels") {
  const LabelSets truth{{true, false, true, false},
                        {false, true, true, false},
                        {true, true, false, true},
                        {false, false, true, true},
                        {true, false, false, false}};
  const LabelSets said{{true, false, false, false},
                       {false, true, true, true},
                       {true, false, false, true},
                       {true, false, true, true},
                       {false, false, false, false}};
  CHECK(micro_f1(truth, said) == exactly(14. / 19));
  CHECK(macro_f1(truth, said) == exactly((2. / 3 + 2. / 3 + 4. / 5 + 4. / 5) / 4));
}

TEST_CASE("scores: correlation of numbers and of ranks, ties sharing their mean rank") {
  CHECK(pearson({1, 2, 3, 4}, {2, 4, 6, 8}) == exactly(1));
  CHECK(pearson({1, 2, 3, 4}, {8, 6, 4, 2}) == exactly(-1));
  CHECK(pearson({1, 2, 3}, {5, 5, 5}) == 0);
  CHECK(pearson({1, 2, 3, 4, 5}, {2, 1, 4, 3, 7}) == exactly(12 / std::sqrt(10 * 21.2)));
  CHECK(spearman({1, 2, 3, 4, 5}, {5, 6, 7, 8, 7}) ==
        Approx(0.8207826816681233).epsilon(1e-12));  // scipy.stats.spearmanr
  CHECK(spearman({1, 2, 3, 4}, {1, 10, 100, 1000}) == exactly(1));
  CHECK(mean_squared_error({1, 2, 3}, {1, 4, 0}) == exactly(13. / 3));
}

TEST_CASE("scores: entities begin at B-, or at an I- of another type, as conlleval reads them") {
  using Tags = std::vector<std::string>;
  CHECK(spans_of(Tags{"O", "B-city", "I-city", "B-city", "O", "I-day", "I-day", "I-city"}) ==
        std::vector<Span>{{1, 3, "city"}, {3, 4, "city"}, {5, 7, "day"}, {7, 8, "city"}});
  CHECK(spans_of(Tags{"O", "O"}).empty());
  // Two of the three that are said are right; two of the three that there are were found.
  CHECK(entity_f1({{"B-a", "I-a", "O", "B-b"}, {"B-a", "O"}}, {{"B-a", "I-a", "O", "B-a"}, {"B-a", "O"}}) ==
        exactly(2. / 3));
  CHECK(entity_f1({{"B-a", "I-a"}}, {{"B-a", "O"}}) == 0);  // half an entity is none
  CHECK(test::error_of([] {
          entity_f1({{"O", "O"}}, {{"O"}});
        }) == "entity_f1: a tag for every word; text 0 has 2 words and 1 tags");
}
