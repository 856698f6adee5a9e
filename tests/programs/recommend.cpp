// The program recommend: learned, resumed to the bit, evaluated, asked, served; bad input.
#include <cmath>
#include <filesystem>
#include <map>

#include "nn/format/files.h"
#include "nn/format/json_value.h"
#include "tasks/recommend/recommender.h"
#include "tests/support/programs.h"

using namespace test;

namespace {

const std::string kShortRun =
    "--text words --layers 1 --hidden 16 --heads 2 --intermediate 16 --positions 8 --ease 5 --knn 5 --damping 1 --k 3 ";

// Readers walk round a circle of twelve items: what comes next follows from the last one alone.
struct Catalogue {
  TemporaryDirectory dir;
  std::string interactions, items;
  explicit Catalogue(int users = 40) {
    std::string a = "user,item,time\n", b = "id,title,description,tags\n";
    for (int i = 0; i < 12; ++i) b += fmt::format("i{0},Thing {0},\"a thing, number {0}\",{1}|all\n", i, i % 3);
    for (int u = 0; u < users; ++u)
      for (int n = 0; n < 7; ++n) a += fmt::format("u{},i{},{}\n", u, (u * 5 + n) % 12, 100 * u + n);
    interactions = dir.write("a.csv", a);
    items = dir.write("b.csv", b);
  }
  std::string data() const { return "--interactions " + interactions + " --items " + items + " "; }
};

double figure(const std::string& line, const std::string& name) {
  const size_t at = line.find(" " + name + "=");
  REQUIRE_MESSAGE(at != std::string::npos, line);
  return std::stod(line.substr(at + name.size() + 2));
}

// Stopped as soon as there is something to go on from; `evaluate` says so, and it goes on.
void stop_evaluate_resume(const std::string& command, const std::string& out) {
  const Result stopped = stop_when("[ -s " + out + "/last.safetensors ]", program("recommend") + " " + command);
  CHECK((stopped.status == 128 + 15 || stopped.status == 0));
  if (stopped.status == 0) return;
  CHECK(call("recommend", "evaluate --model " + out).says("the training did not come to its end"));
  REQUIRE(call("recommend", "train --resume " + out).status == 0);
}

}  // namespace

TEST_CASE("recommend: what follows in a circle is learned, found again in the directory, and named with its reason") {
  const Catalogue f;
  const std::string out = f.dir.path + "/run";
  const Result run =
      call("recommend", "train " + f.data() + kShortRun + "--epochs 30 --batch-size 64 --lr 0.01 --out " + out);
  REQUIRE_MESSAGE(run.status == 0, run.output);
  CHECK(figure(run.last_line(), "dev_ndcg") > 0.9);
  const Result evaluated = call("recommend", "evaluate --model " + out + " --out " + out + ".json");
  REQUIRE_MESSAGE(evaluated.status == 0, evaluated.output);
  const nn::json figures = nn::json::parse(nn::read_file(out + ".json"));
  CHECK(fmt::format("{:.4f}", figures["models"]["joined"]["ndcg"].get<double>()) ==
        fmt::format("{:.4f}", figure(evaluated.last_line(), "ndcg")));
  CHECK(figures["models"]["joined"].contains("auc"));
  const nn::json& spread = figures["re-ranked"]["mmr-mean 0.5"];
  CHECK(spread["ndcg"] > 0);
  for (const char* of_orders : {"mrr", "auc", "group_auc"}) CHECK(!spread.contains(of_orders));
  CHECK(figure(evaluated.last_line(), "ndcg") > 0.9);
  CHECK(figure(evaluated.last_line(), "attention_ndcg") > 0.9);
  CHECK(evaluated.says("last item out, all items ranked that the user has not had, ties by half ranks"));
  CHECK(call("recommend", "evaluate --model " + out).output.substr(0, 2000) == evaluated.output.substr(0, 2000));
  const std::string ask = "recommend --model " + out + " ";
  const Result list = call("recommend", ask + "--k 2 i3 i4 'Thing 5'");
  REQUIRE_MESSAGE(list.status == 0, list.output);
  CHECK_MESSAGE(list.output.find("  1  Thing 6 ") == 0, list.output);
  const Result json = call("recommend", ask + "--k 2 --json i3 i4 i5", "2>/dev/null");
  const auto answer = nn::json::parse(json.output);
  CHECK(answer["items"].size() == 2);
  CHECK(answer["items"][0]["id"] == "i6");
  CHECK(answer["items"][0]["probability"] > 0.3);
  CHECK(answer["items"][0]["because"]["id"].get<std::string>().starts_with("i"));
  const auto all = lines_of(call("recommend", ask + "--k 1 --all-users", "2>/dev/null").output);
  CHECK(all.size() == 40);
  CHECK(all[7]["user"] == "u7");
  CHECK(call("recommend", ask + "--k 3 --diversity 0.9 i3 i4 i5").output !=
        call("recommend", ask + "--k 3 i3 i4 i5").output);
}

