// The multitask program as its users run it: from the command line, with good input and with bad.
#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "nn/format/safetensors.h"
#include "optim/several/weighting.h"
#include "tests/support/programs.h"

using namespace test;
using nlohmann::json;

namespace {

Result multitask(const std::string& arguments, const std::string& redirect = "2>&1") {
  return call("multitask", arguments, redirect);
}

// Eight texts, each in train, dev and test alike, with a target for every kind of head.
std::string eight_texts(const TemporaryDirectory& dir) {
  std::string rows = "text\tmood\ttopics\tstars\ttags\n";
  for (int i = 0; i < 8; ++i) {
    const bool sad = i % 2, rome = i / 2 % 2, film = i / 4;
    rows += fmt::format("a {} {} in {} now\t{}\t{}{}\t{}\tO O O O O B-city O\n", sad ? "bad poor" : "good fine",
                        film ? "film" : "hotel", rome ? "Rome" : "Oslo", sad ? "sad" : "glad", film ? "film, " : "",
                        sad ? "anger" : "", sad ? 1.5 : 4.5);
  }
  return dir.write("eight.tsv", rows);
}

// A task file over it.
std::string task_file(const TemporaryDirectory& dir, const std::string& data, const std::string& settings,
                      const std::string& more = "", const std::string& name = "tasks.json") {
  const std::string files = fmt::format("\"train\": \"{0}\", \"dev\": \"{0}\", \"test\": \"{0}\"", data);
  return dir.write(name, fmt::format(R"({{
    {1}
    "max_length": 24, "heads": 2, "layers": 1, "hidden": 16, "batch_size": 8, "dropout": 0, "warmup": 0,
    "tasks": {{
      "mood": {{{0}, "label_column": "mood"{2}}},
      "topics": {{{0}, "label_column": "topics", "head": "labels", "reads": "attention"}},
      "stars": {{{0}, "label_column": "stars", "head": "regression"}},
      "places": {{{0}, "label_column": "tags", "head": "tokens"}}
    }}
  }})",
                                     files, settings, more));
}

// Two tasks that read other texts each, in 12 and 24 rows.
std::string two_sets(const TemporaryDirectory& dir, const std::string& settings) {
  const auto data = [&](const std::string& name, int n, const char* words) {
    std::string rows = "text\tlabel\tsplit\n";
    for (int i = 0; i < n; ++i)
      rows += fmt::format("{} {} {}\t{}\t{}\n", i, i % 2 ? "yes" : "no", words, i % 2, i % 4 < 2 ? "train" : "dev");
    return dir.write(name, rows);
  };
  return dir.write("two.json",
                   fmt::format(R"({{{} "max_length": 16, "hidden": 8, "heads": 2, "batch_size": 3,
    "tasks": {{"a": {{"data": "{}"}}, "b": {{"data": "{}"}}}}}})",
                               settings, data("a.tsv", 24, "sun rain"), data("b.tsv", 48, "bread and wine")));
}

}  // namespace

