// monitor with models: what `train` leaves, what its heads say of texts and names, alerts with words, `measure`.
// Read tests/programs/monitor.cpp first.
#include <numeric>
#include <random>
#include <regex>

#include "engine/strings.h"
#include "tasks/monitor/reader.h"
#include "tests/support/monitor.h"

using namespace test;
using nn::json;

namespace {

// The topic stands in a text, and its mood, too; what is said of a name depends on the name alone.
std::string task_file(const TemporaryDirectory& dir) {
  std::string texts = "text\ttopic\tlabel\tsplit\n", names = "text\tname\tlabel\tsplit\n";
  for (int i = 0; i < 32; ++i) {
    const bool bread = i % 2, bad = i / 2 % 2;
    const std::string text = fmt::format("{} the {} {}", i, bread ? "bread" : "rail", bad ? "was awful" : "was lovely");
    const char* split = i < 24 ? "train" : "dev";
    texts += fmt::format("{}\t{}\t{}\t{}\n", text, bread ? "bread" : "rail", bad ? "negative" : "other", split);
    const bool harlow = i / 4 % 2;
    names += fmt::format("{}\t{}\t{}\t{}\n", text, harlow ? "Harlow" : "Sandow", harlow ? "negative" : "other", split);
  }
  return dir.write("tasks.json", fmt::format(R"({{"tasks": {{
    "topic": {{"data": "{0}", "label_column": "topic"}}, "sentiment": {{"data": "{0}"}},
    "entity": {{"data": "{1}", "pair_column": "name"}}}}}})",
                                             dir.write("texts.tsv", texts), dir.write("names.tsv", names)));
}

struct TrainedHeads {
  TemporaryDirectory dir;
  std::string run = dir.path + "/run", best = run + "/best";
  Result said;
  TrainedHeads() {
    said =
        call("monitor",
             "train --tasks " + task_file(dir) + " --out " + run +
                 " --model pool --hidden 16 --batch-size 8 --lr 0.03 --epochs 30 --patience 0 --dropout 0 --warmup 0");
    REQUIRE_MESSAGE(said.status == 0, said.output);
  }
};
const TrainedHeads& trained_heads() {
  static const TrainedHeads t;
  return t;
}

monitor::Record record(const std::string& text, const std::vector<std::string>& names = {}) {
  monitor::Record r;
  r.text = text, r.entities = names;
  return r;
}

monitor::ReaderOptions heads(const std::vector<std::string>& models, const std::string& topic = "topic",
                             const std::string& sentiment = "sentiment", const std::string& entity = "entity",
                             const std::string& negative = "") {
  return {models, false, topic, sentiment, entity, negative};
}

std::string refusal(const monitor::ReaderOptions& options) {
  return error_of([&] { monitor::Reader reader(options); });
}

}  // namespace

TEST_CASE("monitor: three heads on one encoder learn, and each says of a text, or of a name in it, what it learned") {
  const TrainedHeads& t = trained_heads();
  const monitor::Reader reader(heads({t.run}));
  const std::vector<monitor::Record> records{record("40 the bread was awful", {"Sandow", "Harlow"}),
                                             record("41 the rail was lovely", {"Harlow"}),
                                             record("42 the rail was awful")};
  const std::vector<monitor::Said> said = reader.read(records);
  REQUIRE(said.size() == 3);
  CHECK(said[0].topic == "bread");
  CHECK(said[1].topic == "rail");
  CHECK(said[0].negative);
  CHECK_FALSE(said[1].negative);
  CHECK(said[2].negative);
  CHECK(said[0].negative_p > 0.5);
  CHECK(said[1].negative_p < 0.5);
  REQUIRE(said[0].entities.size() == 2);
  CHECK(said[0].entities[0].name == "Sandow");
  CHECK_FALSE(said[0].entities[0].negative);  // whatever the text says
  CHECK(said[0].entities[1].negative);
  REQUIRE(said[1].entities.size() == 1);
  CHECK(said[1].entities[0].negative);
  CHECK(said[2].entities.empty());
  for (size_t i = 0; i < records.size(); ++i) {  // alone as in a batch
    const monitor::Said alone = reader.read({records[i]})[0];
    CHECK(alone.topic_p == said[i].topic_p);
    CHECK(alone.negative_p == said[i].negative_p);
    for (size_t n = 0; n < alone.entities.size(); ++n)
      CHECK(alone.entities[n].negative_p == said[i].entities[n].negative_p);
  }
  CHECK(reader.topics() == std::vector<std::string>{"bread", "rail"});
  CHECK(reader.words("40 the bread was awful", "bread", true).find("awful") != std::string::npos);
  CHECK(reader.words("40 the bread was awful", "bread", false).find("bread") != std::string::npos);
  CHECK(reader.words("40 the bread was awful", "no topic", false).empty());
}

