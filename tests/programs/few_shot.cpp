// Learning to learn: episodes, the commands `meta` and `few-shot` of multitask, and training with Auto-Lambda's weights.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "nn/format/files.h"
#include "nn/format/safetensors.h"
#include "tasks/few_shot/episodes.h"
#include "tasks/few_shot/meta.h"
#include "tasks/multitask/sampling.h"
#include "tests/support/support.h"

using namespace test;
using nlohmann::json;

namespace {

Result call(const std::string& arguments) { return run_shell(program("multitask") + " " + arguments + " 2>&1"); }

const text::WordPiece& tokenizer() {
  static const text::WordPiece pieces({"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "c"});
  return pieces;
}

// Texts of as many letters as they are old, so that every one is another: class k has `counts[k]` of them.
few_shot::PoolTask pool_task(const std::string& name, const std::vector<int>& counts) {
  few_shot::TaskTexts task{name, {}};
  std::vector<std::string> labels;
  for (size_t k = 0; k < counts.size(); ++k) {
    labels.push_back(fmt::format("{}{}", name, k));
    for (int i = 0; i < counts[k]; ++i) {
      std::string letters;
      for (size_t n = 0; n <= task.examples.rows.size(); ++n) letters += "a ";
      task.examples.rows.push_back({.text = letters, .label = int(k)});
    }
  }
  task.examples.labels = text::Labels(labels);
  return multitask::encode(task, tokenizer(), 512);
}

long row_of(const text::Encoding& text) { return long(text.ids.size()) - 3; }  // [CLS] a a a [SEP] is text 2

std::vector<few_shot::PoolTask> two_tasks() {
  std::vector<few_shot::PoolTask> pool;
  pool.push_back(pool_task("x", {6, 5, 8, 4, 2}));  // the last has too few
  pool.push_back(pool_task("y", {5, 5, 7}));
  return pool;
}

}  // namespace

TEST_CASE("episodes: N classes, K and Q texts of each, none in both parts, and every one of its own class") {
  const std::vector<few_shot::PoolTask> pool = two_tasks();
  const few_shot::Episodes episodes(pool, {.ways = 3, .shots = 3, .queries = 1}, 7);
  std::map<std::string, int> tasks;
  std::map<int, int> classes;
  for (int step = 0; step < 300; ++step) {
    const auto [task, episode] = episodes.at(step, step % 2);
    REQUIRE(episode.classes.size() == 3);
    CHECK(std::set<int>(episode.classes.begin(), episode.classes.end()).size() == 3);
    CHECK(episode.support.labels == Indices{0, 0, 0, 1, 1, 1, 2, 2, 2});
    CHECK(episode.query.labels == Indices{0, 1, 2});
    std::set<long> seen;
    for (const text::EncodedSet* part : {&episode.support, &episode.query})
      for (long i = 0; i < part->size(); ++i) {
        const long row = row_of(part->windows[i]);
        CHECK(task.set.labels[row] == episode.classes[part->labels[i]]);
        CHECK(seen.insert(row).second);
      }
    ++tasks[task.name];
    if (task.name == "x")
      for (int k : episode.classes) ++classes[k];
  }
  CHECK(std::abs(tasks["x"] - 300 * 4 / 7) < 30);  // by their usable classes, 4 and 3
  CHECK(classes.size() == 4);
  CHECK(!classes.contains(4));
  for (const auto& [k, n] : classes) CHECK(std::abs(n - tasks["x"] * 3 / 4) < 25);
}

TEST_CASE("episodes: the same step and number draw the same, another seed, step or number another") {
  const std::vector<few_shot::PoolTask> pool = two_tasks();
  const auto drawn_by = [&](uint64_t seed, long step, long number) {
    const few_shot::Episodes episodes(pool, {.ways = 3, .shots = 2, .queries = 2}, seed);
    std::vector<long> rows;
    const auto drawn = episodes.at(step, number);
    for (const text::Encoding& text : drawn.episode.support.windows) rows.push_back(row_of(text));
    rows.push_back(drawn.task.name == "x");
    return rows;
  };
  CHECK(drawn_by(1, 5, 2) == drawn_by(1, 5, 2));
  CHECK(drawn_by(1, 5, 2) != drawn_by(2, 5, 2));
  CHECK(drawn_by(1, 5, 2) != drawn_by(1, 6, 2));
  CHECK(drawn_by(1, 5, 2) != drawn_by(1, 5, 3));
  CHECK(error_of([&] { few_shot::Episodes(pool, {.ways = 4, .shots = 2, .queries = 2}, 1); }) ==
        "y: an episode needs 4 classes with 4 texts each; 3 of its 3 classes have as many");
}

TEST_CASE("episodes: of the new task all others are queries; a class with too few texts is named") {
  const few_shot::PoolTask task = pool_task("z", {4, 6});
  const auto all = few_shot::draw_episode(task, {1, 0}, 2, few_shot::kAllOthers, {3});
  CHECK(all.support.labels == Indices{0, 0, 1, 1});
  CHECK(all.query.labels == Indices{0, 0, 0, 0, 1, 1});
  const text::EncodedSet both = few_shot::together(all.support, all.query);
  CHECK(both.labels == Indices{0, 0, 1, 1, 0, 0, 0, 0, 1, 1});
  CHECK(both.begin == Indices{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
  CHECK(both.windows[9].ids == all.query.windows[5].ids);
  CHECK(few_shot::draw_episode(task, {0, 1}, 0, 3, {3}).query.size() == 6);
  CHECK(few_shot::draw_episode(task, {0}, 4, 0, {3}).query.size() == 0);
  CHECK(error_of([&] {
          few_shot::draw_episode(task, {1, 0}, 4, 1, {3});
        }) == "z: 4 texts of 'z0' to learn from and at least one to be tested on: it has 4");
}

TEST_CASE("intervals: Student's t as the tables have it") {
  // The sample -1 ... 1 of n numbers has mean 0; half = t s / sqrt(n).
  const std::pair<int, double> table[] = {{2, 12.706}, {3, 4.303}, {4, 3.182}, {5, 2.776}, {11, 2.228}, {31, 2.042}};
  for (const auto& [n, t] : table) {
    std::vector<double> sample(n);
    double squares = 0;
    for (int i = 0; i < n; ++i) sample[i] = 5 + 2.0 * i / (n - 1) - 1, squares += std::pow(sample[i] - 5, 2);
    const few_shot::Interval interval = few_shot::interval_95(sample);
    CHECK(interval.mean == doctest::Approx(5));
    CHECK(interval.half / std::sqrt(squares / (n - 1) / n) == doctest::Approx(t).epsilon(2e-3));
  }
  CHECK(few_shot::interval_95({3}).half == 0);
}

namespace {

// Sentences around a word of their class. Two tasks for the pool, one that is new.
std::string rows_of(const std::vector<std::pair<std::string, std::string>>& words, int count) {
  const char* around[] = {"we saw {} there", "the {} came late", "is this {} yours", "{} again", "no {} for me please"};
  std::string rows = "text\tlabel\n";
  for (int i = 0; i < count; ++i)
    for (const auto& [label, word] : words)
      rows += fmt::format(fmt::runtime(around[i % 5]), i % 2 ? word : word + " " + word) +
              fmt::format(" {}\t{}\n", i, label);
  return rows;
}

// A pool of two tasks, a third that may be held out, and the options of a model that is trained in a second.
std::string pool_file(const TemporaryDirectory& dir, const std::string& more = "") {
  dir.write("fruit.tsv", rows_of({{"A", "apple"}, {"P", "plum"}, {"C", "cherry"}}, 12));
  dir.write("birds.tsv", rows_of({{"o", "owl"}, {"d", "duck"}, {"s", "swan"}, {"c", "crow"}}, 12));
  dir.write("tools.tsv", rows_of({{"x", "rake"}, {"y", "owl"}, {"z", "cherry"}}, 12));
  return dir.write("pool.json", fmt::format(R"({{"tasks": {{"fruit": {{"data": "{0}/fruit.tsv"}},
    "birds": {{"data": "{0}/birds.tsv"}}, "tools": {{"data": "{0}/tools.tsv"}}{1}}}}})",
                                            dir.path, more));
}

