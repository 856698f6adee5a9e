// Attention allocated with less computation, from the command line: neurons taken out, tokens left behind, windows; with
// good input and with bad.
#include <nlohmann/json.hpp>
#include <sstream>

#include "nn/format/pretrained.h"
#include "tasks/model/pruning.h"
#include "tests/support/support.h"

using namespace test;
using nlohmann::json;

namespace {

Result call(const std::string& arguments) { return run_shell(program("sentiment") + " " + arguments + " 2>&1"); }

const std::string kTiny = " --hidden 16 --max-length 24 --epochs 2 --batch-size 6 --lr 1e-2 ";

std::string data_file(const TemporaryDirectory& dir) {
  std::string rows = "label\ttext\tsplit\n";
  const char* words[] = {"an awful, bad and poor", "a fine, good and great", "the train at noon, a"};
  const char* labels[] = {"negative", "positive", "neutral"};
  for (int i = 0; i < 24; ++i)
    rows += fmt::format("{}\t{} {} thing\t{}\n", labels[i % 3], i, words[i % 3],
                        i < 18   ? "train"
                        : i < 21 ? "dev"
                                 : "test");
  return dir.write("data.tsv", rows);
}

// A trained run of two layers, and how its data is given.
struct Trained {
  TemporaryDirectory dir;
  std::string data = " --data " + data_file(dir), run = dir.path + "/run";
  explicit Trained(const std::string& options = "") {
    const Result result = call("train --model mini --layers 2 --heads 2" + kTiny + data + " --out " + run + options);
    REQUIRE_MESSAGE(result.status == 0, result.output);
  }
  std::unique_ptr<model::TextModel> load(const std::string& directory) const {
    auto model = model::load_model(model::ModelDirectory(directory));
    model->params.eval();
    return model;
  }
};

}  // namespace

TEST_CASE("pruning: a model without neurons computes what the model with their gates closed computes, also from disk") {
  const Trained trained;
  const auto model = trained.load(trained.run);
  const text::EncodedSet set = text::encode({{.text = "a good thing"}, {.text = "bad"}}, model->tokenizer, 24);
  const text::Batch batch = text::in_order(set, 2)[0];
  model::Removed removed(2);
  nn::Trace trace;
  for (int l = 0; l < 2; ++l) {
    trace.neuron_gates.push_back(Tensor::full({64}, 1));
    for (long n = l; n < 64; n += 2 + l) {  // every other one, every third one
      removed[l].push_back(n);
      trace.neuron_gates[l].data()[n] = 0;
    }
  }
  const Tensor gated = model->classifier(batch.tokens, &trace);
  CHECK(differs(model->classifier(batch.tokens), gated, 1e-4, 0) != "");  // the gates do something
  const auto pruned = model::without(*model, {{}, {}}, removed);
  CHECK(differs(pruned->classifier(batch.tokens), gated) == "");
  pruned->save(trained.dir.path + "/pruned", 24);
  const auto loaded = trained.load(trained.dir.path + "/pruned");
  CHECK(loaded->config.intermediate_sizes == std::vector<long>{32, 43});
  CHECK(differs(loaded->classifier(batch.tokens), gated) == "");
  removed[1] = {};
  for (long n = 0; n < 11; ++n) removed[1].push_back(n);
  removed[0] = {};
  const auto even = model::without(*loaded, {{}, {}}, removed);  // 32 and 32: what Hugging Face can read
  CHECK(even->config.intermediate_size == 32);
  CHECK(even->config.intermediate_sizes.empty());
  CHECK(error_of([&] { model::without(*even, {{}, {}}, {{32}, {}}); }) == "layer 0 has 32 neurons; got 32");
}

