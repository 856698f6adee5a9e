// What questions for calibration say of an assistant's certainty.
#include "tasks/answer/assistant.h"

#include <cmath>

#include "tests/support/support.h"

using namespace test;
using namespace answer;

TEST_CASE("answer: of few questions, or few wrong ones, the temperature stays 1, and a doubt says so") {
  const auto calibrated = [](int right, int wrong) {
    Read kept;
    kept.logits.assign(size_t(right + wrong), {2, 1});
    Indices classes(size_t(right), 0);
    classes.insert(classes.end(), size_t(wrong), 1);
    const Calibration c = calibrate(kept, classes, Scope({}, {}), {.refuse = 0, .ask = 0.5});
    CHECK(c.questions == right + wrong);
    return c;
  };
  for (const auto& [right, wrong] : {std::pair{2, 0}, {20, 9}, {40, 4}}) {
    const Calibration c = calibrated(right, wrong);
    CHECK(c.temperature == 1);
    REQUIRE(!c.doubts.empty());
    CHECK(c.doubts.back() ==
          fmt::format("calibration: {} questions, {} of them wrong, are too few for a temperature, which needs 30 and "
                      "5: it stays 1",
                      right + wrong, wrong));
  }
  const Calibration c = calibrated(40, 8);
  CHECK(c.temperature == doctest::Approx(1 / std::log(5.0)));  // that makes the odds 5 to 1
  CHECK(c.doubts.empty());
}
