// Attention allocated with less computation, from the command line: neurons taken out, tokens left behind, windows;
// with good input and with bad.
#include "nn/format/json_value.h"
#include "nn/format/pretrained.h"
#include "tests/support/programs.h"

using namespace test;
using nn::json;

namespace {

const std::string kPoolRun = " --hidden 16 --max-length 24 --epochs 2 --batch-size 6 --lr 1e-2 ";

// A trained run of two layers, and how its data is given.
struct AllocationRun {
  TemporaryDirectory dir;
  std::string data = " --data " +
                     three_moods(dir, {"an awful, bad and poor", "a fine, good and great", "the train at noon, a"}),
              run = dir.path + "/run";
  explicit AllocationRun(const std::string& options = "") {
    const Result result =
        call("sentiment", "train --model bert --layers 2 --heads 2" + kPoolRun + data + " --out " + run + options);
    REQUIRE_MESSAGE(result.status == 0, result.output);
  }
};

// Of a run's log: the retention mass, step by step.
std::vector<double> retention_masses(const std::string& run) {
  std::vector<double> masses;
  for (const json& line : lines_of(nn::read_file(run + "/log.jsonl")))
    if (line.contains("retention_mass")) masses.push_back(line["retention_mass"]);
  return masses;
}

// The maps of a model whose first layer leaves half of the tokens behind.
void check_half_is_left(const std::string& model, const std::string& maps) {
  REQUIRE(call("sentiment", "analyze --model " + model + " --out " + maps + " 'a good thing'").status == 0);
  const json seen = json::parse(nn::read_file(maps)), &layers = seen["layers"];
  const size_t tokens = seen["tokens"].size();
  CHECK(layers[0]["heads"][0]["probabilities"].size() == tokens);
  CHECK(layers[1]["tokens"].size() == (tokens + 1) / 2);
  CHECK(layers[1]["tokens"][0] == 0);  // [CLS]
  CHECK(layers[1]["heads"][0]["probabilities"].size() == (tokens + 1) / 2);
}

}  // namespace

TEST_CASE("prune: chooses on one file, measures on another, and says what is wrong in one line") {
  const AllocationRun trained;
  const std::string prune = "prune --model " + trained.run + trained.data,
                    out = " --out " + trained.dir.path + "/small";
  const std::string test = trained.dir.write("test.tsv", "label\ttext\npositive\tgood\nnegative\tbad\n");
  const Result pruned = call("sentiment", prune + " --neurons 0.5 --heads 0.5 --uneven --test " + test + out);
  REQUIRE_MESSAGE(pruned.status == 0, pruned.output);
  CHECK(pruned.last_line().find("result task=prune accuracy=") == 0);
  CHECK(pruned.says("test       2 texts"));
  const nn::Config config = nn::read_config(trained.dir.path + "/small/config.json");
  REQUIRE(config.intermediate_sizes.size() == 2);
  CHECK(config.intermediate_sizes[0] + config.intermediate_sizes[1] == 64);
  CHECK(call("sentiment", "evaluate --model " + trained.dir.path + "/small" + trained.data).status == 0);
  CHECK(call("sentiment", "train --model " + trained.dir.path + "/small --max-steps 2 --max-length 24" + trained.data +
                              " --out " + trained.dir.path + "/tuned")
            .status == 0);
  CHECK(call("sentiment", prune + " --heads 0.5" + out).last_line().find("is there already; name a new directory") !=
        std::string::npos);
  const Result nothing = call("sentiment", prune + " --out " + trained.dir.path + "/x");
  CHECK(nothing.status == 2);
  CHECK(nothing.last_line().find("error: nothing to take out; say ") == 0);
  CHECK(call("sentiment", prune + " --neurons 1.5 --out " + trained.dir.path + "/x").status == 2);
}

