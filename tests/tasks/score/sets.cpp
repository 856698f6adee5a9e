// Metrics of label sets, by hand.
#include "tasks/score/sets.h"

#include "tests/support/support.h"

using namespace score;
using doctest::Approx;

TEST_CASE("label sets: micro F1 counts all labels together, macro F1 every label alike") {
  const LabelSets truth{{true, false, false}, {true, true, false}, {false, true, false}, {false, false, false}};
  const LabelSets said{{true, false, false}, {true, false, true}, {false, true, false}, {false, true, false}};
  CHECK(micro_f1(truth, said) == test::exactly(2. * 3 / (2. * 3 + 2 + 1)));  // TP 3, FP 2, FN 1
  CHECK(macro_f1(truth, said) == test::exactly((1 + 0.5 + 0) / 3));          // the third label: FP only
  CHECK(micro_f1({{false}}, {{false}}) == 0);
  CHECK(test::error_of([] { micro_f1({{true}}, {}); }) ==
        "f1 of label sets: a prediction for every truth; got 0 for 1");
}

// TP 7 of 10 that hold, with 9 said: 2 7 / 19; label by label 2/3, 2/3, 4/5, 4/5. What is undefined is 0, as
// zero_division=0 of scikit-learn's f1_score has it.
TEST_CASE("label sets: F1 of four labels") {
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
  CHECK(micro_f1(truth, said) == test::exactly(14. / 19));
  CHECK(macro_f1(truth, said) == test::exactly((2. / 3 + 2. / 3 + 4. / 5 + 4. / 5) / 4));
}