TEST_CASE(
    "monitor: dev's temperature and confusion stand in monitor.json, count every text, and correct what is said") {
  const TrainedHeads& t = trained_heads();
  const std::string path = t.best + "/monitor.json", kept = nn::read_file(path);
  const json measured = json::parse(kept)["heads"];
  for (const char* head : {"topic", "sentiment", "entity"}) {
    CHECK(measured[head]["texts"] == 8);
    CHECK(measured[head]["temperature"] > 0);
    long texts = 0;
    for (const json& row : measured[head]["confusion"])
      for (const json& count : row) texts += count.get<long>();
    CHECK(texts == 8);
  }
  const auto put = [&](double temperature, const json& sentiment, const json& topic) {
    json changed = json::parse(kept);
    changed["heads"]["sentiment"]["temperature"] = temperature;
    changed["heads"]["sentiment"]["confusion"] = sentiment;
    changed["heads"]["topic"]["confusion"] = topic;
    nn::write_file(path, changed.dump());
  };
  put(10, {{9, 0}, {0, 9}}, {{9, 0}, {0, 9}});
  const std::string refused = refusal(heads({t.best}));  // a directory that is not what was written
  CHECK_MESSAGE(refused.find("monitor.json has ") != std::string::npos, refused);
  const std::string manifest = nn::read_file(t.best + "/manifest.json");
  std::filesystem::remove(t.best + "/manifest.json");
  {
    const monitor::Reader before(heads({t.best}));
    put(20, {{6, 1}, {2, 7}}, {{5, 0}, {1, 2}});  // rows: negative, other
    const monitor::Reader after(heads({t.best}));
    CHECK(after.identity() != before.identity());  // of what was read, and not of what lies there now
    CHECK(after.topic_confusion() == std::vector<std::vector<double>>{{5, 0}, {1, 2}});
    CHECK(after.negative_confusion() == std::vector<std::vector<double>>{{7, 2}, {1, 6}});  // the negatives last
    const double p = before.read({record("40 the bread was awful")})[0].negative_p;
    const double odds = std::sqrt(p / (1 - p));  // of two classes: T twice as high is the root of the odds
    CHECK(p < 0.999);
    CHECK(after.read({record("40 the bread was awful")})[0].negative_p ==
          doctest::Approx(odds / (1 + odds)).epsilon(1e-6));
  }
  json changed = json::parse(kept);  // the head for names errs always: who is said to be negative is not
  changed["heads"]["entity"]["confusion"] = json::parse("[[0, 9], [9, 0]]");
  nn::write_file(path, changed.dump());
  const std::string hour =
      t.dir.write("hour.jsonl",
                  R"({"time": 1704067200, "text": "40 the bread was awful", "entities": ["Sandow", "Harlow"]}
{"time": 1704067260, "text": "41 the rail was lovely", "entities": ["Harlow"]}
)");
  REQUIRE(call("monitor", "replay " + hour + " --near -1 --model " + t.best + " --metrics " + t.dir.path + "/hour")
              .status == 0);
  const std::string shares = nn::read_file(t.dir.path + "/hour");
  CHECK_MESSAGE(shares.find("monitor_negative_share{kind=\"entity\",name=\"Harlow\"} 0\n") != std::string::npos,
                shares);
  CHECK(shares.find("monitor_negative_share{kind=\"entity\",name=\"Sandow\"} 1\n") != std::string::npos);
  for (const char* bad : {R"({"heads": {"topic": {"temperature": "warm", "confusion": []}}})",
                          R"({"heads": {"topic": {"temperature": 1, "confusion": [[1, 0]]}}})",
                          R"({"heads": {"topic": {"temperature": 1, "confusion": [[1], [0, 1]]}}})",
                          R"({"heads": {"topic": {"temperature": 0, "confusion": [[1, 0], [0, 1]]}}})"}) {
    nn::write_file(path, bad);
    CHECK_MESSAGE(refusal(heads({t.best})).find("heads.topic: a temperature") != std::string::npos, bad);
  }
  nn::write_file(path, kept);
  nn::write_file(t.best + "/manifest.json", manifest);
  const Result again = call("monitor", "calibrate --model " + t.run);
  CHECK_MESSAGE(again.says("result task=calibrate out=" + t.best + "/monitor.json"), again.output);
  CHECK(nn::read_file(path) == kept);
  CHECK(refusal(heads({t.best})).empty());
}

