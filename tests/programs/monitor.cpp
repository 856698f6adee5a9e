// The program monitor: surges of a labelled stream are found and the decoy is not, resumed to the bit, bad records,
// states of other configurations, forms of output.
#include "tests/support/monitor.h"

using namespace test;

TEST_CASE("monitor: a surge of bad news is found, fires once and resolves; more of the usual news is not an alert") {
  const TemporaryDirectory dir;
  const std::string stream = dir.write("s.jsonl", labelled_stream());
  const Result run = run_shell(program("monitor") + " replay " + stream + kQuiet);
  REQUIRE_MESSAGE(run.status == 0, run.output);
  const auto events = events_said(run.output);
  REQUIRE_MESSAGE(events.size() >= 2, run.output);
  long rail = 0, bread = 0;
  for (const auto& e : events) {
    if (e["event"] != "firing") continue;
    ++(e["labels"]["topic"] == "rail" ? rail : bread);
    CHECK(e["starts_at"].get<std::string>().starts_with("2024-02-10"));  // day 40
    CHECK(e["texts"].size() == 3);
    CHECK(e["what"].get<std::string>().find("texts about rail") != std::string::npos);
  }
  CHECK(rail >= 1);
  CHECK(rail <= 2);  // negative and, perhaps, drift
  CHECK(bread == 0);
  const Result volume = run_shell(program("monitor") + " replay " + stream + " --watch volume" + kQuiet);
  CHECK(volume.says("texts about bread in "));
  const Result hook = run_shell(program("monitor") + " replay " + stream + " --form alertmanager" + kQuiet);
  for (const Result* told : {&run, &volume, &hook})  // JSON lines and nothing else: the line `result` is on stderr
    CHECK(std::count(told->output.begin(), told->output.end(), '\n') == long(events_said(told->output).size()));
  const auto body = events_said(hook.output).at(0);
  CHECK(body["version"] == "4");
  CHECK(body["alerts"][0]["status"] == "firing");
  CHECK(body["alerts"][0]["fingerprint"] == events[0]["fingerprint"]);
}

TEST_CASE(
    "monitor: of the ninety days that ship the three surges are found within a day, and neither the decoy nor more") {
  const Result run = run_shell(program("monitor") + " example | " + program("monitor") +
                               " replay --labelled --bin 6h --repeats 6h --watch negative 2>/dev/null");
  std::string found;
  for (const auto& e : events_said(run.output))
    if (e["event"] == "firing")
      found += e["labels"]["topic"].get<std::string>() + " " + e["starts_at"].get<std::string>().substr(0, 10) + "; ";
  CHECK(found == "travel 2024-02-01; support 2024-02-18; finance 2024-03-18; ");  // days 31, 48, 77
}

TEST_CASE("monitor: stopped in the middle of the surge and resumed, the alerts and the state are the same to the bit") {
  const TemporaryDirectory dir;
  const std::string all = labelled_stream(), run = program("monitor") + " run ";
  const size_t middle = all.find('\n', all.size() * 2 / 3 + 2000) + 1;
  const std::string whole = dir.write("all", all), a = dir.write("a", all.substr(0, middle)),
                    b = dir.write("b", all.substr(middle)), s1 = dir.path + "/s1", s2 = dir.path + "/s2";
  const auto events = [](const Result& r) { return r.output.substr(0, r.output.find("result task")); };
  const Result through = run_shell(run + "--state " + s1 + kQuiet + " < " + whole);
  const Result first = run_shell(run + "--state " + s2 + kQuiet + " < " + a);
  const Result second = run_shell(run + "--state " + s2 + kQuiet + " < " + b);
  CHECK(events(through) == events(first) + events(second));
  CHECK(nn::read_file(s1).substr(nn::read_file(s1).find("\"repeats\":{")) ==
        nn::read_file(s2).substr(nn::read_file(s2).find("\"repeats\":{")));
  const Result other = run_shell(run + "--labelled --bin 6h --state " + s2 + " < " + b + " 2>&1");
  CHECK(other.status == 1);
  CHECK_MESSAGE(other.says("was saved with --bin 3600, and this is 21600"), other.output);
}

