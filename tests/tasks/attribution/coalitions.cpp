// Shapley values and their axioms, sampled ones beside exact ones, and faithfulness of orders whose answer is known.
#include "tasks/attribution/coalitions.h"

#include <cmath>
#include <numeric>

#include "tests/support/support.h"

using namespace attribution;

namespace {

// A game of five words that is no sum: words 0 and 1 are alike, word 4 does nothing.
double game(const Coalition& there) {
  const double pair = there[0] + there[1];
  return 2 + 3 * pair * pair - 1.5 * (there[2] && pair > 0) + 0.25 * there[3];
}

std::vector<double> worth(const std::vector<Coalition>& asked) {
  std::vector<double> values;
  for (const Coalition& there : asked) values.push_back(game(there));
  return values;
}

// A game of any number of words, with neighbours that help each other in twos and threes: of twos alone an order and
// its reverse say all.
std::vector<double> chain(const std::vector<Coalition>& asked) {
  std::vector<double> values;
  for (const Coalition& there : asked) {
    double v = 0;
    for (size_t i = 0; i < there.size(); ++i) {
      v += there[i] ? double(i % 5) - 1.5 : 0;
      if (i > 0 && there[i] && there[i - 1]) v += 0.5 * double(i % 3);
      if (i > 1 && there[i] && there[i - 1] && there[i - 2]) v += double(i % 4);
    }
    values.push_back(v);
  }
  return values;
}

double sum_of(const std::vector<double>& x) { return std::accumulate(x.begin(), x.end(), 0.0); }

}  // namespace

TEST_CASE("shapley: shares add up, equal words have equal shares, a word that does nothing has none") {
  const Shapley exact = shapley_exact(5, worth), sampled = shapley_sampled(5, 40, 3, worth);
  for (const Shapley& found : {exact, sampled}) {
    CHECK(sum_of(found.shares) == doctest::Approx(found.all - found.none).epsilon(1e-12));
    CHECK(found.all == doctest::Approx(2 + 12 - 1.5 + 0.25));
    CHECK(found.none == doctest::Approx(2));
    CHECK(std::abs(found.shares[4]) < 1e-12);
  }
  CHECK(exact.shares[0] == doctest::Approx(exact.shares[1]).epsilon(1e-12));
  // by hand: the pair's square is 3, 9 on top of one another, 6 each; word 2 loses 1.5 unless it comes first of three
  CHECK(exact.shares[2] == doctest::Approx(-1.5 * 2 / 3));
  CHECK(exact.shares[3] == doctest::Approx(0.25));
  CHECK(exact.exact);
  CHECK(!sampled.exact);
}

TEST_CASE("shapley: sampled shares are the exact ones within their standard errors, which shrink as samples grow") {
  const Shapley exact = shapley_exact(10, chain);
  double squares = 0;
  const int seeds = 40;
  for (int seed = 0; seed < seeds; ++seed) {
    const Shapley found = shapley_sampled(10, 30, uint64_t(seed), chain);
    CHECK(sum_of(found.shares) == doctest::Approx(found.all - found.none));
    for (size_t i = 0; i < 10; ++i) {
      if (found.errors[i] < 1e-12) continue;
      const double z = (found.shares[i] - exact.shares[i]) / found.errors[i];
      squares += z * z / double(seeds * 10);
    }
  }
  CHECK(squares < 1.6);  // 1 were they normal and independent
  const Shapley few = shapley_sampled(10, 20, 1, chain), many = shapley_sampled(10, 320, 1, chain);
  CHECK(sum_of(many.errors) < 0.4 * sum_of(few.errors));
  CHECK(sum_of(many.errors) > 0.15 * sum_of(few.errors));
}

TEST_CASE("shapley: up to twelve words exact, above sampled; the same seed, the same shares") {
  CHECK(shapley(12, 5, 1, chain).exact);
  const Shapley a = shapley(13, 5, 1, chain);
  CHECK(!a.exact);
  CHECK(a.shares == shapley(13, 5, 1, chain).shares);
  CHECK(a.shares != shapley(13, 5, 2, chain).shares);
  CHECK(shapley_exact(1, chain).shares[0] == doctest::Approx(-1.5));
  CHECK(test::error_of([] { shapley_exact(21, chain); }).find("at most 20") != std::string::npos);
  CHECK(test::error_of([] { shapley_sampled(13, 1, 1, chain); }).find("at least 2") != std::string::npos);
}

TEST_CASE("occlusion: what is lost with each word alone") {
  const std::vector<double> shares = occlusion(5, worth);
  CHECK(shares[0] == doctest::Approx(9));  // 12 less 3
  CHECK(shares[2] == doctest::Approx(-1.5));
  CHECK(shares[3] == doctest::Approx(0.25));
  CHECK(shares[4] == doctest::Approx(0));
}

TEST_CASE(
    "faithfulness: of a sum of ten words, the best order loses most without its first and least with them alone") {
  const auto sum = [](const std::vector<Coalition>& asked) {
    std::vector<double> values;
    for (const Coalition& there : asked) {
      double v = 0;
      for (size_t i = 0; i < there.size(); ++i) v += there[i] ? double(i) / 45 : 0;
      values.push_back(v);
    }
    return values;
  };
  std::vector<int> best(10), worst(10);
  std::iota(worst.begin(), worst.end(), 0);
  std::reverse_copy(worst.begin(), worst.end(), best.begin());
  const Faithfulness good = faithfulness(best, kFractions, sum), bad = faithfulness(worst, kFractions, sum);
  // r = 1, 1, 1, 2, 5 of the ten: 9, 9, 9, 17, 35 of 45
  CHECK(good.comprehensiveness_aopc == doctest::Approx((9 + 9 + 9 + 17 + 35) / 45.0 / 5));
  CHECK(good.sufficiency_aopc == doctest::Approx(1 - good.comprehensiveness_aopc));
  CHECK(bad.comprehensiveness_aopc == doctest::Approx((0 + 0 + 0 + 1 + 10) / 45.0 / 5));
  CHECK(good.probability == doctest::Approx(1));
}
