// What steps of multitask come to: batches one after the other, what shapes attention, weights that look ahead; and
// runs that are stopped, replaced and measured again.
#include <algorithm>
#include <fstream>

#include "tests/support/multitask.h"

using namespace test;
using nn::json;

TEST_CASE("multitask: batches of a step that are computed one after the other have the gradient of the whole") {
  const TemporaryDirectory dir;
  const std::string data = eight_texts(dir), out = dir.path + "/run";
  const auto trained = [&](const std::string& steps, const std::string& weighting) {
    const std::string file = task_file(
        dir, data, "\"model\": \"pool\", \"lr\": 0.01, \"max_steps\": 3, \"entropy_penalty\": 0.1, " + weighting,
        R"(, "class_weights": {"sad": 1, "glad": 3})");
    const Result result = call("multitask", "train --overwrite --out " + out + " --tasks " + file + " " + steps);
    REQUIRE_MESSAGE(result.status == 0, result.output);
    std::vector<json> steps_of_run = lines_of(nn::read_file(out + "/log.jsonl"));
    std::erase_if(steps_of_run, [](const json& line) { return line.contains("dev"); });
    return steps_of_run;
  };
  for (const std::string weighting : {"", R"("weighting": "uncertainty",)", R"("weighting": "imtl-l",)",
                                      R"("class_loss": "focal",)"}) {  // its weights do not divide it
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

TEST_CASE("multitask: famo compares a loss with itself: while no weight moves no task gains, whatever bends the loss") {
  const TemporaryDirectory dir;
  const std::string data = eight_texts(dir), out = dir.path + "/run";
  for (const std::string bent :
       {"--class-loss focal", "--r-drop 1 --dropout 0.2", "--mixup 0.5", "--adversarial fgm", "--adversarial smart"}) {
    const std::string file = task_file(dir, data, R"("model": "pool", "lr": 1e-12, "weighting": "famo",)");
    const Result trained =
        call("multitask", "train --overwrite --out " + out + " --max-steps 40 --tasks " + file + " " + bent);
    REQUIRE_MESSAGE(trained.status == 0, trained.output);
    for (const json& line : lines_of(nn::read_file(out + "/log.jsonl"))) {
      if (!line.contains("tasks")) continue;
      const auto part = [&](const char* task) {  // z / k of it
        return line["tasks"][task]["weight"].get<double>() * line["tasks"][task]["loss"].get<double>();
      };
      for (const char* task : {"topics", "stars", "places"})
        CHECK_MESSAGE(part(task) == doctest::Approx(part("mood")).epsilon(1e-4), bent, " ", line.dump());
    }
  }
}

TEST_CASE("multitask: auto-lambda looks ahead with the losses that the step has, whatever bends them") {
  const TemporaryDirectory dir;
  const std::string data = eight_texts(dir), out = dir.path + "/run";
  const std::string file = task_file(dir, data, R"("model": "pool", "lr": 1e-2, "weighting": "auto-lambda",)");
  for (const std::string bent :
       {"", "--class-loss focal", "--r-drop 1 --dropout 0.2", "--mixup 0.5", "--adversarial fgm", "--adversarial pgd",
        "--adversarial freelb", "--adversarial smart"}) {
    const Result trained =
        call("multitask", "train --overwrite --out " + out + " --max-steps 3 --tasks " + file + " " + bent);
    REQUIRE_MESSAGE(trained.status == 0, bent, trained.output);
    const json last = lines_of(nn::read_file(out + "/log.jsonl"))[2];
    CHECK_MESSAGE(last["tasks"]["mood"]["weight"] != last["tasks"]["stars"]["weight"], bent);
  }
}

TEST_CASE("multitask: what shapes attention enters the loss with its weight, whatever the weighting of the tasks") {
  const TemporaryDirectory dir;
  const std::string out = dir.path + "/run", lexicon = dir.write("words.txt", "sun\nbread\t2\n");
  const auto first_step = [&](const std::string& settings) {
    const std::string file = two_sets(dir, "\"max_steps\": 1," + settings);
    const Result result = call("multitask", "train --overwrite --out " + out + " --tasks " + file);
    REQUIRE_MESSAGE(result.status == 0, result.output);
    return lines_of(nn::read_file(out + "/log.jsonl"))[0];
  };
  const auto value = [](const json& line, const char* name) { return line.at(name).get<double>(); };
  for (const std::string kind : {"equal", "pcgrad"}) {
    const std::string weighting = "\"dropout\": 0, \"weighting\": \"" + kind + "\",";
    const json plain = first_step(weighting);
    const json shaped =
        first_step(weighting + "\"entropy_penalty\": 0.5, \"guide_weight\": 2, \"guide\": \"" + lexicon + "\",");
    for (const char* task : {"a", "b"})  // losses and weights of the tasks are what they were
      for (const char* name : {"loss", "weight"})
        CHECK(value(shaped["tasks"][task], name) == doctest::Approx(value(plain["tasks"][task], name)).epsilon(1e-6));
    CHECK(value(shaped, "loss") ==
          doctest::Approx(value(plain, "loss") + 0.5 * value(shaped, "entropy") + 2 * value(shaped, "guide")));
    CHECK(value(shaped, "grad_norm") != value(plain, "grad_norm"));
  }
  const json twice = first_step("\"r_drop\": 1, \"dropout\": 0.3,");
  CHECK(value(twice, "r_drop") > 0);
  CHECK(first_step("\"r_drop\": 1, \"dropout\": 0,")["r_drop"].get<double>() ==
        0);  // without dropout both passes say the same
}

TEST_CASE("multitask: evaluation reads as long texts and shares them out by the seed that training had") {
  const TemporaryDirectory dir;
  std::string rows = "text\tlabel\n";
  for (int i = 0; i < 60; ++i)
    rows +=
        fmt::format("{} {} one two three four five six seven {}\t{}\n", i, i % 7, i % 2 ? "good" : "bad", i * i % 3);
  const std::string file = dir.write("tasks.json", fmt::format(R"({{"hidden": 16, "heads": 2, "epochs": 3, "lr": 0.02,
    "long": "window", "max_length": 8, "tasks": {{"a": {{"data": "{}", "split": "50/10/40", "metric": "mcc"}}}}}})",
                                                               dir.write("a.tsv", rows)));
  const std::string out = dir.path + "/run";
  const Result trained = call("multitask", "train --seed 7 --tasks " + file + " --out " + out);
  REQUIRE_MESSAGE(trained.status == 0, trained.output);
  const Result same = call("multitask", "evaluate --model " + out + " --out " + dir.path + "/f.json");
  REQUIRE_MESSAGE(same.status == 0, same.output);
  CHECK(json::parse(nn::read_file(dir.path + "/f.json"))["a"]["test"] == result_of(out)["tasks"]["a"]["test"]);
  CHECK(!same.says("note: texts are"));
  const Result over = call("multitask", "evaluate --model " + out + " --out " + dir.path + "/./a.tsv");
  CHECK(over.says("a.tsv: a file of task 'a'; name another"));
  CHECK(nn::read_file(dir.path + "/a.tsv") == rows);
  const Result other = call("multitask", "evaluate --model " + out + " --seed 8 --long cut --max-length 7");
  CHECK(other.says("note: texts are split by seed 8; the model was trained with 7"));
  CHECK(other.says("note: texts are read up to 7 tokens; the model was made for 8"));
  CHECK(other.says("note: a longer text: cut; the model was made with window"));
}