TEST_CASE("monitor: bad records are counted and the stream goes on") {
  const TemporaryDirectory dir;
  const std::string stream = dir.write("bad.jsonl",
                                       "{\"time\":\"2024-01-01\",\"text\":\"a fine day\"}\nno json\n{\"text\":\"x\"}\n"
                                       "{\"time\":\"soon\",\"text\":\"x\"}\n{\"time\":\"2024-01-01T02:00\"}\n"
                                       "{\"time\":\"2024-01-01\",\"text\":\"caf\xE9\"}\n"
                                       "{\"time\":\"2031-01-01\",\"text\":\"from far away\"}\n"
                                       "{\"time\":\"2024-01-01T01:00\",\"text\":\"another fine one\"}\n");
  const Result r = run_shell(program("monitor") + " run " + stream + " --labelled 2>&1");
  CHECK(r.status == 0);
  CHECK_MESSAGE(r.says("records=8 texts=2 repeats=0 bad=6"), r.output);
  CHECK(r.says("left out: clock: 1, no JSON: 1, no UTF-8: 1, no text: 1, no time: 2"));
  const std::string csv = dir.write("s.csv", "when,text\n2024-01-01,\"two\nlines\"\n2024-01-01,one,more\n");
  CHECK(run_shell(program("monitor") + " run " + csv + " --labelled 2>&1").says("there is no column 'time'"));
  CHECK(run_shell(program("monitor") + " run " + csv + " --labelled --time-column when 2>&1")
            .says("texts=1 repeats=0 bad=1"));
  const Result wide = run_shell("printf '\\377\\376{\\0' | " + program("monitor") + " run --labelled 2>&1");
  CHECK(wide.status == 1);
  CHECK(wide.says("this is UTF-16"));
  const auto refused = [&](const std::string& command) {
    const Result result = run_shell(command + " 2>&1");
    return result.status == 1 ? result.output : "not refused: " + result.output;
  };
  const std::string run = program("monitor") + " run --labelled ";
  CHECK(refused("gzip -c " + csv + " | " + run).find("this is compressed") != std::string::npos);
  CHECK(refused("echo '[{\"time\":1,\"text\":\"a\"}]' | " + run).find("has a record a line") != std::string::npos);
  CHECK(refused(run + csv + " --utc-offset 30h").find("14 hours at most") != std::string::npos);
  CHECK(refused(run + csv + " --state " + dir.path + "/nowhere/s").find("there is no folder") != std::string::npos);
}

TEST_CASE(
    "monitor: killed in mid-stream and started again, the state is the same to the bit, and no alert is missing") {
  const TemporaryDirectory dir;
  const std::string all = labelled_stream(),
                    file = dir.write("s.jsonl", all.substr(0, all.find('\n', all.size() / 2) + 1)),
                    state = dir.path + "/state", other = dir.path + "/other";
  const std::string run = program("monitor") + " run " + file + " --save-every 700";
  const Result killed = run_shell(run + " --follow --state " + state + kQuiet + " & p=$!; until [ -s " + state +
                                  " ]; do sleep 0.02; done; kill -9 $p; wait $p 2>/dev/null; echo");
  const auto saved = nn::json::parse(nn::read_file(state));
  CHECK(saved["figures"]["records"].get<long>() >= 700);
  dir.write("s.jsonl", all);
  const Result second = run_shell(run + " --state " + state + kQuiet);
  const Result through = run_shell(run + " --state " + other + kQuiet);
  CHECK(second.status == 0);
  CHECK(nn::read_file(state) == nn::read_file(other));
  for (const auto& e : events_said(through.output)) {
    const auto told = events_said(killed.output + second.output);
    CHECK(std::find(told.begin(), told.end(), e) != told.end());
  }
}

TEST_CASE("monitor: where nothing could be negative, a note says which option names what is") {
  const TemporaryDirectory dir;
  const std::string stream = dir.write("s.jsonl",
                                       "{\"time\":\"2024-01-01\",\"text\":\"a day\",\"sentiment\":\"down\"}\n"
                                       "{\"time\":\"2024-01-01\",\"text\":\"an evening\",\"sentiment\":\"up\"}\n");
  const std::string run = "run " + stream + " --labelled ";
  CHECK(
      call("monitor", run).says("note: of 2 sentiments none is negative, bearish or bad; --negative names the label"));
  CHECK(call("monitor", run + "--sentiment-column mood").says("note: no record has a sentiment, 'mood', so none"));
  CHECK(!call("monitor", run + "--negative Down").says("note: "));
  CHECK(!call("monitor", run + "--watch volume").says("note: "));
}