TEST_CASE("multitask: every kind of head learns eight examples, over words and over a BERT, together") {
  const TemporaryDirectory dir;
  const std::string data = eight_texts(dir), out = dir.path + "/run";
  const std::pair<const char*, const char*> models[] = {
      {R"("model": "pool", "lr": 0.03, "epochs": 60,)", ""},
      {R"("model": "mini", "lr": 0.005, "epochs": 100,)", ""},
      {R"("model": "mini", "lr": 0.005, "epochs": 100,)",
       R"(, "reads": "attention", "adapter": 4, "loss": "binary_cross_entropy")"},
      {R"("model": "mini", "lr": 0.005, "epochs": 100,)", R"(, "reads": "mean")"},
      {R"("model": "pool", "lr": 0.03, "epochs": 60, "bigrams": 300, "subwords": 300, "length_exponent": 0.5,
          "log_odds": 0.5,)",
       R"(, "reads": "mean")"}};
  for (const auto& [settings, more] : models) {
    const Result trained =
        multitask("train --overwrite --out " + out + " --tasks " + task_file(dir, data, settings, more));
    REQUIRE_MESSAGE(trained.status == 0, trained.output);
    CHECK_MESSAGE(trained.last_line().find("mood.macro_f1=1.0000 topics.micro_f1=1.0000") != std::string::npos,
                  trained.output);
    CHECK_MESSAGE(trained.last_line().find("places.entity_f1=1.0000") != std::string::npos, trained.output);
    CHECK_MESSAGE(result_of(out)["tasks"]["stars"]["test"]["pearson"].get<double>() > 0.95, trained.output);
    CHECK(result_of(out)["tasks"]["stars"]["test"]["mse"].get<double>() < 0.2);
    const Result evaluated = multitask("evaluate --model " + out);
    CHECK_MESSAGE(
        evaluated.last_line() + " seconds" ==
            trained.last_line().substr(0, trained.last_line().find("=", trained.last_line().find(" seconds"))),
        evaluated.output);
    const std::string one = "evaluate --model " + out + " --task stars --data " + data;
    CHECK(multitask(one).last_line().find("result task=multitask stars.pearson=") == 0);
    const std::vector<json> said =
        lines_of(multitask("predict --model " + out + " 'a bad poor film in Rome now' ''", "2>/dev/null").output);
    REQUIRE(said.size() == 2);
    CHECK(said[0]["mood"]["label"] == "sad");
    CHECK(said[0]["topics"]["labels"] == json::array({"anger", "film"}));
    CHECK(said[0]["stars"]["value"].get<double>() == doctest::Approx(1.5).epsilon(0.3));
    CHECK(said[0]["places"]["tags"][5] == json::array({"Rome", "B-city"}));
    CHECK(said[0]["places"]["tags"].size() == 7);
  }
}

TEST_CASE("multitask: what a run leaves, resuming to the same bits, and at two threads as at one") {
  const TemporaryDirectory dir;
  for (const std::string settings :
       {R"("sampling": "uniform", "batches": "one", "epochs": 3,)", R"("weighting": "uncertainty", "epochs": 3,)",
        R"("weighting": "pcgrad", "sampling": "temperature", "epochs": 3,)", R"("weighting": "famo", "epochs": 3,)",
        R"("weighting": "gradnorm", "entropy_penalty": 0.1, "epochs": 3,)",
        R"("weighting": "uncertainty", "accumulate": 2, "r_drop": 0.5, "head_disagreement": 0.1, "epochs": 3,)",
        R"("model": "mini", "layers": 2, "learn_retention": 0.1, "attention_window": 2, "epochs": 3,)",
        R"("alignment": [{"from": "a", "to": "b", "weight": 0.5, "texts": "corpus"}], "epochs": 3,
           "agreement": [{"tasks": ["b"], "views": "words", "weight": 0.3}],)",
        R"("weighting": "dwa", "model": "mini", "layers": 1, "epochs": 4,)"}) {
    const std::string file = two_sets(dir, settings), a = dir.path + "/a", b = dir.path + "/b";
    const Result through = multitask("train --overwrite --tasks " + file + " --out " + a);
    REQUIRE_MESSAGE(through.status == 0, through.output);
    REQUIRE(run_shell("OMP_NUM_THREADS=1 " + program("multitask") + " train --overwrite --tasks " + file + " --out " +
                      b + " 2>&1")
                .status == 0);
    CHECK_MESSAGE(nn::read_file(a + "/log.jsonl") == nn::read_file(b + "/log.jsonl"), settings);
    // Stopped in the middle: the run is told to end by a signal as soon as its first epoch is in the log.
    run_shell("exec 2> /dev/null; " + program("multitask") + " train --overwrite --tasks " + file + " --out " + b +
              " > /dev/null 2>&1 & p=$!; while ! grep -qs dev " + b +
              "/log.jsonl; do sleep 0.01; done; kill -TERM $p 2>/dev/null; wait $p");
    const Result resumed = multitask("train --resume " + b);
    REQUIRE_MESSAGE(resumed.status == 0, resumed.output);
    CHECK_MESSAGE(nn::read_file(a + "/log.jsonl") == nn::read_file(b + "/log.jsonl"), settings);
    CHECK(nn::read_file(a + "/best/model.safetensors") == nn::read_file(b + "/best/model.safetensors"));
    CHECK(result_of(a)["last_epoch"] == result_of(b)["last_epoch"]);
  }
}