TEST_CASE("multitask: a step whose words have no piece counts nothing") {
  const TemporaryDirectory dir;
  std::string rows = "text\ttags\tsplit\n";
  for (int i = 0; i < 6; ++i) rows += fmt::format("to Rome\tO B-city\t{}\n", i % 2 ? "train" : "dev");
  rows += "\xEE\x80\x80\tO\ttrain\n";  // private use: the tokenizer takes it out
  const std::string file =
      dir.write("tasks.json", fmt::format(R"({{"hidden": 16, "batch_size": 1, "epochs": 2, "model": "bert",
    "layers": 1, "heads": 2, "tasks": {{"a": {{"data": "{}", "label_column": "tags", "head": "tokens"}}}}}})",
                                          dir.write("a.tsv", rows)));
  const Result trained = call("multitask", "train --tasks " + file + " --out " + dir.path + "/run");
  REQUIRE_MESSAGE(trained.status == 0, trained.output);
  int without = 0;
  for (const json& line : lines_of(nn::read_file(dir.path + "/run/log.jsonl")))
    if (!line.contains("dev") && !line.contains("tasks")) {
      ++without;
      CHECK(line["loss"] == 0);
      CHECK(line["grad_norm"] == 0);
    }
  CHECK(without == 2);  // once an epoch
}