std::string meta(const TemporaryDirectory& dir, const std::string& method, const std::string& options = "") {
  return "meta --tasks " + dir.path + "/pool.json --method " + method +
         " --ways 3 --shots 2 --queries 2 --episodes 2 --inner-steps 3 --lr 0.01 --hidden 16 --heads 2" +
         " --hold-out tools " + options + " --out " + dir.path + "/" + method;
}

}  // namespace

TEST_CASE(
    "meta: every method trains on the pool, and a run that was interrupted ends bit for bit as one that was not") {
  const TemporaryDirectory dir;
  pool_file(dir);
  for (const std::string method : {"fomaml", "reptile", "joint"}) {
    const std::string out = dir.path + "/" + method;
    const Result whole = call(meta(dir, method, "--steps 60 --layers 1"));
    REQUIRE_MESSAGE(whole.status == 0, whole.output);
    CHECK(whole.last_line().find("result task=multitask-meta method=" + method + " steps=60 loss=") == 0);
    CHECK(!nn::SafeTensors(out + "/best/model.safetensors").has("classifier.weight"));
    const json memory = json::parse(nn::read_file(out + "/best/pool.json"));
    CHECK(memory["method"] == method);
    CHECK(memory["tasks"].size() == 2);
    CHECK(memory["tasks"]["birds"]["texts"].size() == 48);
    const std::string log = nn::read_file(out + "/log.jsonl"), model = nn::read_file(out + "/best/model.safetensors");
    run_shell("rm -r " + out + "; " + program("multitask") + " " + meta(dir, method, "--steps 60 --layers 1") +
              " >/dev/null 2>&1 & p=$!; until grep -q . " + out + "/log.jsonl 2>/dev/null; do sleep 0.01; done; " +
              "kill -TERM $p; wait $p");
    const Result resumed = call("meta --resume " + out);
    REQUIRE_MESSAGE(resumed.status == 0, resumed.output);
    CHECK(resumed.says("resuming"));
    CHECK(nn::read_file(out + "/log.jsonl") == log);
    CHECK(nn::read_file(out + "/best/model.safetensors") == model);
  }
}

