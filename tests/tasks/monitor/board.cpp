// Board: what a bin's counts become before they are judged, and which names are followed.
#include "tasks/monitor/board.h"

#include "tasks/monitor/output.h"
#include "tests/support/support.h"

using namespace test;
using namespace monitor;
using doctest::Approx;

namespace {

Board board_of(BoardOptions options, const std::vector<std::string>& topics = {},
               const std::vector<std::vector<double>>& topic_confusion = {},
               const std::vector<std::vector<double>>& negative_confusion = {},
               const std::vector<std::vector<double>>& entity_confusion = {}) {
  options.settle();
  return {options, topics, topic_confusion, negative_confusion, entity_confusion};
}

void add(Board& board, long hour, const Said& said, int times = 1) {
  for (int i = 0; i < times; ++i) {
    Record r;
    r.time = 1704067200 + 3600 * hour, r.text = "a text";
    REQUIRE(board.check_time(r).empty());
    board.add(r, said);
  }
}

const Point& last(const Board& board, const std::string& kind, const std::string& name) {
  return board.series().at(kind + "\xff" + name).history.back();
}

}  // namespace

TEST_CASE("Board: counts of a head that confuses topics are those that it would have had without") {
  // of 40 texts about a and 20 about b, none negative, 32 + 2 are said to be about a
  Board board = board_of({}, {"a", "b"}, {{8, 2}, {1, 9}});
  add(board, 0, {.topic = "a"}, 34);
  add(board, 0, {.topic = "b"}, 26);
  board.finish();
  CHECK(last(board, "topic", "a").texts == Approx(40));
  CHECK(last(board, "topic", "b").texts == Approx(20));
  CHECK(last(board, "stream", "").texts == 60);
}

TEST_CASE("Board: negatives of a topic are corrected by what the head for moods confuses, and stay inside") {
  // 50 negative and 50 others: 40 + 5 are said to be negative
  Board board = board_of({}, {}, {}, {{9, 1}, {2, 8}});
  add(board, 0, {.topic = "a", .negative = true}, 45);
  add(board, 0, {.topic = "a"}, 55);
  add(board, 0, {.topic = "b"}, 30);  // fewer than are said by mistake: none
  board.finish();
  CHECK(last(board, "topic", "a").negatives == Approx(50));
  CHECK(last(board, "topic", "b").negatives == Approx(0));
  CHECK(last(board, "topic", "b").texts == 30);
}

TEST_CASE("Board: negatives of a name are corrected by what the head for names confuses, and by no other's") {
  // towards a: 50 negative and 50 others, of which 40 + 5 are said to be negative
  Board board = board_of({}, {}, {}, {{5, 5}, {0, 10}}, {{9, 1}, {2, 8}});
  add(board, 0, {.topic = "t", .entities = {{.name = "a", .negative = true}}}, 45);
  add(board, 0, {.topic = "t", .negative = true, .entities = {{"a"}}}, 55);
  board.finish();
  CHECK(last(board, "entity", "a").negatives == Approx(50));
  CHECK(last(board, "topic", "t").negatives == Approx(10));
  Board without = board_of({}, {}, {}, {{5, 5}, {0, 10}});
  add(without, 0, {.topic = "t", .entities = {{.name = "a", .negative = true}}}, 45);
  without.finish();
  CHECK(last(without, "entity", "a").negatives == 45);
}

TEST_CASE("Board: of more names than are followed the one that was not seen for longest is forgotten") {
  BoardOptions o;
  o.entities = 2, o.lateness = "0s";
  Board board = board_of(o);
  const auto followed = [&] {
    std::string names;
    for (const auto& [key, s] : board.series())
      if (s.kind == "entity") names += s.name;
    return names;
  };
  add(board, 1, {.topic = "t", .entities = {{"a"}, {"a"}}});
  add(board, 2, {.topic = "t", .entities = {{"b"}}});
  add(board, 3, {.topic = "t", .entities = {{"a"}}});
  CHECK(followed() == "ab");
  add(board, 4, {.topic = "t", .entities = {{"c"}}});
  CHECK(followed() == "ac");
  board.finish();
  CHECK(last(board, "entity", "c").texts == 1);
  CHECK(board.series()
            .at("entity\xff"
                "a")
            .history.front()
            .texts == 1);  // twice in a text is once
  BoardOptions none;
  none.entities = 0;
  Board without = board_of(none);
  add(without, 1, {.topic = "t", .entities = {{"a"}}});
  CHECK(without.series().size() == 2);  // the stream and the topic
}

TEST_CASE("Board: of a name as many bins are kept as a trend needs") {
  BoardOptions o;
  o.trend = 60;
  Board board = board_of(o);
  for (long hour = 0; hour < 70; ++hour) add(board, hour, {.topic = "t", .entities = {{"a"}}});
  board.finish();
  CHECK(board.series()
            .at("entity\xff"
                "a")
            .history.size() == 60);
}