TEST_CASE("multitask: the models alone are this run's, through --overwrite, a signal and --resume") {
  const TemporaryDirectory dir;
  const std::string out = dir.path + "/run";
  const std::string file = two_sets(dir, R"("epochs": 3, "lr": 0.02,)");
  REQUIRE(call("multitask", "train --single --seed 1 --tasks " + file + " --out " + out).status == 0);
  const std::string old = nn::read_file(out + "/single/a/result.json");
  REQUIRE(call("multitask", "train --single --overwrite --seed 2 --tasks " + file + " --out " + out).status == 0);
  const json result = result_of(out);
  const std::string now = nn::read_file(out + "/single/a/result.json");
  CHECK(json::parse(old)["run"] != json::parse(now)["run"]);
  // Figures that another run has left are not taken for this one's; what has been seen is counted again.
  std::ofstream(out + "/single/a/result.json") << old;
  const Result again = call("multitask", "train --resume " + out);
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
  const std::string file = two_sets(dir, R"("epochs": 4, "lr": 0.02, "model": "bert", "layers": 1,)");
  const Result whole = call("multitask", "train --single --tasks " + file + " --out " + dir.path + "/whole");
  REQUIRE_MESSAGE(whole.status == 0, whole.output);
  const Result stopped =
      stop_when("grep -qs step " + log, program("multitask") + " train --single --tasks " + file + " --out " + out);
  CHECK(stopped.status == 128 + 15);
  CHECK_MESSAGE(stopped.says("continue with --resume " + out + "\n"), stopped.output);
  const Result resumed = call("multitask", "train --resume " + out);
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
  CHECK(call("multitask", common + " --primary bird")
            .says("pool.json: primary: 'bird' is not one of fruit, birds, tools (did you"));
  CHECK(call("multitask", common + " --batches one").says("needs all tasks in every step"));
}

TEST_CASE(
    "multitask: with smart, copies and mixup a run that was stopped ends bit for bit as one that was not, and leaves "
    "what it says of every test text, which `report --task` shows") {
  const TemporaryDirectory dir;
  const std::string file =
      two_sets(dir,
               "\"adversarial\": \"smart\", \"augment\": \"words\", \"oversample\": 1, "
               "\"mixup\": 0.4, \"model\": \"bert\", \"layers\": 1, \"max_steps\": 40, \"lr\": 0.01,");
  const std::string a = dir.path + "/a", b = dir.path + "/b";
  const Result whole = call("multitask", "train --tasks " + file + " --out " + a);
  REQUIRE_MESSAGE(whole.status == 0, whole.output);
  CHECK(whole.says("72 texts to train on, 36 of them added"));
  stop_and_resume("multitask", "train --tasks " + file + " --out " + b, b, "log.jsonl");
  for (const char* name : {"/log.jsonl", "/best/model.safetensors", "/predictions/a.jsonl"})
    CHECK(nn::read_file(a + name) == nn::read_file(b + name));
  const std::vector<json> log = lines_of(nn::read_file(a + "/log.jsonl"));
  CHECK(log[0].at("proximal") == 0);
  CHECK(log[20].at("proximal").get<double>() > 0);
  const std::vector<json> said = lines_of(nn::read_file(a + "/predictions/b.jsonl"));
  REQUIRE(said.size() == 24);
  CHECK(said[0].at("scores").size() == 2);
  const Result page = run_shell(program("report") + " --task b " + a + " --out " + dir.path + "/r.html 2>&1");
  REQUIRE_MESSAGE(page.status == 0, page.output);
  CHECK(nn::read_file(dir.path + "/r.html").find("onfusion") != std::string::npos);
  const Result none = run_shell(program("report") + " --task c " + a + " --out " + dir.path + "/r.html 2>&1");
  CHECK(none.last_line() == "error: " + a + ": no predictions of a task 'c'; there are those of a, b");
}

TEST_CASE("multitask: robustness that no task can have is refused in one line") {
  const TemporaryDirectory dir;
  const auto said = [&](const std::string& settings) {
    const std::string file = task_file(dir, eight_texts(dir), settings + " \"max_steps\": 1,");
    return call("multitask", "train --tasks " + file + " --out " + dir.path + "/run").last_line();
  };
  CHECK(said("\"augment\": \"words\",") ==
        "error: --augment changes words, and all texts have tags for theirs as they stand");
  CHECK(said("\"class_loss\": \"focal\", \"r_drop\": 1,").find("error: --r-drop compares two plain passes") == 0);
}