TEST_CASE("multitask: every weighting runs and logs its weights; the log counts examples") {
  const TemporaryDirectory dir;
  const std::string file = two_sets(dir, R"("epochs": 6, "lr": 0.01,)"), out = dir.path + "/run";
  for (const std::string& kind : optim::weighting_names()) {
    const Result trained = multitask("train --overwrite --tasks " + file + " --out " + out + " --weighting " + kind);
    REQUIRE_MESSAGE(trained.status == 0, kind, trained.output);
    const std::vector<json> lines = lines_of(nn::read_file(out + "/log.jsonl"));
    const json& first = lines[0]["tasks"];
    CHECK(first["a"]["seen"] == 2);  // 12 and 24 texts to train on: a third of six
    CHECK(first["b"]["seen"] == 4);
    for (const json& line : lines)
      if (line.contains("tasks"))
        for (const char* task : {"a", "b"}) CHECK(line["tasks"][task]["weight"].is_number());
    CHECK(result_of(out)["weighting"] == kind);
    CHECK(result_of(out)["last_epoch"]["a"]["weight"].get<double>() > 0);
  }
}

TEST_CASE("multitask: --single compares with a model for each task, and a resumed run keeps those that are done") {
  const TemporaryDirectory dir;
  const std::string file = two_sets(dir, R"("epochs": 2, "lr": 0.01,)"), out = dir.path + "/run";
  const Result trained = multitask("train --single --tasks " + file + " --out " + out);
  REQUIRE_MESSAGE(trained.status == 0, trained.output);
  const json result = result_of(out);
  double delta = 0;
  for (const char* task : {"a", "b"}) {
    const json& t = result["tasks"][task];
    const double joint = t["test"]["macro_f1"], single = t["single"]["macro_f1"];
    CHECK(t["delta"].get<double>() == doctest::Approx((joint - single) / single));
    delta += t["delta"].get<double>() / 2;
    CHECK(json::parse(nn::read_file(out + "/single/" + task + "/result.json"))["test"] == t["single"]);
  }
  CHECK(result["delta_m"].get<double>() == doctest::Approx(delta));
  CHECK(trained.last_line().find(fmt::format(" delta_m={:.4f}", delta)) != std::string::npos);
  const Result again = multitask("train --resume " + out);
  REQUIRE_MESSAGE(again.status == 0, again.output);
  CHECK(again.output.find("alone\n") == std::string::npos);
  CHECK(result_of(out)["tasks"] == result["tasks"]);
}

