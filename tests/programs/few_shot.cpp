// Learning to learn: episodes, and the commands of few_shot.
#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "nn/format/files.h"
#include "nn/format/json_value.h"
#include "nn/format/safetensors.h"
#include "tasks/few_shot/episodes.h"
#include "tests/support/programs.h"

using namespace test;
using nn::json;

namespace {

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
  return few_shot::encode(task, tokenizer(), {.max_length = 512});
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
    const auto [task, episode, number] = episodes.at(step, step % 2);
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

TEST_CASE("episodes: of --augment the texts to learn from have copies behind them, those to be tested on have none") {
  few_shot::PoolTask task = pool_task("z", {4, 6});
  const few_shot::Episode plain = few_shot::draw_episode(task, {1, 0}, 2, 1, {3});
  std::vector<text::Example> again;  // letters b in the place of a: copy 1, copy 2
  for (int copy = 0; copy < 2; ++copy)
    for (long i = 0; i < task.set.size(); ++i) {
      std::string letters;
      for (long n = 0; n <= i; ++n) letters += copy ? "c " : "b ";
      again.push_back({.text = letters, .label = task.set.labels[i]});
    }
  task.copies = text::encode(again, tokenizer(), 512);
  const few_shot::Episode with = few_shot::draw_episode(task, {1, 0}, 2, 1, {3});
  REQUIRE(with.support.size() == 12);
  for (long i = 0; i < 12; ++i) {
    CHECK(row_of(with.support.windows[i]) == row_of(plain.support.windows[i % 4]));
    CHECK(with.support.windows[i].ids[1] == 5 + i / 4);  // a, b, c
    CHECK(with.support.labels[i] == plain.support.labels[i % 4]);
  }
  CHECK(with.query.windows[0].ids == plain.query.windows[0].ids);
  CHECK(with.query.size() == plain.query.size());
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

namespace {

// Sentences around a word of their class. Two tasks for the pool, one that is new.
std::string rows_of(const std::vector<std::pair<std::string, std::string>>& words, int count, int first = 0) {
  const char* around[] = {"we saw {} there", "the {} came late", "is this {} yours", "{} again", "no {} for me please"};
  std::string rows = "text\tlabel\n";
  for (int i = 0; i < count; ++i)
    for (const auto& [label, word] : words)
      rows += fmt::format(fmt::runtime(around[i % 5]), i % 2 ? word : word + " " + word) +
              fmt::format(" {}\t{}\n", first + i, label);
  return rows;
}

// A pool of two tasks, a third that may be held out, and the options of a model that is trained in a second.
std::string pool_file(const TemporaryDirectory& dir, const std::string& more = "") {
  dir.write("fruit.tsv", rows_of({{"A", "apple"}, {"P", "plum"}, {"C", "cherry"}}, 12));
  dir.write("birds.tsv", rows_of({{"o", "owl"}, {"d", "duck"}, {"s", "swan"}, {"c", "crow"}}, 12));
  dir.write("tools.tsv", rows_of({{"x", "rake"}, {"y", "owl"}, {"z", "cherry"}}, 12, 12));
  return dir.write("pool.json", fmt::format(R"({{"tasks": {{"fruit": {{"data": "{0}/fruit.tsv"}},
    "birds": {{"data": "{0}/birds.tsv"}}, "tools": {{"data": "{0}/tools.tsv"}}{1}}}}})",
                                            dir.path, more));
}

std::string meta(const TemporaryDirectory& dir, const std::string& method, const std::string& options = "") {
  return "train --tasks " + dir.path + "/pool.json --method " + method +
         " --ways 3 --shots 2 --queries 2 --episodes 2 --lr 0.01 --hidden 16 --heads 2" +
         (method == "joint" ? "" : " --inner-steps 3") + " --hold-out tools " + options + " --out " + dir.path + "/" +
         method;
}

}  // namespace

TEST_CASE(
    "few_shot train: every method trains on the pool, and a run that was interrupted ends bit for bit as one that was "
    "not") {
  const TemporaryDirectory dir;
  pool_file(dir);
  for (const std::string method : {"fomaml", "reptile", "joint"}) {
    const std::string out = dir.path + "/" + method;
    const Result whole = call("few_shot", meta(dir, method, "--steps 60 --layers 1"));
    REQUIRE_MESSAGE(whole.status == 0, whole.output);
    CHECK(whole.last_line().find("result task=few_shot method=" + method + " steps=60 loss=") == 0);
    CHECK(!nn::SafeTensors(out + "/best/model.safetensors").has("classifier.weight"));
    const json memory = json::parse(nn::read_file(out + "/best/pool.json"));
    CHECK(memory["method"] == method);
    CHECK(memory["tasks"].size() == 2);
    CHECK(memory["tasks"]["birds"]["texts"].size() == 48);
    const std::string log = nn::read_file(out + "/log.jsonl"), model = nn::read_file(out + "/best/model.safetensors");
    std::filesystem::remove_all(out);
    stop_when("grep -qs . " + out + "/log.jsonl",
              program("few_shot") + " " + meta(dir, method, "--steps 60 --layers 1"));
    const Result resumed = call("few_shot", "train --resume " + out);
    REQUIRE_MESSAGE(resumed.status == 0, resumed.output);
    CHECK(resumed.says("resuming"));
    CHECK(nn::read_file(out + "/log.jsonl") == log);
    CHECK(nn::read_file(out + "/best/model.safetensors") == model);
  }
}

