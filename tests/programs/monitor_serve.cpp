// monitor over HTTP, and files that grow, shrink or are told slowly. Read tests/programs/monitor.cpp first.
#include "engine/strings.h"
#include "tests/support/monitor.h"

using namespace test;
using nn::json;

namespace {

// Waits for a line in a file: `wait_for PATTERN FILE`; while the process $p lives.
const std::string kWait =
    "wait_for() { until grep -qs -e \"$1\" \"$2\"; do kill -0 $p || exit 1; sleep 0.02; done; }; ";

std::vector<std::string> split_lines(const std::string& text) { return engine::split(text, '\n'); }

}  // namespace

TEST_CASE(
    "monitor: over HTTP the series, the texts of a bin, alerts and events are those of a replay; what is wrong has a "
    "status") {
  const TemporaryDirectory dir;
  const std::string stream = dir.write("s.jsonl", labelled_stream()), said = dir.path + "/said";
  const auto alerts = events_said(run_shell(program("monitor") + " replay " + stream + " --trend 48" + kQuiet).output);
  REQUIRE(alerts.size() >= 2);
  const Result result = run_shell(
      "OMP_NUM_THREADS=1 " + program("monitor") + " serve " + stream +
      " --labelled --lateness 0s --trend 48 --port 0 >" + said + " 2>&1 & p=$!; trap 'kill -TERM $p; wait $p' EXIT; " +
      kWait + "wait_for '^serving on' " + said + "; url=$(sed -n 's/^serving on \\([^ ]*\\) .*/\\1/p' " + said +
      "); get() { route=$1; shift; curl -s -g -w '\n%{http_code}\n' \"$url$route\" \"$@\"; }; "
      "until get /metrics | grep -q '^monitor_records_total " +
      std::to_string(events_said(labelled_stream()).size()) +
      "$' && get /api/series | grep -q 1709247600; do sleep 0.05; done; "  // the stream's last hour
      "get /api/series; get '/api/texts?kind=topic&name=rail&at=1707523200'; "
      "get '/api/texts?kind=topic&name=bus&at=1'; get '/api/texts?kind=topic&name=rail&at=now'; get /api/alerts; "
      "get /health; get / | tail -1; get /ui | grep -c -e '<title>' -e '^200$'; get /nowhere | tail -1; "
      "get '/api/events?last=many' | tail -1; get /api/events -H 'Last-Event-ID: 3' >" +
      dir.path + "/events; echo events; get /api/events -H 'Last-Event-ID: 1000000' >" + dir.path +
      "/before; last=$(get /api/series | sed -n 's/.*\"last\":\\([0-9]*\\).*/\\1/p'); get \"/api/events?last=$last\" "
      ">" +
      dir.path + "/held & q=$!; sleep 0.2; kill -TERM $p; wait $q; wait $p; echo $?; trap - EXIT");
  const std::vector<std::string> lines = split_lines(result.output);
  REQUIRE(lines.size() >= 18);
  const json series = json::parse(lines[0])["series"];
  REQUIRE(series.size() == 3);
  for (const json& one : series) {
    CHECK(one["points"].size() == 720);  // --history
    CHECK(one["points"].back()[0] == 1709247600);
    CHECK(one["trend"]["bins"] == 48);
    double texts = 0;
    for (size_t i = 720 - 48; i < 720; ++i) texts += one["points"][i][1].get<double>();
    CHECK(one["trend"]["texts"] == texts);
    CHECK(one["trend"]["low"] <= one["trend"]["slope"]);
  }
  CHECK(lines[1] == "200");
  const json texts = json::parse(lines[2])["texts"];  // in the first hour of the surge
  REQUIRE(texts.size() == 3);
  for (const json& text : texts) CHECK(text["time"].get<long>() / 3600 == 1707523200 / 3600);
  CHECK(json::parse(lines[4])["error"].get<std::string>() == "there is no topic 'bus'");
  CHECK(lines[5] == "404");
  CHECK(lines[7] == "422");
  CHECK(json::parse(lines[8])["alerts"] == json(alerts));
  CHECK(lines[10] == R"({"status":"ok"})");
  CHECK(lines[12] == "302");
  CHECK(lines[13] == "2");
  CHECK(lines[14] == "404");
  CHECK(lines[15] == "422");
  CHECK(lines[16] == "events");
  CHECK(lines[17] == "0");  // of a signal that ends a server
  const std::string events = nn::read_file(dir.path + "/events"), held = nn::read_file(dir.path + "/held");
  CHECK(events.find("retry: 200\n\n") == 0);
  CHECK(events.find("\nid: 3\n") == std::string::npos);
  const std::string before = nn::read_file(dir.path + "/before");  // the server that had so many events is gone
  CHECK(before.find("\nid: 3\n") != std::string::npos);
  CHECK(events.find("\nevent: alert\ndata: {\"event\":\"firing\"") != std::string::npos);
  CHECK(held == "retry: 200\n\n\n200\n");  // who waits for an event is answered when the server stops
  CHECK(nn::read_file(said).find("result task=serve records=") != std::string::npos);
}