TEST_CASE("recommend: an item's probability does not depend on how many are asked for") {
  const Catalogue f;
  const std::string out = f.dir.path + "/run";
  REQUIRE(call("recommend", "train " + f.data() + kShortRun + "--epochs 2 --candidates 2 --out " + out).status == 0);
  const auto asked_for = [&](int k) {
    const Result said =
        call("recommend", fmt::format("recommend --model {} --json --k {} i3 i4 i5", out, k), "2>/dev/null");
    std::map<std::string, double> p;
    for (const auto& item : nn::json::parse(said.output)["items"]) p[item["id"]] = item["probability"];
    return p;
  };
  const std::map<std::string, double> one = asked_for(1), nine = asked_for(9);
  REQUIRE(one.size() == 1);
  REQUIRE(nine.size() == 9);
  const auto& [id, p] = *one.begin();
  REQUIRE(nine.count(id) == 1);
  CHECK(nine.at(id) == doctest::Approx(p).epsilon(1e-6));
}

TEST_CASE("recommend: a run that was stopped and resumed ends in the bits of one that ran through") {
  const Catalogue f;
  const std::string command =
      "train " + f.data() + kShortRun +
      "--dropout 0.2 --user candidate --negatives 5 --epochs 200 --batch-size 40 --accumulate 2 "
      "--patience 0 --lr 0.003";
  const std::string out = f.dir.path + "/a", again = f.dir.path + "/b";
  REQUIRE(call("recommend", command + " --out " + out).status == 0);
  stop_evaluate_resume(command + " --out " + again, again);
  for (const char* file : {"best/model.safetensors", "best/recommend.json"})  // last.safetensors holds the run's name
    CHECK_MESSAGE(nn::read_file(out + "/" + file) == nn::read_file(again + "/" + file), file);
}

TEST_CASE("recommend: an encoder of texts that learns along changes what texts say, and is resumed to the bit") {
  const Catalogue f(12);
  const std::string command = "train " + f.data() + kShortRun +
                              "--text mean --text-length 12 --text-batch 4 --text-rate 1 --batch-size 32 "
                              "--content 0 --lr 0.01 ";
  const auto model_of = [&](const std::string& name) {
    return nn::read_file(f.dir.path + "/" + name + "/best/model.safetensors");
  };
  for (const std::string kind : {"none", "adapters", "all"}) {
    const Result run = call("recommend", command + "--text-training " + kind + " --out " + f.dir.path + "/" + kind);
    REQUIRE_MESSAGE(run.status == 0, run.output);
  }
  CHECK(model_of("none") != model_of("all"));
  CHECK(model_of("none") != model_of("adapters"));
  CHECK(model_of("adapters") != model_of("all"));
  const std::string longer = command + "--text-training adapters --epochs 100 --patience 0 --out " + f.dir.path;
  REQUIRE(call("recommend", longer + "/through").status == 0);
  stop_evaluate_resume(longer + "/part", f.dir.path + "/part");
  CHECK(model_of("part") == model_of("through"));
}