TEST_CASE(
    "few_shot train: adversaries, mixup and focal loss change the run of every method, and none of it is random") {
  const TemporaryDirectory dir;
  pool_file(dir);
  for (const std::string method : {"fomaml", "reptile", "joint"}) {
    std::set<std::string> logs;
    const char* ways[] = {"",
                          "--adversarial fgm",
                          "--adversarial freelb",
                          "--adversarial smart",
                          "--mixup 0.5",
                          "--class-loss focal",
                          "--augment characters --augment-share 0.5"};
    for (const std::string options : ways) {
      const Result run = call("few_shot", meta(dir, method, "--overwrite --steps 2 --layers 1 " + options));
      REQUIRE_MESSAGE(run.status == 0, run.output);
      const std::string log = nn::read_file(dir.path + "/" + method + "/log.jsonl");
      CHECK_MESSAGE(logs.insert(log).second, method, " ", options);
      REQUIRE(call("few_shot", meta(dir, method, "--overwrite --steps 2 --layers 1 " + options)).status == 0);
      CHECK(nn::read_file(dir.path + "/" + method + "/log.jsonl") == log);
    }
  }
}

TEST_CASE("few_shot evaluate: a task that was held out is learned from a few texts, and from more of them better") {
  const TemporaryDirectory dir;
  pool_file(dir);
  REQUIRE(call("few_shot", meta(dir, "fomaml", "--steps 40 --model pool --dropout 0")).status == 0);
  const std::string model = "evaluate --model " + dir.path + "/fomaml --shots 1,8 --episodes 3 --steps 60 --lr 0.02";
  const Result learned =
      call("few_shot", model + " --tasks " + dir.path + "/pool.json --task tools --out " + dir.path + "/f.json");
  REQUIRE_MESSAGE(learned.status == 0, learned.output);
  CHECK(learned.last_line().find("result task=few_shot shots=1,8 accuracy=") == 0);
  const json figures = json::parse(nn::read_file(dir.path + "/f.json"));
  CHECK(figures["shots"][1]["accuracy"].get<double>() > 0.9);
  CHECK(figures["shots"][0]["episodes"].size() == 3);
  const std::string data = " --data " + dir.path + "/tools.tsv --labels auto";
  const Result same =
      call("few_shot", "evaluate --model " + dir.path + "/fomaml --shots 1,8 --episodes 3 --steps 60 --lr 0.02" + data);
  CHECK(same.last_line() == learned.last_line());
  const Result anew = call("few_shot", model + data + " --from-nothing --test " + dir.path + "/tools.tsv");
  REQUIRE_MESSAGE(anew.status == 0, anew.output);
  CHECK(anew.last_line() != learned.last_line());
}

TEST_CASE("few_shot: what cannot be done is said in one line") {
  const TemporaryDirectory dir;
  pool_file(dir);
  const auto refused = [&](const std::string& command, const std::string& why) {
    const Result result = call("few_shot", command);
    CHECK(result.status != 0);
    CHECK_MESSAGE(result.says("error: "), result.output);
    CHECK_MESSAGE(result.says(why), result.output);
  };
  refused(meta(dir, "fomalm"), "--method: 'fomalm' is not one of fomaml, reptile, joint (did you mean 'fomaml'?)");
  refused(meta(dir, "joint", "--hold-out bird"), "--hold-out: 'bird' is not one of fruit, birds, tools (did you mean");
  refused(meta(dir, "joint", "--hold-out fruit --hold-out birds"), "leaves no task");
  refused(meta(dir, "joint", "--queries 11"), "fruit: an episode needs 3 classes with 13 texts each; 0 of its 3");
  refused(meta(dir, "joint", "--inner-lr 1"), "--inner-lr is for --method fomaml, reptile; got --method joint");
  refused(meta(dir, "joint", "--long error --max-length 4"), "a text of");
  refused("train --method joint", "--tasks is needed");
  refused(meta(dir, "joint", "--class-loss margins"), "--class-loss: 'margins' is not one of cross-entropy, focal");
  refused(meta(dir, "joint", "--class-loss focal --label-smoothing 0.1"), "--class-loss focal has no label smoothing");
  pool_file(dir, ", \"size\": {\"data\": \"embedded\", \"head\": \"labels\"}");
  refused(meta(dir, "joint"), "tasks.size.head: few-shot tasks have a single label; got 'labels'");
  pool_file(dir, ", \"size\": {\"data\": \"embedded\", \"examples\": 64}");
  refused(meta(dir, "joint"), "tasks.size.examples: episodes take as many texts as --shots says");
  pool_file(dir, ", \"size\": {\"data\": \"embedded\", \"split\": \"50/25/25\"}");
  refused(meta(dir, "joint"), "tasks.size.split: all of \"data\" is trained on");
  pool_file(dir);
  REQUIRE(call("few_shot", meta(dir, "joint", "--steps 3")).status == 0);
  const std::string few =
      "evaluate --model " + dir.path + "/joint --steps 2 --tasks " + dir.path + "/pool.json --task ";
  refused(few + "birds", "birds: 48 of its 48 texts were in the pool");
  const std::string mixed = dir.write(
      "mixed.tsv", rows_of({{"A", "apple"}, {"o", "owl"}, {"n", "stone"}}, 12));  // a third of each, a third new
  refused("evaluate --model " + dir.path + "/joint --steps 2 --data " + mixed,
          "24 of its 36 texts were in the pool of " + dir.path + "/joint/best, in birds, fruit; few-shot needs");
  refused(few + "tool", "--task: 'tool' is not one of fruit, birds, tools (did you mean 'tools'?)");
  refused(few + "tools --shots 1,12",
          "tools: 12 texts of 'x' to learn from and at least one to be tested on: it has 12");
  refused(few + "tools --ways 4", "an episode of 4 classes; the task has 3");
  refused(few + "tools --data " + dir.path + "/tools.tsv", "either a --task of --tasks, or --data");
  refused("evaluate --model " + dir.path + "/nowhere --data x", "nowhere: no such directory");
}
