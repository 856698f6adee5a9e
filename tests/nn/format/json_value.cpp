// nn/format/json_value.h beside nlohmann's own values, which it must print and compare alike.
#include <doctest/doctest.h>

#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <random>

#include "nn/format/json.h"

using nn::json;
using nn::ordered_json;

namespace {

using Random = std::mt19937;

std::string random_key(Random& random) {
  static const char* kKeys[] = {"a", "Z", "text", "\xc3\xa4", "0", "10", "", "a\"b"};
  return kKeys[random() % 8];
}

// Draws values twice: ours, and nlohmann's.
template <class Ours, class Theirs>
struct Drawing {
  using Both = std::pair<Ours, Theirs>;
  Random random{7};

  static Both twice(const auto& value) { return {value, value}; }

  Both scalar(unsigned long kind) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
    static const double kNumbers[] = {
        0, -0., 1, 0.1, -2.5, 1e20, 1e-7, 123456789.125, 5e-324, 1.7976931348623157e308, kNaN, kInfinity};
    switch (kind) {
      case 0:
        return twice(nullptr);
      case 1:
        return twice(true);
      case 2:
        return twice(-7);
      case 3:
        return twice(uint64_t(-1));
      case 4:
        return twice(kNumbers[random() % 12]);
      case 5:
        return twice(0.1f);
      default:
        return twice(random_key(random) + "\n\x01 \xe2\x82\xac");
    }
  }

  Both list(int depth) {
    Both list{Ours::array(), Theirs::array()};
    for (unsigned n = random() % 4; n > 0; --n) {
      auto [ours, theirs] = value(depth - 1);
      list.first.push_back(ours);
      list.second.push_back(theirs);
    }
    return list;
  }

  Both object(int depth) {
    Both object{Ours::object(), Theirs::object()};
    for (unsigned n = random() % 5; n > 0; --n) {
      const std::string key = random_key(random);
      auto [ours, theirs] = value(depth - 1);
      object.first[key] = ours;
      object.second[key] = theirs;
    }
    if (random() % 3 == 0) {
      const std::string gone = random_key(random);
      CHECK(object.first.erase(gone) == object.second.erase(gone));
    }
    return object;
  }

  Both value(int depth) {
    const unsigned long kind = random() % (depth > 0 ? 9 : 7);
    return kind < 7 ? scalar(kind) : kind == 7 ? list(depth) : object(depth);
  }
};

template <class Ours, class Theirs>
void check_alike() {
  Drawing<Ours, Theirs> drawing;
  std::pair<Ours, Theirs> before;
  for (int i = 0; i < 2000; ++i) {
    const auto both = drawing.value(4);
    const auto& [ours, theirs] = both;
    REQUIRE(ours.dump() == theirs.dump());
    CHECK(ours.dump(2) == theirs.dump(2));
    CHECK(ours.size() == theirs.size());
    CHECK(ours.empty() == theirs.empty());
    CHECK((ours == before.first) == (theirs == before.second));
    CHECK(Ours::parse(ours.dump()).dump() == theirs.dump());
    const Ours copy = ours;
    CHECK(copy.dump() == theirs.dump());
    before = both;
  }
}

}  // namespace

TEST_CASE("a JSON value prints, counts and compares as nlohmann's does, with sorted and with ordered keys") {
  check_alike<json, nlohmann::json>();
  check_alike<ordered_json, nlohmann::ordered_json>();
}

