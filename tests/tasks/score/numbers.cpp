// Correlations and errors: by hand, and beside a value of SciPy.
#include "tasks/score/numbers.h"

#include "tests/support/support.h"

using namespace score;
using doctest::Approx;

TEST_CASE("numbers: correlation of numbers and of ranks, ties sharing their mean rank") {
  CHECK(pearson({1, 2, 3, 4}, {2, 4, 6, 8}) == test::exactly(1));
  CHECK(pearson({1, 2, 3, 4}, {8, 6, 4, 2}) == test::exactly(-1));
  CHECK(pearson({1, 2, 3}, {5, 5, 5}) == 0);
  for (size_t n = 2; n < 12; ++n)  // the mean of three times 0.1 is not 0.1
    CHECK(pearson(std::vector<double>(n, 0.1), std::vector<double>(n, 0.7)) == 0);
  CHECK(pearson({1, 2, 3, 4, 5}, {2, 1, 4, 3, 7}) == test::exactly(12 / std::sqrt(10 * 21.2)));
  CHECK(spearman({1, 2, 3, 4, 5}, {5, 6, 7, 8, 7}) ==
        Approx(0.8207826816681233).epsilon(1e-12));  // scipy.stats.spearmanr
  CHECK(spearman({1, 2, 3, 4}, {1, 10, 100, 1000}) == test::exactly(1));
  CHECK(mean_squared_error({1, 2, 3}, {1, 4, 0}) == test::exactly(13. / 3));
  CHECK(mean_absolute_error({1, 2, 3}, {1, 4, 0}) == test::exactly(5. / 3));
}

TEST_CASE("ranks_of: from 1, in the order of the numbers, ties sharing the mean of theirs") {
  CHECK(ranks_of({0.5, -2, 7, 0.5}) == std::vector<double>{2.5, 1, 4, 2.5});
  CHECK(ranks_of({3, 3, 3}) == std::vector<double>{2, 2, 2});
  CHECK(ranks_of({}).empty());
  CHECK(test::error_of([] { pearson({1, 2}, {1}); }) == "pearson: a prediction for every truth; got 1 for 2");
}
