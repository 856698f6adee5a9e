// Recommend: what a file may lack, and where an interaction without a time stands.
#include <set>

#include "tasks/recommend/split.h"
#include "tests/support/support.h"

using namespace recommend;
using test::error_of;

namespace {

long times_of(const Data& data, const std::string& what) {
  for (const text::Warning& w : data.findings)
    if (w.what.find(what) != std::string::npos) return w.count;
  return -1;
}

}  // namespace

TEST_CASE("recommend: what has no time stands behind the row before it, whatever is drawn among equal times") {
  std::set<int> first;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const Data d = read_tables(
        text::parse_table("user\titem\ttime\nu\ta\t5\nu\tb\t\nu\tc\t\nu\td\t5\nu\te\t6\n", "t.tsv"), {}, {}, seed);
    std::vector<int> order;
    for (const Event& event : d.histories[0]) order.push_back(event.item);
    const bool in_front = order == std::vector<int>{0, 1, 2, 3, 4}, behind = order == std::vector<int>{3, 0, 1, 2, 4};
    CHECK((in_front || behind));
    first.insert(order[0]);
    CHECK(times_of(d, "has the time of the user's one before") == 1);
    CHECK(times_of(d, "without a time") == 2);
  }
  CHECK(first.size() == 2);
}

TEST_CASE("recommend: of JSON lines an item may lack what others say of theirs, and an interaction its time") {
  const test::TemporaryDirectory dir;
  DataOptions o;
  o.items = dir.write("items.jsonl", R"({"id": "a", "title": "One"}
{"id": "b"}
{"id": "c", "description": "a boat", "tags": ["sea", "wind"]}
)");
  o.interactions = dir.write("taken.jsonl", R"({"user": "u", "item": "a"}
{"user": "u", "item": "b", "time": 7}
)");
  const Data d = read_data(o, 1);
  CHECK(d.items[2].words() == "a boat sea wind");
  CHECK(times_of(d, "an item has no text") == 1);
  CHECK(times_of(d, "without a time") == 1);
  CHECK(d.histories[0][1].item == 1);
  o.interactions = dir.write("users.jsonl", "{\"user\": \"u\", \"item\": \"a\"}\n{\"item\": \"b\"}\n");
  CHECK(error_of([&] { read_data(o, 1); }) == o.interactions + ":2: no 'user', which line 1 has");
}

TEST_CASE("recommend: an interaction has its kind, the weightiest first; what comes twice has the weightier one") {
  DataOptions o;
  o.kinds = "click=1,buy=3,view=1";
  const Data d = read_tables(
      text::parse_table("user\titem\ttime\tkind\nu\ta\t1\tclick\nu\tb\t2\tview\nu\tc\t3\tbuy\nu\ta\t4\tbuy\n", "t.tsv"),
      {}, o, 1);
  CHECK(d.kinds == std::vector<std::string>{"buy", "click", "view"});
  std::vector<int> kinds;
  for (const Event& event : d.whole(0)) kinds.push_back(event.kind);
  CHECK(kinds == std::vector<int>{0, 2, 0});
  CHECK(read_tables(text::parse_table("user\titem\tkind\nu\ta\tbuy\n", "t.tsv"), {}, {}, 1).kinds.empty());
}

namespace {

// "item:weight:kind ..." of one user's part of a split.
std::string weights_of(const History& history) {
  std::string all;
  for (const Event& e : history) all += fmt::format("{}:{:g}:{} ", e.item, e.weight, e.kind);
  return all;
}

}  // namespace

TEST_CASE(
    "recommend: what is taken again adds its weight where it was there before what is held out, and else nowhere") {
  DataOptions o;
  o.kinds = "buy=3,click=1";
  std::string rows = "user\titem\ttime\tkind\n";
  // u: a again at 2 and, by then bought, at 7 and at 9; c is held out for the dev part at 6, d for the test at 8
  for (const char* row :
       {"a\t1\tclick", "a\t2\tclick", "b\t3\tclick", "c\t6\tclick", "a\t7\tbuy", "d\t8\tclick", "a\t9\tbuy"})
    rows += fmt::format("u\t{}\n", row);
  for (int i = 0; i < 6; ++i) rows += fmt::format("v\tx{}\t{}\tclick\n", i, i - 10);  // the time cuts: at 6, at 8
  const Data d = read_tables(text::parse_table(rows, "t.tsv"), {}, o, 1);
  for (const char* protocol : {"last", "time"}) {
    const Split split = split_by(protocol, d, 1);
    CHECK(weights_of(split.train[0]) == "0:2:1 1:1:1 ");
    CHECK(weights_of(split.known[0]) == "0:5:0 1:1:1 2:1:1 ");
  }
  CHECK(weights_of(d.whole()[0]) == "0:8:0 1:1:1 2:1:1 3:1:1 ");
  CHECK(d.events() == 10);
}

TEST_CASE(
    "recommend: tags stand between separators of any length, without the blanks around them; of none there is no use") {
  const auto tags = [](const std::string& separator, const std::string& cell) {
    DataOptions o;
    o.tag_separator = separator;
    return read_tables(text::parse_table("user\titem\nu\ta\n", "t.tsv"),
                       text::parse_table("id\ttitle\ttags\na\tOne\t" + cell + "\n", "i.tsv"), o, 1)
        .items[0]
        .tags;
  };
  using Tags = std::vector<std::string>;
  CHECK(tags("|", "sea|wind") == Tags{"sea", "wind"});
  CHECK(tags("|", " sea | open wind ||") == Tags{"sea", "open wind"});
  CHECK(tags(", ", "sea, wind,rain") == Tags{"sea", "wind,rain"});
  CHECK(tags("\xC2\xB7", "sea \xC2\xB7 wind") == Tags{"sea", "wind"});
  CHECK(tags("::", "") == Tags{});
  CHECK(error_of([&] { tags("", "sea"); }) == "--tag-separator: what stands between tags is nothing");
}

TEST_CASE("recommend: tags are a set, and a weight that is no use to a sum is refused where it stands") {
  const auto read = [](const std::string& interactions, const std::string& items, const DataOptions& o) {
    return read_tables(text::parse_table(interactions, "t.tsv"), text::parse_table(items, "i.tsv"), o, 1);
  };
  const std::string events = "user\titem\tkind\tw\nu\ta\tbuy\t1\nu\tb\tclick\t1e30\n";
  const Data d = read(events, "id\ttitle\ttags\na\tA\tx|y|x\nb\tB\tx\n", {});
  CHECK(d.items[0].tags == std::vector<std::string>{"x", "y"});
  CHECK(times_of(d, "a tag that an item has twice counts once") == 1);
  DataOptions o;
  o.weight_column = "w";
  CHECK(error_of([&] {
          read(events, "id\ttitle\na\tA\nb\tB\n", o);
        }).ends_with(": the weight must be a number from 0 to 1e+09; got '1e30'"));
  o.weight_column = "";
  for (const auto& [kinds, why] : {std::pair{"buy=inf,click=1", "weights above 0 to 1e+09; got 'buy=inf'"},
                                   std::pair{"buy=3,buy=1", "--kinds: 'buy' is there twice"}}) {
    o.kinds = kinds;
    CHECK_MESSAGE(error_of([&] { read(events, "id\ttitle\na\tA\nb\tB\n", o); }).ends_with(why), kinds);
  }
  o.kinds = "buy=3, click = 1";
  CHECK(read(events, "id\ttitle\na\tA\nb\tB\n", o).events() == 2);
}
