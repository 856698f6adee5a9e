// Confident learning by hand: seven texts of two labels.
#include "tasks/score/confident.h"

#include "tests/support/support.h"

using namespace test;
using doctest::Approx;

TEST_CASE(
    "confident_joint: thresholds, counts, the joint and the wrong share of seven texts, computed by hand (golden)") {
  const std::vector<int> given{0, 0, 0, 1, 1, 1, 0};
  const std::vector<std::vector<double>> p{{.9, .1}, {.8, .2}, {.1, .9}, {.3, .7}, {.2, .8}, {.65, .35}, {.55, .45}};
  const score::ConfidentJoint c = score::confident_joint(p, given, 2);
  CHECK(c.thresholds[0] == Approx((.9 + .8 + .1 + .55) / 4));  // .5875
  CHECK(c.thresholds[1] == Approx((.7 + .8 + .35) / 3));       // .6167
  CHECK(c.believed == std::vector<int>{0, 0, 1, 1, 1, 0, -1});
  CHECK(c.counts == std::vector<std::vector<long>>{{2, 1}, {1, 2}});
  CHECK(c.joint[0][0] == Approx(2. / 3 * 4 / 7));
  CHECK(c.joint[0][1] == Approx(1. / 3 * 4 / 7));
  CHECK(c.joint[1][0] == Approx(1. / 3 * 3 / 7));
  CHECK(c.joint[1][1] == Approx(2. / 3 * 3 / 7));
  CHECK(c.wrong_share() == Approx(1. / 3));
  CHECK(c.suspects(2, 0));
  CHECK(c.suspects(5, 1));
  CHECK(!c.suspects(0, 0));
  CHECK(!c.suspects(6, 0));  // below both thresholds: not counted
}

TEST_CASE(
    "confident_joint: a label that nothing is believed to have keeps one right text; one without texts has no row") {
  const score::ConfidentJoint c = score::confident_joint({{.9, .1, 0}, {.8, .2, 0}},
                                                         {
                                                             0,
                                                             1,
                                                         },
                                                         3);
  CHECK(c.believed == std::vector<int>{0, 1});
  CHECK(c.joint[2] == std::vector<double>{0, 0, 0});
  const score::ConfidentJoint all = score::confident_joint({{.6, .4}, {.9, .1}, {.95, .05}, {.9, .1}}, {0, 0, 1, 1}, 2);
  CHECK(all.counts[1] == std::vector<long>{2, 1});  // .1 reaches its own mean of .075, but .9 is more
  CHECK(all.counts[0] == std::vector<long>{1, 1});  // .6 is under the mean of .75
}

TEST_CASE("normalised_margin: from 0, another label has all, to 1; rows that are no probabilities of K are refused") {
  CHECK(score::normalised_margin({.1, .9}, 0) == Approx(.1));
  CHECK(score::normalised_margin({.2, .5, .3}, 1) == Approx(.6));
  CHECK(error_of([] {
          score::confident_joint({{.5, .5}}, {2}, 2);
        }).find("labels are 0 ... 1; got 2") != std::string::npos);
  CHECK(error_of([] { score::confident_joint({{1}}, {0}, 2); }).find("2 probabilities a text; got 1") !=
        std::string::npos);
}