TEST_CASE("multitask: batches of a step that are computed one after the other have the gradient of the whole") {
  const TemporaryDirectory dir;
  const std::string data = eight_texts(dir), out = dir.path + "/run";
  const auto trained = [&](const std::string& steps, const std::string& weighting) {
    const std::string file = task_file(
        dir, data, "\"model\": \"pool\", \"lr\": 0.01, \"max_steps\": 3, \"entropy_penalty\": 0.1, " + weighting,
        R"(, "class_weights": {"sad": 1, "glad": 3})");
    const Result result = multitask("train --overwrite --out " + out + " --tasks " + file + " " + steps);
    REQUIRE_MESSAGE(result.status == 0, result.output);
    return lines_of(nn::read_file(out + "/log.jsonl"));
  };
  for (const std::string weighting : {"", R"("weighting": "uncertainty",)", R"("weighting": "imtl-l",)"}) {
    CAPTURE(weighting);
    const std::vector<json> whole = trained("--batch-size 6", weighting);
    const std::vector<json> parts = trained("--batch-size 2 --accumulate 3", weighting);
    for (int step = 0; step < 3; ++step) {
      const json &a = whole[step], &b = parts[step];
      for (const char* name : {"grad_norm", "loss", "entropy"})
        CHECK(b[name].get<double>() == doctest::Approx(a[name].get<double>()).epsilon(2e-4));
      for (const char* task : {"mood", "topics", "stars", "places"}) {
        CHECK(b["tasks"][task]["loss"].get<double>() ==
              doctest::Approx(a["tasks"][task]["loss"].get<double>()).epsilon(2e-4));
        CHECK(b["tasks"][task]["seen"] == a["tasks"][task]["seen"]);
      }
    }
  }
}

TEST_CASE("multitask: what shapes attention enters the loss with its weight, whatever the weighting of the tasks") {
  const TemporaryDirectory dir;
  const std::string out = dir.path + "/run", lexicon = dir.write("words.txt", "sun\nbread\t2\n");
  const auto first_step = [&](const std::string& settings) {
    const std::string file = two_sets(dir, "\"dropout\": 0, \"max_steps\": 1," + settings);
    const Result result = multitask("train --overwrite --out " + out + " --tasks " + file);
    REQUIRE_MESSAGE(result.status == 0, result.output);
    return lines_of(nn::read_file(out + "/log.jsonl"))[0];
  };
  const auto value = [](const json& line, const char* name) { return line.at(name).get<double>(); };
  for (const std::string kind : {"equal", "pcgrad"}) {
    const std::string weighting = "\"weighting\": \"" + kind + "\",";
    const json plain = first_step(weighting);
    const json shaped =
        first_step(weighting + "\"entropy_penalty\": 0.5, \"guide_weight\": 2, \"guide\": \"" + lexicon + "\",");
    CHECK(shaped["tasks"] == plain["tasks"]);  // losses and weights of the tasks are what they were
    CHECK(value(shaped, "loss") ==
          doctest::Approx(value(plain, "loss") + 0.5 * value(shaped, "entropy") + 2 * value(shaped, "guide")));
    CHECK(value(shaped, "grad_norm") != value(plain, "grad_norm"));
  }
  const json twice = first_step("\"r_drop\": 1, \"dropout\": 0.3,");
  CHECK(value(twice, "r_drop") > 0);
  CHECK(first_step("\"r_drop\": 1,")["r_drop"].get<double>() == 0);  // without dropout both passes say the same
}

TEST_CASE("multitask: the models alone are this run's, through --overwrite, a signal and --resume") {
  const TemporaryDirectory dir;
  const std::string out = dir.path + "/run";
  const std::string file = two_sets(dir, R"("epochs": 3, "lr": 0.02,)");
  REQUIRE(multitask("train --single --seed 1 --tasks " + file + " --out " + out).status == 0);
  const std::string old = nn::read_file(out + "/single/a/result.json");
  REQUIRE(multitask("train --single --overwrite --seed 2 --tasks " + file + " --out " + out).status == 0);
  const json result = result_of(out);
  const std::string now = nn::read_file(out + "/single/a/result.json");
  CHECK(json::parse(old)["run"] != json::parse(now)["run"]);
  // Figures that another run has left are not taken for this one's; what has been seen is counted again.
  std::ofstream(out + "/single/a/result.json") << old;
  const Result again = multitask("train --resume " + out);
  REQUIRE_MESSAGE(again.status == 0, again.output);
  CHECK(again.output.find("\na alone\n") != std::string::npos);
  CHECK(again.output.find("\nb alone\n") == std::string::npos);
  CHECK(nn::read_file(out + "/single/a/result.json") == now);
  CHECK(result_of(out)["tasks"] == result["tasks"]);
  CHECK(result_of(out)["seen"] == result["seen"]);
  CHECK(result["seen"]["a"].get<long>() > 0);
}