TEST_CASE("neuron importance: the slope of the loss along a gate, by central differences; layers alike or not") {
  const Trained trained;
  const auto model = trained.load(trained.run);
  const text::EncodedSet set = text::encode({{.text = "a good thing at noon", .label = 1}}, model->tokenizer, 24);
  const text::Batch batch = text::in_order(set, 1)[0];
  const auto importance = model::importance_of(*model, set).neurons;
  const auto loss = [&](int layer, int neuron, real g) {
    nn::Trace trace;
    trace.neuron_gates = {Tensor::full({64}, 1), Tensor::full({64}, 1)};
    trace.neuron_gates[layer].data()[neuron] = g;
    return double(cross_entropy(model->classifier(batch.tokens, &trace), batch.labels).item());
  };
  for (int l = 0; l < 2; ++l) {
    double squares = 0;
    std::vector<double> want;
    for (int n = 0; n < 64; ++n) {
      want.push_back(std::abs(loss(l, n, 2) - loss(l, n, 0)) / 2);
      squares += want[n] * want[n];
    }
    for (int n = 0; n < 64; ++n)
      CHECK(importance[l][n] == doctest::Approx(want[n] / std::sqrt(squares)).epsilon(0.05).scale(0.05));
  }
  using model::Removed;
  const std::vector<std::vector<double>> four{{0.1, 0.2, 0.3, 0.9}, {0.4, 0.5, 0.6, 0.8}};
  CHECK(model::least_important(four, 0.5, model::Among::layer) == Removed{{0, 1}, {0, 1}});
  CHECK(model::least_important(four, 0.5, model::Among::all) == Removed{{0, 1, 2}, {0}});
  CHECK(model::least_important(four, 1, model::Among::layer) == Removed{{0, 1, 2}, {0, 1, 2}});
}

TEST_CASE("prune: chooses on one file, measures on another, and says what is wrong in one line") {
  const Trained trained;
  const std::string prune = "prune --model " + trained.run + trained.data,
                    out = " --out " + trained.dir.path + "/small";
  const std::string test = trained.dir.write("test.tsv", "label\ttext\npositive\tgood\nnegative\tbad\n");
  const Result pruned = call(prune + " --neurons 0.75 --heads 0.5 --uneven --test " + test + out);
  REQUIRE_MESSAGE(pruned.status == 0, pruned.output);
  CHECK(pruned.last_line().find("result task=prune accuracy=") == 0);
  CHECK(pruned.says("test       2 texts"));
  const nn::Config config = nn::read_config(trained.dir.path + "/small/config.json");
  REQUIRE(config.intermediate_sizes.size() == 2);
  CHECK(config.intermediate_sizes[0] + config.intermediate_sizes[1] == 32);
  CHECK(call("evaluate --model " + trained.dir.path + "/small" + trained.data).status == 0);
  CHECK(call("train --model " + trained.dir.path + "/small --max-steps 2 --max-length 24" + trained.data + " --out " +
             trained.dir.path + "/tuned")
            .status == 0);
  CHECK(call(prune + " --heads 0.5" + out).last_line().find("is there already; name a new directory") !=
        std::string::npos);
  const Result nothing = call(prune + " --out " + trained.dir.path + "/x");
  CHECK(nothing.status == 2);
  CHECK(nothing.last_line().find("error: nothing to take out; say ") == 0);
  CHECK(call(prune + " --neurons 1.5 --out " + trained.dir.path + "/x").status == 2);
}

TEST_CASE("config: feed-forward widths that no model can have are refused") {
  const TemporaryDirectory dir;
  nn::Config c;
  c.num_hidden_layers = 2;
  c.intermediate_sizes = {3, 4};
  c.labels = {"a", "b"};
  const auto read = [&] { return nn::read_config(dir.write("config.json", nn::config_json(c))); };
  CHECK(read().intermediate_sizes == c.intermediate_sizes);
  CHECK(read().neurons_of(1) == 4);
  c.intermediate_sizes = {3};
  CHECK(error_of(read).find("intermediate_sizes must have one number for each of 2 layers; got 1") !=
        std::string::npos);
  c.intermediate_sizes = {3, 0};
  CHECK(error_of(read).find("intermediate_sizes must be in [1") != std::string::npos);
}