TEST_CASE(
    "token retention: a schedule is learned, used, refined, and travels with the model; a resumed run is the same") {
  const AllocationRun trained;
  const std::string soft = trained.dir.path + "/soft", hard = trained.dir.path + "/hard";
  const std::string options = " --max-length 24 --batch-size 6 --lr 1e-3 " + trained.data;
  const Result learned = call("sentiment", "train --model " + trained.run + options +
                                               " --epochs 8 --learn-retention 1 --retention-rate 0.2 --out " + soft);
  REQUIRE_MESSAGE(learned.status == 0, learned.output);
  CHECK(learned.says("--token-retention learned trains with it"));
  const std::vector<double> masses = retention_masses(soft);
  REQUIRE(!masses.empty());
  CHECK(masses.front() == doctest::Approx(3));  // 1 x 1 + 2 x 1
  CHECK(masses.back() < 2.5);
  CHECK(call("sentiment", "evaluate --model " + soft + trained.data).status == 0);

  const Result used =
      call("sentiment", "train --model " + soft + options + " --epochs 2 --token-retention learned --out " + hard);
  REQUIRE_MESSAGE(used.status == 0, used.output);
  const nn::Config config = nn::read_config(hard + "/best/config.json");
  REQUIRE(config.token_retention.size() == 2);
  CHECK(config.token_retention[1] < 1);
  CHECK(config.retention_bins == 0);
  CHECK(call("sentiment", "evaluate --model " + hard + trained.data).status == 0);
  CHECK(call("sentiment", "predict --model " + hard + " 'a good thing'").status == 0);

  const std::string given = trained.dir.path + "/given", again = trained.dir.path + "/again";
  REQUIRE(call("sentiment",
               "train --model " + trained.run + options + " --epochs 2 --token-retention 0.5,0.25 --out " + given)
              .status == 0);
  REQUIRE(call("sentiment", "train --config " + given + "/options.ini --out " + again).status == 0);
  REQUIRE(call("sentiment", "train --resume " + again).status == 0);
  CHECK(nn::read_file(again + "/log.jsonl") == nn::read_file(given + "/log.jsonl"));
  check_half_is_left(given, trained.dir.path + "/maps.jsonl");
  CHECK(call("sentiment", "prune --model " + trained.run + trained.data +
                              " --token-retention 0.5,0.5 --heads 0.5 --out " + trained.dir.path + "/pruned")
            .status == 0);
  CHECK(nn::read_config(trained.dir.path + "/pruned/config.json").token_retention == std::vector<double>{0.5, 0.5});
}

TEST_CASE("attention window: travels with the model, shows in the maps, and works with sparse normalisers") {
  for (const std::string normaliser : {"softmax", "entmax15"}) {
    const AllocationRun trained(" --attention-window 1 --global-tokens 2 --attention-normaliser " + normaliser);
    CHECK(nn::read_config(trained.run + "/best/config.json").attention_window == 1);
    const std::string maps = trained.dir.path + "/maps.jsonl";
    REQUIRE(
        call("sentiment", "analyze --model " + trained.run + " --out " + maps + " 'a fine good great thing'").status ==
        0);
    const json seen = json::parse(nn::read_file(maps));
    const size_t tokens = seen["tokens"].size();
    for (const json& head : seen["layers"][1]["heads"])
      for (size_t q = 0; q < tokens; ++q)
        for (size_t k = 0; k < tokens; ++k) {
          const bool sees = q < 2 || k < 2 || q + 1 == k || k + 1 == q || k == q;
          if (!sees) CHECK(head["probabilities"][q][k] == 0);
        }
  }
}

TEST_CASE("allocation: what cannot be gets one line that says what to change") {
  const AllocationRun trained;
  const auto refused = [&](const std::string& command, const std::string& why) {
    const Result result =
        call("sentiment", command + trained.data + " --max-length 24 --out " + trained.dir.path + "/x");
    CHECK_MESSAGE(result.status != 0, command);
    CHECK_MESSAGE(result.last_line().find(why) != std::string::npos, result.output);
  };
  const std::string model = "train --model " + trained.run;
  refused(model + " --token-retention 0.5,0.7",
          "do not rise: a token that is gone does not come back; got 0.7 after 0.5");
  refused(model + " --token-retention 1,0.7,0.5", "one share for each of 2 layers; got 3");
  refused(model + " --token-retention 1,x", "shares in (0, 1] with commas, one a layer, or learned; 'x' is none");
  refused(model + " --token-retention 1,1.5", "'1.5' is none");
  refused(model + " --token-retention learned", "no schedule was learned there; train with --learn-retention first");
  refused(model + " --token-retention 1,0.5 --learn-retention 1", "exclude each other");
  refused(model + " --global-tokens 2", "--global-tokens needs --attention-window");
  refused("train --model bert --token-retention learned", "a model directory is needed");
  for (const std::string option : {"--attention-window 4", "--token-retention 0.5", "--learn-retention 1"})
    refused("train --model pool " + option, "windows and token retention are for a BERT");
  refused("prune --token-retention 0.5,0.7 --model " + trained.run, "do not rise");
  const auto transfer = [&](const std::string& options, const std::string& why) {
    const Result result = run_shell(
        program("transfer") + " train --teacher " + trained.run + " --layers 2 --hidden 16 --heads 2" + trained.data +
        " --max-length 24 --max-steps 1 --out " + trained.dir.path + "/y " + options + " 2>&1");
    CHECK_MESSAGE(result.last_line().find(why) != std::string::npos, result.output);
  };
  transfer("--attention-kl 1 --attention-window 3",
           "between models that see all tokens; the student has attention_window 3");
  transfer("--hidden-mse 1 --token-retention 0.5,0.5", "that keep all their tokens; the student has token_retention");
  transfer("--soft-targets 1 --token-retention 0.5,0.5", "result task=transfer");
  transfer("--soft-targets 1 --learn-retention 0.1 --overwrite", "result task=transfer");
}