TEST_CASE("recommend: the same bits with one thread and with two") {
  const Catalogue f;
  std::string models[2];
  for (const int threads : {1, 2}) {
    const std::string out = fmt::format("{}/t{}", f.dir.path, threads);
    REQUIRE(run_shell(fmt::format("OMP_NUM_THREADS={} {} train {} {} --epochs 3 --batch-size 64 --out {} 2>&1", threads,
                                  program("recommend"), f.data(), kShortRun, out))
                .status == 0);
    models[threads - 1] = nn::read_file(out + "/best/model.safetensors") + nn::read_file(out + "/best/recommend.json");
  }
  CHECK(models[0] == models[1]);
}

TEST_CASE("recommend: a directory has what was taken again, and when, so that it is split and counted as in training") {
  const Catalogue f(8);
  const std::string out = f.dir.path + "/run";
  recommend::DataOptions o;
  o.interactions = f.dir.write("again.csv", nn::read_file(f.interactions) + "u3,i3,301\nu3,i4,305\nu3,i4,9999\n");
  REQUIRE(call("recommend", "train --interactions " + o.interactions + " " + kShortRun + "--max-steps 2 --out " + out)
              .status == 0);
  const auto found = recommend::load_recommender(out);
  const recommend::Data data = recommend::read_data(o, 42);
  const auto weights = [](const std::vector<recommend::History>& all) {
    std::vector<double> list;
    for (const recommend::History& history : all)
      for (const recommend::Event& event : history) list.push_back(event.weight);
    return list;
  };
  const auto split = [](const recommend::Data& d) { return recommend::split_by("last", d, 42); };
  CHECK(weights(found->data.whole()) == weights(data.whole()));
  CHECK(weights(split(found->data).known) == weights(split(data).known));
  CHECK(split(found->data).train[3][1].weight == 1);  // i4, again when the dev part's item came, and behind all
  CHECK(split(found->data).known[3][1].weight == 2);
  CHECK(call("recommend", "evaluate --model " + out).status == 0);
}

TEST_CASE("recommend: bad input gets one clear line") {
  const Catalogue f;
  const auto refused = [&](const std::string& arguments, const std::string& why) {
    const Result result = call("recommend", arguments);
    CHECK_MESSAGE(result.status != 0, arguments);
    const size_t at = result.output.rfind("error: ");
    CHECK_MESSAGE((at != std::string::npos && result.output.find(why, at) != std::string::npos), result.output);
    CHECK_MESSAGE(result.output.find('\n', at) == result.output.size() - 1, result.output);
  };
  const std::string out = " --out " + f.dir.path + "/x";
  refused("train --items " + f.items + out, "--items needs --interactions");
  refused("train --interactions " + f.interactions + " --user-column who" + out, "who");
  refused("train --interactions " + f.dir.write("t.csv", "user,item,time\nu,i,noon\n") + out,
          "t.csv:2: the time must be seconds or a date; got 'noon'");
  refused("train --interactions " + f.dir.write("w.csv", "user,item,w\nu,i,much\n") + " --weight-column w" + out,
          "w.csv:2: the weight must be a number from 0 to 1e+09; got 'much'");
  refused("train --interactions " + f.dir.write("one.csv", "user,item\nu,i\nv,i\n") + out, "leaves nothing to measure");
  refused("train " + f.data() + "--kinds buy=x" + out, "kind");
  CHECK(call("recommend", "train " + f.data() + "--text prose" + out).says("or none; got 'prose'"));
  refused("train " + f.data() + "--hidden 10 --heads 4" + out, "--hidden must be a multiple of --heads");
  refused("train " + f.data() + "--negatives 4 --label-smoothing 0.1" + out, "--label-smoothing");
  refused("train " + f.data() + "--text words --text-training all" + out, "goes into the mean state; --text has none");
  refused("train " + f.data() + "--text none --distil-text 1" + out, "leaves nothing to learn from");
  refused("train " + f.data() + "--weighted-loss --label-smoothing 0.1" + out, "--weighted-loss weighs them");
  refused("evaluate --model " + f.dir.path, "is no directory of a recommender");
  const std::string run = f.dir.path + "/run";
  REQUIRE(call("recommend", "train " + f.data() + kShortRun + "--max-steps 2 --out " + run).status == 0);
  refused("recommend --model " + run + " 'Thing 13'", "there is no item 'Thing 13' (did you mean ");
  refused("recommend --model " + run + " --user u99", "there is no user 'u99'");
  refused("recommend --model " + run + " --user u1 --rerank dpp", "--rerank is for --diversity");
  const std::string config = run + "/best/recommend.json", text = nn::read_file(config);
  nn::write_file(config, text.substr(0, text.size() / 2));
  refused("evaluate --model " + run, "not what its manifest.json says");
  std::filesystem::remove(run + "/best/manifest.json");
  refused("evaluate --model " + run, "recommend.json: not JSON");
  nn::write_file(config, text);
  nn::write_file(run + "/best/items.jsonl", "{\"id\": \"a\"}\n");
  refused("evaluate --model " + run, "there are 1 items");
}

