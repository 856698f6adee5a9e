// Pairs of sentences that differ in one word: that they do, and what their shifts are, by hand.
#include "tasks/sentiment/counterfactual.h"

#include <cmath>
#include <set>

#include "tests/support/support.h"

using namespace test;
using namespace sentiment;

TEST_CASE("counterfactual: every pair differs in what was exchanged alone, and no sentence stands there twice") {
  CHECK(contrasts().size() == 8);
  std::set<std::string> languages;
  for (const Contrast& contrast : contrasts()) {
    languages.insert(contrast.language);
    CHECK(contrast.templates.size() >= 8);
    const std::vector<std::string> all = sentences(contrast);
    REQUIRE(all.size() == 2 * contrast.templates.size() * contrast.swaps.size());
    size_t i = 0;
    for (const std::string& text : contrast.templates) {
      CHECK_MESSAGE(text.find("{}") != std::string::npos, text);
      for (size_t s = 0; s < contrast.swaps.size(); ++s, i += 2) {
        CHECK(all[i] != all[i + 1]);
        CHECK_MESSAGE(all[i].find_first_of("{}") == std::string::npos, all[i]);
        const std::string tail = text.substr(text.find("{}") + 2);
        CHECK(all[i].ends_with(tail));
        CHECK(all[i + 1].ends_with(tail));
      }
    }
  }
  CHECK(languages == std::set<std::string>{"English", "German"});
  const Contrast pronouns{"", "", {"{} laughed", "then {} left"}, {{"she", "he"}}};
  CHECK(sentences(pronouns) == std::vector<std::string>{"She laughed", "He laughed", "then she left", "then he left"});
}

TEST_CASE("counterfactual: shift, interval over templates, distance and changed classes, by hand") {
  const Contrast two{"", "", {"a {}", "b {}"}, {{"x", "y"}, {"u", "v"}}};
  // of class 1 the pairs differ by 0.1 and 0.3, then by 0 and 0.2: templates 0.2 and 0.1
  const std::vector<std::vector<double>> p{{0.6, 0.4}, {0.5, 0.5}, {0.7, 0.3}, {0.4, 0.6},
                                           {0.9, 0.1}, {0.9, 0.1}, {0.6, 0.4}, {0.4, 0.6}};
  const ContrastReport r = contrast_report(two, p, 1);
  CHECK(r.pairs == 4);
  CHECK(r.classes[1].mean == doctest::Approx(0.15));
  CHECK(r.classes[0].mean == doctest::Approx(-0.15));
  CHECK(r.classes[1].distance == doctest::Approx(0.15));
  CHECK(r.changed == doctest::Approx(0.5));  // the second pair and the fourth
  CHECK(r.classes[1].half ==
        doctest::Approx(12.7062 * 0.05).epsilon(1e-4));  // t of one degree, deviation 0.0707 / sqrt 2
  CHECK(!r.classes[1].shown());
  CHECK(contrast_report(two, p, 4).classes[1].half > r.classes[1].half);
  CHECK(error_of([&] {
          contrast_report({"", "", {"a {}"}, {{"x", "y"}}}, {p[0], p[1]}, 1);
        }).find("two templates at least") != std::string::npos);
}