TEST_CASE(
    "token retention: a schedule is learned, used, refined, and travels with the model; a resumed run is the same") {
  const Trained trained;
  const std::string soft = trained.dir.path + "/soft", hard = trained.dir.path + "/hard";
  const std::string options = " --max-length 24 --batch-size 6 --lr 1e-3 " + trained.data;
  const Result learned = call("train --model " + trained.run + options +
                              " --epochs 8 --learn-retention 1 --retention-rate 0.2 --out " + soft);
  REQUIRE_MESSAGE(learned.status == 0, learned.output);
  CHECK(learned.says("--token-retention learned trains with it"));
  std::istringstream log(nn::read_file(soft + "/log.jsonl"));
  std::string first, line, last;
  while (std::getline(log, line))
    if (line.find("retention_mass") != std::string::npos) (first.empty() ? first : last) = line;
  CHECK(json::parse(first)["retention_mass"].get<double>() == doctest::Approx(3));  // 1 x 1 + 2 x 1
  CHECK(json::parse(last)["retention_mass"].get<double>() < 2.5);
  CHECK(call("evaluate --model " + soft + trained.data).status == 0);

  const Result used = call("train --model " + soft + options + " --epochs 2 --token-retention learned --out " + hard);
  REQUIRE_MESSAGE(used.status == 0, used.output);
  const nn::Config config = nn::read_config(hard + "/best/config.json");
  REQUIRE(config.token_retention.size() == 2);
  CHECK(config.token_retention[1] < 1);
  CHECK(config.retention_bins == 0);
  CHECK(call("evaluate --model " + hard + trained.data).status == 0);
  CHECK(call("predict --model " + hard + " 'a good thing'").status == 0);

  const std::string given = trained.dir.path + "/given", again = trained.dir.path + "/again";
  REQUIRE(
      call("train --model " + trained.run + options + " --epochs 2 --token-retention 0.5,0.25 --out " + given).status ==
      0);
  REQUIRE(call("train --config " + given + "/options.ini --out " + again).status == 0);
  REQUIRE(call("train --resume " + again).status == 0);
  CHECK(nn::read_file(again + "/log.jsonl") == nn::read_file(given + "/log.jsonl"));
  const std::string maps = trained.dir.path + "/maps.jsonl";
  REQUIRE(call("analyze --model " + given + " --out " + maps + " 'a good thing'").status == 0);
  const json seen = json::parse(nn::read_file(maps));
  const size_t tokens = seen["tokens"].size();
  CHECK(seen["layers"][0]["heads"][0]["probabilities"].size() == tokens);
  CHECK(seen["layers"][1]["tokens"].size() == (tokens + 1) / 2);
  CHECK(seen["layers"][1]["tokens"][0] == 0);  // [CLS]
  CHECK(seen["layers"][1]["heads"][0]["probabilities"].size() == (tokens + 1) / 2);
  CHECK(call("prune --model " + trained.run + trained.data + " --token-retention 0.5,0.5 --heads 0.5 --out " +
             trained.dir.path + "/pruned")
            .status == 0);
  CHECK(nn::read_config(trained.dir.path + "/pruned/config.json").token_retention == std::vector<double>{0.5, 0.5});
}

TEST_CASE("attention window: travels with the model, shows in the maps, and works with sparse normalisers") {
  for (const std::string normaliser : {"softmax", "entmax15"}) {
    const Trained trained(" --attention-window 1 --global-tokens 2 --attention-normaliser " + normaliser);
    CHECK(nn::read_config(trained.run + "/best/config.json").attention_window == 1);
    const std::string maps = trained.dir.path + "/maps.jsonl";
    REQUIRE(call("analyze --model " + trained.run + " --out " + maps + " 'a fine good great thing'").status == 0);
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
  const Trained trained;
  const auto refused = [&](const std::string& command, const std::string& why) {
    const Result result = call(command + trained.data + " --max-length 24 --out " + trained.dir.path + "/x");
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
  refused("train --model mini --token-retention learned", "a model directory is needed");
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