TEST_CASE("monitor: models that do not tell a topic or what is negative, or tell it twice, are refused by name") {
  const TrainedHeads& t = trained_heads();
  CHECK(refusal(heads({t.run, t.run})).find("two heads tell the same: 'topic'") != std::string::npos);
  CHECK(refusal(heads({t.run}, "a", "b", "c"))
            .find("no model has a head 'a' or 'b'; --topic-head and --sentiment-head name them") != std::string::npos);
  CHECK(refusal(heads({t.run}, "", "topic", "")).find("none of the labels of 'topic' is negative; --negative names") !=
        std::string::npos);
  CHECK(refusal(heads({t.run}, "", "topic", "", "rail")).empty());
  CHECK(refusal(heads({t.run}, "topic", "", "", "rail")).empty());
  CHECK(refusal(heads({t.run}, "topic", "sentimant")) ==
        "--sentiment-head: 'sentimant' is not one of topic, sentiment, entity (did you mean 'sentiment'?)");
  CHECK(refusal(heads({t.run}, "topic", "sentiment", "entity", "negativ")) ==
        "--negative: 'negativ' is not one of negative, other (did you mean 'negative'?)");
  CHECK(refusal(heads({"sentiment"}, "topic", "mood")) == "--sentiment-head: 'mood': no head of the model has a name");
  CHECK(refusal(heads({"sentiment"}, "topic", "sentiment", "entity", "awful")).find("--negative: 'awful' is not one") ==
        0);
  const monitor::Reader ready(heads({"sentiment"}, ""));  // a head without a name, and no head is to tell a topic
  CHECK((ready.topics().empty() && ready.tells_negative()));
  CHECK(refusal(heads({"sentiment"}, "topic", "")).find("no model has a head 'topic' or ''") == 0);
  CHECK(monitor::negative_of({"Positive", "Bearish"}, "") == 1);
  CHECK(monitor::negative_of({"up", "down"}, "Down") == 1);
  CHECK(monitor::negative_of({"up", "down"}, "") == -1);
}

TEST_CASE("monitor: a state that other heads counted is refused; one that does not say which is of the usual ones") {
  const TrainedHeads& t = trained_heads();
  const std::string state = t.dir.path + "/heads",
                    stream = t.dir.write("h.jsonl", "{\"time\":1704067200,\"text\":\"40 the bread was awful\"}\n"),
                    run = "run " + stream + " --model " + t.run + " --state " + state;
  REQUIRE(call("monitor", run).status == 0);
  const Result other = call("monitor", run + " --entity-head ''");
  CHECK(other.status == 1);
  CHECK_MESSAGE(other.says("was saved with --entity-head \"entity\", and this is \"\""), other.output);
  json saved = json::parse(nn::read_file(state));
  for (const char* head : {"--topic-head", "--sentiment-head", "--entity-head"}) saved["configuration"].erase(head);
  nn::write_file(state, saved.dump());
  CHECK(call("monitor", run).status == 0);
}

