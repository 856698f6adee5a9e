// JSON lines: what of an object is no cell.
#include "tasks/text/data.h"
#include "tests/support/support.h"

using namespace text;

TEST_CASE("jsonl: keys that the first object does not have are counted, unless the objects are kept") {
  const std::string bytes = R"({"text":"a"}
{"id":7,"text":"b"}
{"text":"c","id":8,"n":[9]}
)";
  const Table table = parse_table(bytes, "r.jsonl");
  CHECK(table.columns == std::vector<std::string>{"text"});
  REQUIRE(table.warnings.size() == 1);
  CHECK(to_string(table.warnings[0]) ==
        "r.jsonl:2: keys that the first object does not have are left out, first 'id' (3 in all)");
  CHECK(parse_table(bytes, "r.jsonl", {.format = "", .keep_objects = true}).warnings.empty());
  CHECK(parse_table("{\"a\":1}\n{\"b\":2}\n", "r.jsonl", {.format = "", .optional_keys = {"a", "b"}}).warnings.empty());
}
