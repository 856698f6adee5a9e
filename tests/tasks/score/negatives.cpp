// Which candidates count as hard negatives. Read tasks/score/negatives.h before.
#include "tasks/score/negatives.h"

#include "tests/support/support.h"

using namespace test;
using score::hard_negatives;

TEST_CASE("hard negatives: the best of what is wrong, without what lies as near as the right one") {
  const std::vector<double> scores{5, 9.6, 9, 10, 3, 0, 8};
  const std::vector<bool> wrong{true, true, true, false, true, true, false};
  // 9.6 is above 95 % of 10; candidate 3 is the right one, 6 another right one; 5 shares nothing
  CHECK(hard_negatives(scores, wrong, 10, 2) == std::vector<int>{2, 0});
  CHECK(hard_negatives(scores, wrong, 10, 9) == std::vector<int>{2, 0, 4});
  CHECK(hard_negatives(scores, wrong, 10, 9, 0) == std::vector<int>{1, 2, 0, 4});
  CHECK(hard_negatives(scores, wrong, 0, 9).empty());
  CHECK(error_of([&] { hard_negatives(scores, {true}, 1, 1); }).find("1 for 7") != std::string::npos);
  CHECK(error_of([&] { hard_negatives(scores, wrong, 1, 0); }).find("n above 0") != std::string::npos);
}
