// JSON lines: what of an object is no cell, and escapes that are no character.
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

TEST_CASE(
    "jsonl: an escape of half a surrogate pair becomes U+FFFD, which is said; a pair stays, and what is no escape") {
  const std::string line = R"({"te\udc00xt":"\ud83d x \uDE00\ud83d\ud83d\ude00 \\ud83d\u00e9 \\\ud83d"})";
  const Table table = parse_table(line + "\n", "r.jsonl", {.format = "", .keep_objects = true});
  CHECK(table.columns[0] == "te\uFFFDxt");
  CHECK(table.rows[0][0] == "\uFFFD x \uFFFD\uFFFD\U0001F600 \\ud83d\u00E9 \\\uFFFD");
  CHECK(table.objects[0] == line);
  REQUIRE(table.warnings.size() == 1);
  CHECK(to_string(table.warnings[0]) == "r.jsonl:1: an escape of half a surrogate pair became U+FFFD (5 in all)");
  for (const char* broken : {R"({"a":"\ud83"})", R"({"a":"\ud83)", R"({"a":"\u-d83"})", R"({"a":"\)"})
    CHECK(test::error_of([&] { parse_table(broken, "r.jsonl"); }).starts_with("r.jsonl:1: not JSON"));
}
