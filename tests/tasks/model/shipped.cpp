// Encoders that ship, found by their names.
#include "tasks/model/shipped.h"

#include "nn/format/sealed.h"
#include "tasks/model/build.h"
#include "tasks/model/directory.h"
#include "tasks/run/arguments.h"
#include "tests/support/programs.h"

using namespace test;
namespace fs = std::filesystem;

namespace {

// Sets $ATTUNE_MODELS for a test.
struct ModelsAt {
  explicit ModelsAt(const std::string& place) { setenv("ATTUNE_MODELS", place.c_str(), 1); }
  ~ModelsAt() { unsetenv("ATTUNE_MODELS"); }
};

std::string encoder(const TemporaryDirectory& dir, const std::string& name, const std::string& wants = "") {
  const std::string path = dir.path + "/" + name;
  fs::create_directories(path);
  std::ofstream(path + "/config.json") << "{}";
  if (!wants.empty()) std::ofstream(path + "/fine-tune.ini") << wants;
  return path;
}

}  // namespace

TEST_CASE("shipped: every model's manifest names its weights and its configuration, and says what they are") {
  const TemporaryDirectory dir;
  for (const std::string& name : model::shipped_models()) {
    const std::string directory = model::model_at(name);
    CHECK_MESSAGE(nn::manifest_fault(directory) == "", name, ": after a change, tools/manifest.sh");
    const std::string manifest = nn::read_file(directory + "/manifest.json");
    CHECK(manifest.find("model.safetensors\"") != std::string::npos);
    CHECK(manifest.find("\"config.json\"") != std::string::npos);
    fs::copy(directory, dir.path + "/" + name);
    std::ofstream(dir.path + "/" + name + "/config.json", std::ios::app) << " ";
    CHECK(error_of([&] { model::ModelDirectory(dir.path + "/" + name); }).find("config.json has ") !=
          std::string::npos);
  }
}

TEST_CASE("shipped: mini is found beside the program, whatever the directory it is called from") {
  const std::string mini = model::model_at("mini");
  CHECK(fs::path(mini).is_absolute());
  CHECK(fs::exists(mini + "/model.safetensors"));
  const std::vector<std::string> names = model::shipped_models();
  CHECK(std::find(names.begin(), names.end(), "mini") != names.end());
  CHECK(model::ModelDirectory("mini").path == mini);
}

TEST_CASE("shipped: $ATTUNE_MODELS goes before the places beside the program; a word with a slash is a path") {
  const TemporaryDirectory dir;
  const std::string own = encoder(dir, "mini"), other = encoder(dir, "other");
  const ModelsAt at(dir.path);
  CHECK(model::model_at("mini") == own);
  CHECK(model::model_at("other") == other);
  CHECK(model::model_at("./mini") == "./mini");
  CHECK(model::model_at("runs/mini") == "runs/mini");
  CHECK(model::model_at("nothing-of-this-name") == "nothing-of-this-name");
}

TEST_CASE("shipped: a name that does not ship lists those that do, the nearest one by name") {
  const std::string said = error_of([] { model::ModelDirectory("minj"); });
  CHECK(said == "minj: no such directory; the models that ship: mini, sentiment (did you mean 'mini'?)");
}

TEST_CASE("shipped: the peak rate is that of fine-tune.ini, which knows no other key") {
  const TemporaryDirectory dir;
  CHECK(model::wanted_lr(encoder(dir, "a")) == std::nullopt);
  CHECK(model::wanted_lr(encoder(dir, "b", "# why\nlr = 3e-4\n")) == 3e-4);
  CHECK(error_of([&] { model::wanted_lr(encoder(dir, "c", "lr = fast\n")); }) ==
        dir.path + "/c/fine-tune.ini:1: lr must be a number above 0");
  CHECK(error_of([&] { model::wanted_lr(encoder(dir, "d", "epochs = 3\n")); }) ==
        dir.path + "/d/fine-tune.ini:1: 'epochs' is no key; there is one, lr");
  model::BuildOptions o;
  o.model = dir.path + "/b";
  CHECK(o.default_lr() == 3e-4);
  o.model = dir.path + "/a";
  CHECK(o.default_lr() == 2e-5);
}

TEST_CASE("shipped: training and prediction take a model by its name from any directory; without one they say where") {
  const TemporaryDirectory dir;
  const std::string data = three_moods(dir), in = "cd " + dir.path + " && ";
  const std::string train = " train --max-steps 1 --data " + data;
  const Result trained = run_shell(in + program("sentiment") + train + " --model mini --out run 2>&1");
  REQUIRE_MESSAGE(trained.status == 0, trained.output);
  CHECK(trained.says("peak learning rate 0.0003"));
  CHECK(trained.says("8192 pieces"));
  const Result untrained = run_shell(in + program("sentiment") + " predict --model mini fine 2>&1");
  CHECK_MESSAGE(untrained.says("an encoder without a trained classifier"), untrained.output);
  fs::create_directories(dir.path + "/build/release");
  fs::copy_file(program("sentiment"), dir.path + "/build/release/sentiment");
  const Result nowhere = run_shell(in + "build/release/sentiment" + train + " --model mini --out b 2>&1 | tail -1");
  CHECK_MESSAGE(nowhere.output == "error: mini: no such directory; no model ships in " + dir.path + "/tasks/models, " +
                                      dir.path + "/build/share/attune/models ($ATTUNE_MODELS may name a place)\n",
                nowhere.output);
}

TEST_CASE("shipped: sizes mean a model from nothing, and that is said; a vocabulary does where none is named") {
  const auto settled = [](std::vector<const char*> words) {
    run::Options options("test", "test");
    model::BuildOptions o;
    o.model = "mini";
    o.declare(options);
    words.insert(words.begin(), "test");
    options.parse(int(words.size()), words.data());
    o.settle(options);
    return o.model;
  };
  CHECK(settled({}) == "mini");
  CHECK(settled({"--layers", "1"}) == "bert");
  CHECK(settled({"--cased"}) == "bert");
  CHECK(settled({"--model", "mini", "--layers", "1"}) == "bert");
  CHECK(settled({"--model", "mini", "--cased"}) == "mini");  // which is refused: it has its own
}

TEST_CASE("shipped: a model that ships is not calibrated in its place; a copy of one's own is") {
  const TemporaryDirectory dir;
  std::string rows = "label\ttext\n";
  for (int i = 0; i < 12; ++i) rows += std::array{"negative\tbad\n", "positive\tgood\n", "neutral\tat noon\n"}[i % 3];
  const std::string data = dir.write("data.tsv", rows), mine = dir.path + "/mine";
  const std::string file = model::model_at(model::kReady) + "/calibration.json", before = nn::read_file(file);
  const Result refused = sentiment("calibrate --model sentiment --data " + data);
  CHECK(refused.status == 1);
  CHECK_MESSAGE(refused.last_line().find("a model that ships stays as it is") != std::string::npos, refused.output);
  CHECK(nn::read_file(file) == before);
  REQUIRE(sentiment("merge --model sentiment --out " + mine).status == 0);
  const Result own = sentiment("calibrate --model " + mine + " --data " + data);
  CHECK_MESSAGE(own.status == 0, own.output);
  CHECK(nn::read_file(mine + "/calibration.json") != before);
}