TEST_CASE("monitor: /api/alerts knows an alert still when more than 500 bins have been closed behind it") {
  const TemporaryDirectory dir;
  std::string lines;
  for (int hour = 0; hour < 1000; ++hour)  // five texts an hour, thirty in the 400th
    for (int i = 0; i < (hour == 400 ? 30 : 5); ++i)
      lines +=
          fmt::format("{{\"time\":{},\"text\":\"{} in {}\"}}\n", 1704067200 + hour * 3600 + i * 60, i * 7919, hour);
  const std::string stream = dir.write("s.jsonl", lines), said = dir.path + "/said",
                    watch = stream + " --labelled --lateness 0s --near -1 --watch volume ";
  const auto alerts = events_said(call("monitor", "replay " + watch, "2>/dev/null").output);
  REQUIRE(alerts.size() >= 2);
  const Result result =
      run_shell(program("monitor") + " serve " + watch + "--speed 1e12 --port 0 >" + said +  // record by record
                " 2>&1 & p=$!; trap 'kill -TERM $p; wait $p' EXIT; " + kWait + "wait_for '^serving on' " + said +
                "; url=$(sed -n 's/^serving on \\([^ ]*\\) .*/\\1/p' " + said +
                "); until curl -s $url/api/series | grep -q 1707663600; do sleep 0.05; done; curl -s $url/api/alerts");
  CHECK_MESSAGE(json::parse(result.output)["alerts"] == json(alerts), result.output);
}

TEST_CASE("monitor: a stream that cannot be read ends the server with its line") {
  const TemporaryDirectory dir;
  const Result r = call("monitor", "serve " + dir.write("s.csv", "when,what\n1,a\n") + " --labelled --port 0");
  CHECK(r.status == 1);
  CHECK_MESSAGE(r.says("error: "), r.output);
  CHECK(r.says("there is no column 'time'"));
}

TEST_CASE("monitor: a file that is followed and becomes shorter is read from its beginning; SIGTERM ends it, counted") {
  for (const bool csv : {false, true}) {
    const TemporaryDirectory dir;
    const auto line = [&](int i) {
      return fmt::format(fmt::runtime(csv ? "{},news {} of {}\n" : "{{\"time\":{},\"text\":\"news {} of {}\"}}\n"),
                         1704067200 + 60 * i, i * 7919, i * 31);
    };
    const std::string header = csv ? "time,text\n" : "";
    std::string first = header;
    for (int i = 0; i < 10; ++i) first += line(i);
    if (csv) first += "1704067800,\"half a row\nof two lines";  // what is waited for
    const std::string file = dir.write("s", first), said = dir.path + "/said", metrics = dir.path + "/m";
    dir.write("second", header + line(11));
    const Result r = run_shell(
        program("monitor") + " run " + file + " --follow --labelled --save-every 1 --metrics " + metrics + " >" + said +
        " 2>&1 & p=$!; " + kWait + "wait_for '^monitor_texts_total 10$' " + metrics + "; cp " + dir.path + "/second " +
        file + "; wait_for '^monitor_texts_total 11$' " + metrics + "; kill -TERM $p; wait $p; echo $?");
    CHECK(r.output == "143\n");
    const std::string all = nn::read_file(said);
    CHECK_MESSAGE(all.find("has become shorter; it is read from its beginning") != std::string::npos, all);
    CHECK_MESSAGE(all.find("result task=run records=11 texts=11 repeats=0 bad=0") != std::string::npos, all);
  }
}

TEST_CASE("monitor: a recorded stream is told no faster than --speed, and says the same") {
  const TemporaryDirectory dir;
  const std::string stream = dir.write("s.jsonl",
                                       "{\"time\":1704067200,\"text\":\"trains are late\"}\n"
                                       "{\"time\":1704070800,\"text\":\"bread is fresh\"}\n");
  const Result slow = call("monitor", "replay " + stream + " --labelled --speed 7200"),
               fast = call("monitor", "replay " + stream + " --labelled");
  const size_t at = slow.last_line().find("seconds=");
  REQUIRE(at != std::string::npos);
  CHECK(std::stod(slow.last_line().substr(at + 8)) >= 0.5);  // an hour at two hours a second
  CHECK(fast.last_line().starts_with(slow.last_line().substr(0, at)));
}

TEST_CASE("monitor: a state that is damaged, of something else or without a configuration is refused in a line") {
  const TemporaryDirectory dir;
  const std::string stream = dir.write("s.jsonl", "{\"time\":1704067200,\"text\":\"trains are late\"}\n"),
                    state = dir.path + "/state", run = "run " + stream + " --labelled --state " + state;
  REQUIRE(call("monitor", run).status == 0);
  const json saved = json::parse(nn::read_file(state));
  const auto refused = [&](const json& changed, const std::string& why) {
    nn::write_file(state, changed.dump());
    const Result r = call("monitor", run);
    CHECK(r.status == 1);
    CHECK_MESSAGE(r.says(why), r.output);
    CHECK(nn::read_file(state) == changed.dump());
  };
  refused(json::array(), "is no state of this program");
  json other = saved;
  other["attune_monitor_state"] = 2;
  refused(other, "is no state of this program");
  other = saved;
  other.erase("configuration");
  refused(other, "is damaged: it has no configuration");
  other = saved;
  other["configuration"]["--bin"] = 60;
  refused(other, "was saved with --bin 60, and this is 3600");
  other = saved;
  other["board"].erase("series");
  refused(other, "is damaged: ");
  other = saved;
  other["figures"]["records"] = "two";
  refused(other, "is damaged: ");
  nn::write_file(state, saved.dump());
  CHECK(call("monitor", run).status == 0);
}
