// How a model is asked: a hidden word by the ids that are read, in every window.
#include "tasks/attack/victim.h"

#include "tests/support/support.h"

using namespace test;

TEST_CASE("attack: of a hidden word every piece is the id of [UNK], in every window that has it, and no more") {
  const text::WordPiece tokenizer({"[PAD]", "[UNK]", "[CLS]", "[SEP]", "gro", "##ss", "##e", "film", "[", "unk", "]"});
  const auto ids = [&](const attack::Query& query, const model::Reading& how) {
    std::vector<std::vector<int>> all;
    for (const text::Encoding& window : attack::encoded({query}, tokenizer, how).windows) all.push_back(window.ids);
    return all;
  };
  using Ids = std::vector<std::vector<int>>;
  CHECK(ids({"film grosse film"}, {}) == Ids{{2, 7, 4, 5, 6, 7, 3}});
  CHECK(ids({"film grosse film", 5, 11}, {}) == Ids{{2, 7, 1, 1, 1, 7, 3}});
  CHECK(ids({"film [UNK] film"}, {}) == Ids{{2, 7, 8, 9, 10, 7, 3}});  // in a text it is none
  const model::Reading windows{.max_length = 5, .too_long = "window"};
  CHECK(ids({"film grosse film", 5, 11}, windows) == Ids{{2, 7, 1, 1, 3}, {2, 1, 1, 7, 3}});
  CHECK(ids({"film grosse film", 12, 16}, {.max_length = 5, .too_long = "cut"}) == Ids{{2, 7, 4, 5, 3}});
}
