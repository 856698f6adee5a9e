// From figures to an answer: figures whose answer is known.
#include "tasks/explain/verdict.h"

#include <cmath>

#include "tests/support/support.h"

using namespace explain;

namespace {

// Three seeds of four texts; what an order loses, with some noise.
Row row(const std::string& name, double level, double noise = 0.01) {
  Row r{.name = name};
  for (int seed = 0; seed < 3; ++seed) {
    std::vector<double> x;
    for (int i = 0; i < 4; ++i) x.push_back(level + noise * std::sin(1 + 5 * i + 3 * seed));
    r.comprehensiveness.push_back(x);
    r.sufficiency.push_back(x);
    r.order.push_back(x);
    r.size.push_back(x);
  }
  return r;
}

std::string answer(double attention, double shapley, double noise = 0.01) {
  Comparison c;
  c.rows = {row("attention", attention, noise), row("shapley", shapley, noise), row("occlusion", 0.2), row(kSizes, 0.3),
            row(kRandom, 0.1, -noise)};
  c.texts = 12;
  return c.answer();
}

bool says(const std::string& text, const std::string& what) { return text.find(what) != std::string::npos; }

}  // namespace

TEST_CASE("mean: the error is that over texts, or over seeds where these differ more") {
  const Mean alike = mean_of({{0, 1}, {1, 0}, {0, 1}});
  CHECK(alike.mean == doctest::Approx(0.5));
  CHECK(alike.error == doctest::Approx(std::sqrt(0.3) / std::sqrt(6.0)));
  const Mean apart = mean_of({{0, 0}, {1, 1}, {2, 2}});
  CHECK(apart.mean == doctest::Approx(1));
  CHECK(apart.error == doctest::Approx(1 / std::sqrt(3.0)));
  CHECK(mean_of({{}, {3}}).mean == doctest::Approx(3));
}

TEST_CASE("answer: by the share of Shapley's gain over a random order, and only where both are shown") {
  CHECK(says(answer(0.1, 0.5), "explain? No."));
  CHECK(says(answer(0.2, 0.5), "explain? Hardly."));
  CHECK(says(answer(0.3, 0.5), "explain? In part."));
  CHECK(says(answer(0.3, 0.5), "Attention reaches 50 % of what Shapley's order does, 100 % of what the sizes"));
  CHECK(says(answer(0.42, 0.5), "explain? For the most part."));
  CHECK(says(answer(0.48, 0.5), "explain? Yes."));
  CHECK(says(answer(0.3, 0.5, 2), "These texts cannot tell"));
  CHECK(!says(answer(0.3, 0.5, 2), "Attention reaches"));
  CHECK(says(answer(0.02, 0.5), "explain? No."));  // worse than random
}

TEST_CASE("answer: it counts who is shown to be more faithful than attention, signless Shapley and chance left aside") {
  CHECK(says(answer(0.1, 0.5), "2 of the 2 other methods"));
  CHECK(says(answer(0.3, 0.5), "1 of the 2 other methods"));
  CHECK(says(answer(0.6, 0.5), "0 of the 2 other methods"));
}
