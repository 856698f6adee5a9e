// Entities among words, by hand.
#include "tasks/score/spans.h"

#include "tests/support/support.h"

using namespace score;
using doctest::Approx;

TEST_CASE("spans: entities begin at B-, or at an I- of another type, as conlleval reads them") {
  using Tags = std::vector<std::string>;
  CHECK(spans_of(Tags{"O", "B-city", "I-city", "B-city", "O", "I-day", "I-day", "I-city"}) ==
        std::vector<Span>{{1, 3, "city"}, {3, 4, "city"}, {5, 7, "day"}, {7, 8, "city"}});
  CHECK(spans_of(Tags{"O", "O"}).empty());
  // Two of the three that are said are right; two of the three that there are were found.
  CHECK(entity_f1({{"B-a", "I-a", "O", "B-b"}, {"B-a", "O"}}, {{"B-a", "I-a", "O", "B-a"}, {"B-a", "O"}}) ==
        test::exactly(2. / 3));
  CHECK(entity_f1({{"B-a", "I-a"}}, {{"B-a", "O"}}) == 0);  // half an entity is none
  CHECK(test::error_of([] {
          entity_f1({{"O", "O"}}, {{"O"}});
        }) == "entity_f1: a tag for every word; text 0 has 2 words and 1 tags");
}