TEST_CASE("multitask: a signal while a task is trained alone ends the program, and --resume goes on with the whole") {
  const TemporaryDirectory dir;
  const std::string out = dir.path + "/run", log = out + "/single/b/log.jsonl";
  const std::string file = two_sets(dir, R"("epochs": 4, "lr": 0.02, "model": "mini", "layers": 1,)");
  const Result whole = multitask("train --single --tasks " + file + " --out " + dir.path + "/whole");
  REQUIRE_MESSAGE(whole.status == 0, whole.output);
  const Result stopped =
      run_shell("{ exec " + program("multitask") + " train --single --tasks " + file + " --out " + out +
                "; } 2>&1 & p=$!; until grep -qs step " + log + "; do sleep 0.01; done; kill -TERM $p; wait $p");
  CHECK(stopped.status == 128 + 15);
  CHECK_MESSAGE(stopped.says("continue with --resume " + out + "\n"), stopped.output);
  const Result resumed = multitask("train --resume " + out);
  REQUIRE_MESSAGE(resumed.status == 0, resumed.output);
  CHECK(result_of(out)["tasks"] == result_of(dir.path + "/whole")["tasks"]);
  CHECK(nn::read_file(log) == nn::read_file(dir.path + "/whole/single/b/log.jsonl"));
}

TEST_CASE("Auto-Lambda: weights are in the log, begin alike, sum to T, move; the same bits for any thread count") {
  const TemporaryDirectory dir;
  std::string entries;
  for (const auto& [name, n] : {std::pair{"fruit", 3}, {"birds", 4}, {"tools", 2}}) {
    std::string rows = "text\tlabel\n";
    for (int i = 0; i < 12 * n; ++i) rows += fmt::format("we saw {}{} there {}\t{}\n", name, i % n, i, i % n);
    entries += fmt::format("{}\"{}\": {{\"data\": \"{}\"}}", entries.empty() ? "" : ", ", name,
                           dir.write(std::string(name) + ".tsv", rows));
  }
  dir.write("pool.json", "{\"tasks\": {" + entries + "}}");
  const auto trained = [&](const std::string& name, const std::string& options) {
    const Result result = run_shell(options + program("multitask") + " train --tasks " + dir.path +
                                    "/pool.json --hidden 16 --heads 2 --epochs 3 --weighting auto-lambda " +
                                    "--weighting-lr 0.1 --lr 0.01 --out " + dir.path + "/" + name + " 2>&1");
    REQUIRE_MESSAGE(result.status == 0, result.output);
    return nn::read_file(dir.path + "/" + name + "/log.jsonl");
  };
  const std::string log = trained("a", "OMP_NUM_THREADS=1 ");
  CHECK(log == trained("b", "OMP_NUM_THREADS=2 "));
  std::vector<std::vector<double>> weights;
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    const json step = json::parse(line);
    if (!step.contains("tasks")) continue;
    weights.emplace_back();
    for (const auto& [name, task] : step["tasks"].items()) weights.back().push_back(task["weight"]);
    CHECK(weights.back()[0] + weights.back()[1] + weights.back()[2] == doctest::Approx(3).epsilon(1e-5));
  }
  CHECK(*std::max_element(weights[0].begin(), weights[0].end()) < 1.3);  // one step of 0.1 each from 1
  CHECK(*std::max_element(weights.back().begin(), weights.back().end()) > 1.05);
  const std::string common =
      "train --tasks " + dir.path + "/pool.json --weighting auto-lambda --out " + dir.path + "/x";
  CHECK(multitask(common + " --primary bird")
            .says("pool.json: primary: 'bird' is not one of fruit, birds, tools (did you"));
  CHECK(multitask(common + " --batches one").says("needs all tasks in every step"));
}