TEST_CASE("a braced list of keys with values is an object, another one an array; the first of two equal keys counts") {
  const ordered_json object{{"b", 1}, {"a", {1, 2.5, "x", nullptr}}, {"c", {{"d", true}}}, {"b", 2}};
  CHECK(object.dump() == R"({"b":1,"a":[1,2.5,"x",null],"c":{"d":true}})");
  CHECK(ordered_json{{"a", {}}}.dump() == R"({"a":null})");
  CHECK(json(object).dump() == R"({"a":[1,2.5,"x",null],"b":1,"c":{"d":true}})");
  CHECK(ordered_json{1, {"a", 2}}.dump() == R"([1,["a",2]])");
  CHECK(ordered_json::array({{"a", 2}}).dump() == R"([["a",2]])");
  CHECK(ordered_json(std::map<std::string, std::vector<bool>>{{"k", {true, false}}}).dump() == R"({"k":[true,false]})");
  CHECK(json(std::vector<std::pair<std::string, int>>{{"k", 1}}).dump() == R"([["k",1]])");
  CHECK_THROWS_WITH_AS((void)json::object({{"a", 1}, 2}), doctest::Contains("\"key\""), nn::JsonError);
}

TEST_CASE("what is read of a JSON value is what it is, or an error that says what it is") {
  const json value{{"n", 3}, {"x", 2.75}, {"big", uint64_t(-1)}, {"t", "text"}, {"list", {1, 2, 3}}, {"yes", true}};
  CHECK(value.at("n").get<double>() == 3);
  CHECK(value.at("x").get<int>() == 2);
  CHECK(value.at("big").get<uint64_t>() == uint64_t(-1));
  const std::vector<long> list = value.at("list");
  CHECK(list == std::vector<long>{1, 2, 3});
  CHECK(value.value("t", "none") == "text");
  CHECK(value.value("none", 1.5) == 1.5);
  CHECK(value.at("n") == 3u);
  CHECK(value.at("n") > 2.5);
  CHECK(value.at("big") != -1);
  CHECK(value.at("t") == "text");
  CHECK(value.find("none") == value.end());
  CHECK(*value.find("yes") == json(true));
  CHECK_THROWS_WITH_AS((void)value.at("t").get<double>(), "type must be number, but is string", nn::JsonError);
  CHECK_THROWS_WITH_AS((void)value.at("n").get<std::string>(), "type must be string, but is number", nn::JsonError);
  CHECK_THROWS_WITH_AS((void)value.at("yes").get<std::vector<int>>(), "type must be array, but is boolean",
                       nn::JsonError);
  CHECK_THROWS_WITH_AS((void)value.at("none"), "key 'none' not found", nn::JsonError);
  CHECK_THROWS_WITH_AS((void)value.at("list")[3], "index 3 of an array of 3", nn::JsonError);
  CHECK_THROWS_WITH_AS(json(value).push_back(1), "type must be array, but is object", nn::JsonError);
}

TEST_CASE("a loop over a part of what a function returns holds that part") {
  const auto made = [] {
    return ordered_json{{"list", {"one text that is long enough to be stored elsewhere", 2}}, {"n", 1}};
  };
  std::string said;
  for (const ordered_json& value : made()["list"]) said += value.dump();
  for (const ordered_json& value : made().at("list")) said += value.dump();
  for (const auto& [key, value] : made().items()) said += key;
  const std::string once = "\"one text that is long enough to be stored elsewhere\"2";
  CHECK(said == once + once + "listn");
  CHECK(made()["list"][1] == 2);
}

TEST_CASE("null becomes an object by a key and an array by push_back; what is moved from is null") {
  json object, list;
  object["a"]["b"] = 1;
  CHECK(list.push_back("x") == "x");
  CHECK(object.dump() == R"({"a":{"b":1}})");
  CHECK(list.dump() == R"(["x"])");
  object.update({{"c", 2}, {"a", 0}});
  CHECK(object.dump() == R"({"a":0,"c":2})");
  const json moved = std::move(object);
  CHECK(object.is_null());  // NOLINT(bugprone-use-after-move): it is what is tested
  std::string values;
  for (const json& value : moved) values += value.dump();
  for (const auto& [key, value] : moved.items()) values += key;
  CHECK(values == "02ac");
}

TEST_CASE("bytes that are not UTF-8 are an error when printed, or replaced where that is asked for") {
  const json text("a\xff");
  CHECK_THROWS_AS((void)text.dump(), nn::JsonError);
  CHECK(text.line() == "\"a\xef\xbf\xbd\"");
  CHECK(json::parse_or_null("{") == json());
}