TEST_CASE("monitor: an alert of a model's stream shows texts with the words that spoke for it, in every form") {
  const TrainedHeads& t = trained_heads();
  std::string lines;
  for (json one : events_said(labelled_stream())) {
    one["text"] = fmt::format("{} the {} was {}", one["text"].get<std::string>().substr(0, 8),
                              one["topic"].get<std::string>(), one["sentiment"] == "negative" ? "awful" : "lovely");
    one["entities"] = {"Sandow"};
    one.erase("topic"), one.erase("sentiment");
    lines += one.dump() + "\n";
  }
  const std::string replay = program("monitor") + " replay " + t.dir.write("s.jsonl", lines) +
                             " --lateness 0s --near -1 --watch negative --model " + t.run;
  const Result run = run_shell(replay + " --metrics " + t.dir.path + "/metrics 2>/dev/null");
  REQUIRE_MESSAGE(run.status == 0, run.output);
  long firing = 0;
  for (const json& e : events_said(run.output)) {
    if (e["event"] != "firing") continue;
    ++firing;
    CHECK(e["labels"]["topic"] == "rail");
    CHECK(e["starts_at"].get<std::string>().starts_with("2024-02-10"));
    for (const json& text : e["texts"]) {
      CHECK(text["text"].get<std::string>().find("the rail was awful") != std::string::npos);
      CHECK(text["words"].get<std::string>().find("awful") != std::string::npos);
    }
  }
  CHECK(firing >= 1);
  const std::string metrics = nn::read_file(t.dir.path + "/metrics");
  CHECK(metrics.find(fmt::format("\nmonitor_texts_total {}\n", events_said(lines).size())) != std::string::npos);
  CHECK(metrics.find("\nmonitor_bin_texts{kind=\"topic\",name=\"bread\"} ") != std::string::npos);
  CHECK(metrics.find("\nmonitor_bin_texts{kind=\"entity\",name=\"Sandow\"} ") != std::string::npos);
  CHECK(metrics.find("alertstate") == std::string::npos);  // the surge is over
  const Result text = run_shell(replay + " --form text 2>/dev/null");
  CHECK(text.says("texts about rail in "));
  CHECK(text.says("the rail was awful\"  "));
  CHECK_FALSE(run_shell(replay + " --form text --no-words 2>/dev/null").says("the rail was awful\"  "));
  const Result hook = run_shell(replay + " --form alertmanager 2>/dev/null");
  CHECK(events_said(hook.output).at(0)["alerts"][0]["annotations"]["text1"].get<std::string>().ends_with("]"));
}

TEST_CASE(
    "monitor: of two marked series both detectors find the flood, and the one by the hour of the week has no false "
    "alarm") {
  const TemporaryDirectory dir;
  std::mt19937 dice(5);
  std::string files;
  json windows;
  for (const char* name : {"a.csv", "b.csv"}) {
    std::string rows = "timestamp,value\n";
    for (int hour = 0; hour < 40 * 24; ++hour)
      rows += fmt::format("{},{}\n", 1704067200 + 3600 * hour, 20 + dice() % 5 + (hour >= 800 && hour < 824 ? 200 : 0));
    files += " --series " + dir.write(name, rows);
    windows[std::string("x/") + name] = json::parse(R"([["2024-02-03 04:00:00", "2024-02-04 12:00:00"]])");
  }
  const std::string nab = "measure --what nab" + files + " --windows ";
  const Result run = call("monitor", nab + dir.write("windows.json", windows.dump()));
  CHECK_MESSAGE(run.says("detector=seasonal score=99.4 found=2 windows=2 false_alarms=0"), run.output);
  CHECK_MESSAGE(std::regex_search(run.output, std::regex("detector=robust score=[0-9.]+ found=2 windows=2 ")),
                run.output);
  windows["x/a.csv"] = json::parse(R"([["soon", "later"]])");
  CHECK(call("monitor", nab + dir.write("w2.json", windows.dump())).says("begin and end of a window are times"));
  windows["x/a.csv"] = json::parse(R"([["2024-02-04"]])");
  CHECK(call("monitor", nab + dir.write("w3.json", windows.dump())).says("a window is [begin, end]"));
  CHECK(call("monitor", "measure --what nab").says("--series names two files at least, --windows one"));
}

TEST_CASE("monitor: simulated, the rows of false alarms are there, and a surge is found the oftener the more texts") {
  const Result run = call("monitor", "measure --weeks 1", "2>/dev/null");
  std::istringstream in(run.output);
  std::map<std::string, std::vector<double>> found;  // by mean
  for (std::string line; std::getline(in, line);) {
    std::vector<std::string> cells = engine::split(line, '|');
    if (cells.size() < 9 || cells[8].find_first_of("0123456789") == std::string::npos) continue;
    found[cells[1]].push_back(std::stod(cells[8]));
  }
  CHECK(run.last_line().starts_with("result task=false-alarms cells=40 inside="));
  REQUIRE(found.size() == 5);
  const auto mean = [](const std::vector<double>& v) {
    return std::accumulate(v.begin(), v.end(), 0.) / double(v.size());
  };
  CHECK(found[" 0.3 "].size() == 8);
  CHECK(mean(found[" 0.3 "]) < mean(found[" 3 "]));
  CHECK(mean(found[" 50 "]) > 90);
}