TEST_CASE("monitor: a day without data is told as such, and resolves nothing") {
  const TemporaryDirectory dir;
  const std::string stream = dir.write("s.jsonl", labelled_stream(40 * 24 + 12, 41 * 24 + 14));
  const auto events =
      events_said(run_shell(program("monitor") + " replay " + stream + " --watch negative" + kQuiet).output);
  std::string story;
  for (const auto& e : events)
    story += e["alert"].get<std::string>() + " " + e["event"].get<std::string>() + " " +
             e["at"].get<std::string>().substr(5, 5) + "; ";
  CHECK_MESSAGE(story.find("negative firing 02-10; stream firing 02-10; negative no data 02-10; ") != std::string::npos,
                story);
  const size_t again = story.find("stream resolved 02-11; ");
  REQUIRE_MESSAGE(again != std::string::npos, story);
  CHECK_MESSAGE(story.find("negative resolved") > story.find("negative no data"), story);
  CHECK_MESSAGE(story.find("negative resolved") > story.rfind("stream firing"), story);
}

TEST_CASE("monitor: a clock that jumps is believed at the tenth record in a row, and what it left behind is too late") {
  const TemporaryDirectory dir;
  std::string lines;
  const auto at = [&](long day, int i) {
    lines += fmt::format("{{\"time\":{},\"text\":\"news {} of day {}\"}}\n", 1704067200 + day * 86400 + i,
                         i * 7919 % 1009, day);
  };
  for (int i = 0; i < 20; ++i) at(1, i);
  for (int i = 0; i < 12; ++i) at(60, i);  // nine are not believed
  for (int i = 0; i < 3; ++i) at(59, i);
  const std::string stream = dir.write("s.jsonl", lines);
  const Result r = run_shell(program("monitor") + " replay " + stream + " --labelled --repeats 0s 2>&1");
  CHECK_MESSAGE(r.says("ten records in a row are 7d ahead at least; the clock is believed"), r.output);
  CHECK_MESSAGE(r.says("records=35 texts=23 repeats=0 bad=12"), r.output);
  CHECK_MESSAGE(r.says("left out: clock: 9, late: 3"), r.output);
}

TEST_CASE("monitor: what was rejected has told nothing: the same text in time counts") {
  const TemporaryDirectory dir;
  const auto at = [](long hour, const std::string& text) {
    return fmt::format("{{\"time\":{},\"text\":\"{}\"}}\n", 1704067200 + hour * 3600, text);
  };
  const std::string late = "Harlow Foods cuts its dividend after a weak quarter", far = "Sandow Rail opens a line";
  const std::string stream = dir.write("s.jsonl", at(10, "trains are late in the north") + at(2, late) + at(10, late) +
                                                      at(11, late) + at(900, far) + at(11, far));
  const Result r = call("monitor", "replay " + stream + " --labelled");
  CHECK_MESSAGE(r.says("records=6 texts=3 repeats=1 bad=2"), r.output);
  CHECK(r.says("left out: clock: 1, late: 1"));
}

TEST_CASE("monitor: with a state a line that is still being written is left, and read whole by the next run") {
  const TemporaryDirectory dir;
  const std::string first = "{\"time\":1704067200,\"text\":\"trains are late\"}\n",
                    second = "{\"time\":1704067260,\"text\":\"bread is fresh\"}\n", file = dir.path + "/s.jsonl",
                    run = "run " + file + " --labelled --state " + dir.path + "/state";
  dir.write("s.jsonl", first + second.substr(0, 20));
  const Result half = call("monitor", run);
  CHECK_MESSAGE(half.says("records=1 texts=1 repeats=0 bad=0"), half.output);
  CHECK(half.says("s.jsonl:2: this line has no end yet: it is left for the next run"));
  dir.write("s.jsonl", first + second);
  const Result rest = call("monitor", run);
  CHECK_MESSAGE(rest.says("records=2 texts=2 repeats=0 bad=0"), rest.output);
  CHECK(!rest.says("no end yet"));
  dir.write("s.jsonl", first + second.substr(0, second.size() - 1));  // without a state there is no next run
  CHECK(call("monitor", "run " + file + " --labelled").says("records=2 texts=2 repeats=0 bad=0"));
}

TEST_CASE("monitor: a state knows its stream's file by whatever path, and from whatever folder") {
  const TemporaryDirectory dir;
  const std::string file = dir.write("s.jsonl", "{\"time\":1704067200,\"text\":\"trains are late\"}\n");
  const std::string run = " run --labelled --near -1 --state " + dir.path + "/state ",
                    monitor = std::filesystem::absolute(program("monitor")).string();
  for (const std::string& path : {file, dir.path + "/./s.jsonl", std::string("s.jsonl"), std::string("./s.jsonl")}) {
    const Result r = run_shell("cd " + dir.path + " && " + monitor + run + path + " 2>&1");
    CHECK_MESSAGE(r.says("records=1 texts=1 repeats=0 bad=0"), r.output);
  }
}