TEST_CASE(
    "recommend: over HTTP a list is that of the command, things are found by words, and what is wrong has a status") {
  const Catalogue f;
  const std::string out = f.dir.path + "/run", said = f.dir.path + "/said";
  const Result run =
      call("recommend", "train " + f.data() + kShortRun + "--max-steps 5 --batch-size 64 --lr 0.01 --out " + out);
  REQUIRE_MESSAGE(run.status == 0, run.output);
  const Result result =
      run_shell("OMP_NUM_THREADS=4 " + program("recommend") + " serve --model " + out + " --port 0 >" + said +
                " 2>&1 & p=$!; trap 'kill -TERM $p; wait $p' EXIT; until grep -qs '^serving on' " + said +
                "; do kill -0 $p || exit 1; sleep 0.02; done; ls /proc/$p/task | wc -l; url=$(sed -n 's/^serving on "
                "\\([^ ]*\\) .*/\\1/p' " +
                said +
                "); get() { route=$1; shift; curl -s -g -w '\n%{http_code}\n' \"$url$route\" \"$@\"; }; "
                "say() { get /recommend -H 'Content-Type: application/json' -d \"$1\"; }; "
                "say '{\"items\": [\"i3\"], \"k\": 4}'; say '{\"user\": \"nobody\"}'; say 'no json'; "
                "get '/items?q=thing%204'; get '/items?n=3'; get '/items?n=0'; get /health; "
                "get / | grep -c -e '<title>' -e '^200$'; get /metrics | tail -1; "
                "kill -TERM $p; wait $p; echo $?; trap - EXIT");
  std::istringstream in(result.output);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  REQUIRE_MESSAGE(lines.size() == 18, result.output);
  CHECK(std::stol(lines[0]) <= 5);  // threads, before a question came: what loaded the model keeps no team
  lines.erase(lines.begin());
  const auto reply = [&](size_t i) { return nn::json::parse(lines[2 * i]); };
  const std::vector<std::string> statuses{"200", "404", "400", "200", "200", "422", "200"};
  for (size_t i = 0; i < statuses.size(); ++i) CHECK(lines[2 * i + 1] == statuses[i]);
  const Result asked = call("recommend", "recommend --model " + out + " --k 4 i3", "2>/dev/null");
  REQUIRE(reply(0)["items"].size() == 4);
  size_t at = 0, reasons = 0;
  for (const auto& item : reply(0)["items"]) {  // in the same order
    at = asked.output.find(item["title"].get<std::string>(), at);
    CHECK_MESSAGE(at != std::string::npos, asked.output);
    if (item["because"].is_null()) continue;  // nothing in the history spoke for it
    CHECK(item["because"]["id"] == "i3");
    ++reasons;
  }
  CHECK(reasons > 0);
  REQUIRE(reply(3)["items"].size() == 1);
  CHECK(reply(3)["items"][0]["id"] == "i4");
  CHECK(reply(4)["items"].size() == 3);
  CHECK(lines[14] == "2");
  CHECK(lines[15] == "200");
  CHECK(lines[16] == "0");
  CHECK(nn::read_file(said).find("12 items, 40 users") != std::string::npos);
}