TEST_CASE("Board: half a year of nothing is one hole, and what was open before it is counted") {
  Board board = board_of({});
  add(board, 0, {.topic = "t"}, 5);
  Record later;
  later.time = 1704067200 + 3600 * 5000;
  for (int i = 0; i < 9; ++i) CHECK(board.check_time(later) == "clock");
  CHECK(board.check_time(later).empty());
  CHECK(last(board, "topic", "t").texts == 5);
  board.add(later, {.topic = "t"});
  board.finish();
  CHECK(last(board, "topic", "t").texts == 1);
  CHECK(board.series().at("topic\xfft").history.size() == 2);
}

TEST_CASE(
    "Board: when a clock goes back, what was counted is judged, and an alert that fires freezes no longer than told") {
  BoardOptions o;
  o.warm_up = "2d", o.freeze = "1d", o.watch = {"volume"}, o.calm = 1000, o.lateness = "2h";
  Board board = board_of(o);
  for (long hour = 1000; hour < 1100; ++hour) add(board, hour, {.topic = "t"}, 5);
  add(board, 1100, {.topic = "t"}, 60);
  Record earlier;
  earlier.time = 1704067200;
  for (int i = 0; i < 9; ++i) CHECK(board.check_time(earlier) == "clock");
  CHECK(board.check_time(earlier).empty());
  CHECK(last(board, "topic", "t").texts == 60);
  REQUIRE(board.series().at("topic\xfft").firing());
  for (long hour = 0; hour < 200; ++hour) add(board, hour, {.topic = "t"}, 60);
  CHECK(last(board, "topic", "t").expected > 20);  // became ordinary
}

TEST_CASE("Board: a silence is one alert: it resolves with the time at which it fired, from a state, too") {
  BoardOptions o;
  o.warm_up = "1d";
  Board board = board_of(o), resumed = board_of(o);
  for (long hour = 0; hour < 48; ++hour) add(board, hour, {.topic = "t"}, 5);
  add(board, 70, {.topic = "t"});
  const std::vector<Event> fired = board.take_events();
  REQUIRE(fired.size() == 1);
  resumed.restore(board.saved());
  for (Board* one : {&board, &resumed}) {
    add(*one, 71, {.topic = "t"}, 5);
    add(*one, 72, {.topic = "t"}, 5);
    const std::vector<Event> over = one->take_events();
    REQUIRE(over.size() == 1);
    const auto first = to_json(fired[0], nullptr), last = to_json(over[0], nullptr);
    CHECK(last["event"] == "resolved");
    CHECK(last["starts_at"] == first["starts_at"]);
    CHECK(last["at"] == "2024-01-03T23:00:00Z");  // the end of the bin with a text
    CHECK(last["lasted"] == fmt::format("{}h", (over[0].at - fired[0].at) / 3600));
    CHECK(over[0].at - fired[0].at > 10 * 3600);
    for (const Event& e : {fired[0], over[0]}) {
      const auto body = to_webhook(e, nullptr);
      CHECK(body["groupLabels"]["alertname"] == body["commonLabels"]["alertname"]);
      CHECK(body["groupKey"] == "{}:{alertname=\"NoData\"}");
      CHECK(body["alerts"][0]["startsAt"] == first["starts_at"]);
    }
  }
}

TEST_CASE("Board: spans and counts that cannot be are refused by the option's name") {
  const auto refused = [](auto change) {
    BoardOptions o;
    change(o);
    return error_of([&] { o.settle(); });
  };
  CHECK(refused([](BoardOptions& o) { o.bin = "7h"; }).find("--bin: a bin divides a day") == 0);
  CHECK(refused([](BoardOptions& o) { o.bin = "0s"; }).find("--bin: a bin divides a day") == 0);
  CHECK(refused([](BoardOptions& o) { o.lateness = "soon"; }).find("--lateness: a length of time is written as") == 0);
  CHECK(refused([](BoardOptions& o) { o.hits = 2; }).find("--for: 2 bins of the last 1") == 0);
  CHECK(refused([](BoardOptions& o) { o.watch = {}; }).find("--watch: nothing") == 0);
  CHECK(refused([](BoardOptions& o) { o.offset = "-15h"; }).find("--utc-offset: 14 hours at most") == 0);
  CHECK(refused([](BoardOptions& o) { o.offset = "-14h"; }).empty());
  CHECK(refused([](BoardOptions& o) { o.history = 23; }) == "--trend: 24 bins, of which --history keeps 23");
  CHECK(refused([](BoardOptions& o) { o.history = 24; }).empty());
}

TEST_CASE("metrics: a name keeps its quotes and line ends, a series without data has no value") {
  Board board = board_of({});
  add(board, 0, {.topic = "a \"b\"\n\\"});
  CHECK(metrics_of(board, {}).find("monitor_bin_texts{") == std::string::npos);  // no bin is closed
  board.finish();
  const std::string text = metrics_of(board, {.records = 3, .texts = 1, .bad = {{"no \"text\"", 2}}});
  CHECK(text.find("\nmonitor_records_total 3\n") != std::string::npos);
  CHECK(text.find(R"(monitor_bad_records_total{kind="no \"text\""} 2)") != std::string::npos);
  CHECK(text.find(R"(monitor_bin_texts{kind="topic",name="a \"b\"\n\\"} 1)") != std::string::npos);
}