TEST_CASE("few-shot: a task that was held out is learned from a few texts, and from more of them better") {
  const TemporaryDirectory dir;
  pool_file(dir);
  REQUIRE(call(meta(dir, "fomaml", "--steps 40 --model pool --dropout 0")).status == 0);
  const std::string model = "few-shot --model " + dir.path + "/fomaml --shots 1,8 --episodes 3 --steps 60 --lr 0.02";
  const Result learned = call(model + " --tasks " + dir.path + "/pool.json --task tools --out " + dir.path + "/f.json");
  REQUIRE_MESSAGE(learned.status == 0, learned.output);
  CHECK(learned.last_line().find("result task=few-shot shots=1,8 accuracy=") == 0);
  const json figures = json::parse(nn::read_file(dir.path + "/f.json"));
  CHECK(figures["shots"][1]["accuracy"].get<double>() > 0.9);
  CHECK(figures["shots"][0]["episodes"].size() == 3);
  const std::string data = " --data " + dir.path + "/tools.tsv --labels auto";
  const Result same =
      call("few-shot --model " + dir.path + "/fomaml --shots 1,8 --episodes 3 --steps 60 --lr 0.02" + data);
  CHECK(same.last_line() == learned.last_line());
  const Result anew = call(model + data + " --from-nothing --test " + dir.path + "/tools.tsv");
  REQUIRE_MESSAGE(anew.status == 0, anew.output);
  CHECK(anew.last_line() != learned.last_line());
}

TEST_CASE("meta and few-shot: what cannot be done is said in one line") {
  const TemporaryDirectory dir;
  pool_file(dir);
  const auto refused = [&](const std::string& command, const std::string& why) {
    const Result result = call(command);
    CHECK(result.status != 0);
    CHECK_MESSAGE(result.last_line().find("error: ") == 0, result.output);
    CHECK_MESSAGE(result.says(why), result.output);
  };
  refused(meta(dir, "fomalm"), "--method: 'fomalm' is not one of fomaml, reptile, joint (did you mean 'fomaml'?)");
  refused(meta(dir, "joint", "--hold-out bird"), "--hold-out: 'bird' is not one of fruit, birds, tools (did you mean");
  refused(meta(dir, "joint", "--hold-out fruit --hold-out birds"), "leaves no task");
  refused(meta(dir, "joint", "--queries 11"), "fruit: an episode needs 3 classes with 13 texts each; 0 of its 3");
  refused("meta --method joint", "--tasks is needed");
  pool_file(dir, ", \"size\": {\"data\": \"embedded\", \"head\": \"labels\"}");
  refused(meta(dir, "joint"), "tasks.size.head: few-shot tasks have a single label; got 'labels'");
  pool_file(dir);
  REQUIRE(call(meta(dir, "joint", "--steps 3")).status == 0);
  const std::string few =
      "few-shot --model " + dir.path + "/joint --steps 2 --tasks " + dir.path + "/pool.json --task ";
  refused(few + "birds", "birds: 48 of its 48 texts were in the pool");
  refused(few + "tool", "--task: 'tool' is not one of fruit, birds, tools (did you mean 'tools'?)");
  refused(few + "tools --shots 1,12",
          "tools: 12 texts of 'x' to learn from and at least one to be tested on: it has 12");
  refused(few + "tools --ways 4", "an episode of 4 classes; the task has 3");
  refused(few + "tools --data " + dir.path + "/tools.tsv", "either a --task of --tasks, or --data");
  refused("few-shot --model " + dir.path + "/nowhere --data x", "nowhere: no such directory");
}

TEST_CASE("Auto-Lambda: halves of a draw are all of it, and neither is empty") {
  const std::vector<multitask::Draw> draws{{0, {5, 6, 7}}, {1, {9}}};
  const auto first = multitask::half_of(draws, false), second = multitask::half_of(draws, true);
  CHECK(first[0].places == Indices{5, 7});
  CHECK(second[0].places == Indices{6});
  CHECK(first[1].places == Indices{9});
  CHECK(second[1].places == Indices{9});
  CHECK(second[1].task == 1);
}

TEST_CASE("Auto-Lambda: weights are in the log, begin alike, sum to T, move; the same bits for any thread count") {
  const TemporaryDirectory dir;
  pool_file(dir);
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
  CHECK(call(common + " --primary bird").says("pool.json: primary: 'bird' is not one of fruit, birds, tools (did you"));
  CHECK(call(common + " --batches one").says("needs all tasks in every step"));
}
