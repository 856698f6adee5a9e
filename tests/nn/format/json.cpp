// JSON from anybody: what is refused, and that time and memory do not run away.
#include "nn/format/json.h"

#include <nlohmann/json.hpp>

#include "tests/support/support.h"

using namespace test;
using nn::json;

TEST_CASE("json: a value is read as nlohmann reads it, an object's keys in their order where that is asked for") {
  const std::string text = R"({"b": [1, -2, 0.5, {"x": null, "a": true}, [], {}], "a": "ü\n"})";
  CHECK(nn::parse_json(text, "f").dump() == nlohmann::json::parse(text).dump());
  CHECK(nn::parse_ordered_json(text, "f").dump() == nlohmann::ordered_json::parse(text).dump());
  CHECK(nn::parse_json(" 3 ", "f") == 3);
  CHECK(nn::parse_ordered_json("/* one */ {} // two", "f", true).empty());
}

TEST_CASE("json: repeated keys, deep nests, comments and what is no JSON are refused in one line that says where") {
  const auto refused = [](const std::string& text) {
    const std::string message = error_of([&] { nn::parse_json(text, "f"); });
    CHECK(error_of([&] { nn::parse_ordered_json(text, "f"); }) == message);
    CHECK(message.find('\n') == std::string::npos);
    return message;
  };
  CHECK(refused(R"({"a": 1, "b": 2, "a": 3})") == "f: the key 'a' is there twice");
  CHECK(refused(R"({"x": {"y": [{"a": 1, "a": 3}]}})") == "f: x: y: the key 'a' is there twice");
  CHECK(refused(R"({"a\u001b[31m": 1, "a\u001b[31m": 3})") == "f: the key 'a [31m' is there twice");
  CHECK(refused(R"([{"a": 1}, {"a": 1}])").empty());  // two objects
  CHECK(refused(std::string(65, '[') + std::string(65, ']')) == "f: JSON nested more than 64 deep");
  CHECK(refused(std::string(64, '[') + std::string(64, ']')).empty());
  CHECK(refused("{} // no").starts_with("f: not JSON: parse error at column 4"));
  CHECK(refused("{\n\"a\": }").starts_with("f: not JSON: parse error at line 2, column 6"));
  CHECK(refused("").starts_with("f: not JSON"));
  CHECK(refused("{\"a\": \"\xff\"}").starts_with("f: not JSON"));
  CHECK(refused("{\n\"a\": NaN}") ==
        "f: not JSON: NaN at line 2, which Python writes and JSON does not have; a number or null is needed");
  for (const char* infinity : {"{\"a\": Infinity}", "[-Infinity]"})
    CHECK(refused(infinity).starts_with("f: not JSON: Infinity at line 1, which Python writes"));
}

TEST_CASE("json: the members of a large object come one by one, and each only once") {
  std::vector<std::string> seen;
  const auto note = [&](const std::string& key, const json& value) { seen.push_back(key + value.dump()); };
  nn::parse_members(R"({"a": {"b": [1, {"c": 2}]}, "d": 3, "e": []})", "f", note);
  CHECK(seen == std::vector<std::string>{R"(a{"b":[1,{"c":2}]})", "d3", "e[]"});
  CHECK(error_of([&] { nn::parse_members(R"({"a": 1, "a": 2})", "f", note); }) == "f: the key 'a' is there twice");
  for (const char* other : {"[]", "3", "\"a\""})
    CHECK(error_of([&] { nn::parse_members(other, "f", note); }) == "f: must be a JSON object");
}

TEST_CASE("json: a file is regular and of bounded size, or it is not read") {
  const TemporaryDirectory dir;
  CHECK(nn::read_json(dir.write("a.json", "\xEF\xBB\xBF{}")).empty());
  REQUIRE(run_shell("mkfifo " + dir.path + "/pipe").status == 0);
  for (const std::string& path :
       {dir.path + "/pipe", std::string("/dev/zero")})  // the one would wait, the other never end
    CHECK(error_of([&] { nn::read_json(path); }) == path + ": not a regular file");
  CHECK(
      error_of([&] { nn::read_regular_file(dir.write("b", "12345"), 4); }).ends_with("b: 5 bytes; at most 4 are read"));
  REQUIRE(run_shell("truncate -s 300M " + dir.path + "/large").status == 0);
  CHECK(error_of([&] { nn::read_json(dir.path + "/large"); }).find("bytes; at most") != std::string::npos);
}

TEST_CASE("json: an object takes what its keys hold, of the right type only; null is as nothing") {
  const json value = json::parse(R"({"n": 12.0, "half": 1.5, "s": "x", "nothing": null, "list": [1, 2], "on": true})");
  const nn::JsonObject object(value, "f");
  long n = 7, unchanged = 7;
  object.take("n", n);
  object.take("nothing", unchanged);
  CHECK(n == 12);
  CHECK(unchanged == 7);
  std::vector<long> list;
  object.take("list", list);
  CHECK(list == std::vector<long>{1, 2});
  double x = 0;
  std::string s;
  bool on = false;
  CHECK(error_of([&] { object.take("half", n); }) == "f: half: must be a whole number; got 1.5");
  CHECK(error_of([&] { object.take("s", x); }) == "f: s: must be a number; got \"x\"");
  CHECK(error_of([&] { object.take("on", x); }) == "f: on: must be a number; got true");
  CHECK(error_of([&] { object.take("n", s); }) == "f: n: must be a string; got 12.0");
  CHECK(error_of([&] { object.take("n", on); }) == "f: n: must be true or false; got 12.0");
  CHECK(error_of([&] { object.take("n", list); }) == "f: n: must be a list of whole numbers; got 12.0");
}
