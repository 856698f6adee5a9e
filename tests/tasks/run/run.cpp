// A run's directory: refused when used, one run at a time, by name when it is broken; a progress line like tqdm's.
#include "tasks/run/run.h"
#include "nn/format/json_value.h"

#include "nn/format/sealed.h"
#include "tasks/run/fingerprint.h"
#include "tasks/run/progress.h"
#include "tests/support/support.h"

using namespace test;

namespace {

// A run of twelve steps in `directory`, four an epoch.
run::Plan plan(const std::string& directory, bool overwrite = false, bool resume = false) {
  return {.place = {directory, overwrite, resume}, .options = "seed=3\n", .steps = 12, .steps_per_epoch = 4};
}

Tensor weight() { return Tensor::full({2, 3}, 1).named("layer.weight"); }

}  // namespace

TEST_CASE("run: a used directory is refused, replaced or resumed, each only when asked") {
  const TemporaryDirectory dir;
  const auto start = [&](bool overwrite, bool resume) {
    return error_of([&] { run::Run(plan(dir.path + "/x", overwrite, resume)); });
  };
  CHECK(start(false, true).find("nothing to resume") != std::string::npos);
  CHECK(!std::filesystem::exists(dir.path + "/x"));
  CHECK(start(false, false) == "");
  std::filesystem::create_directories(dir.path + "/x/best");
  std::ofstream(dir.path + "/x/notes.txt") << "mine";
  CHECK(start(false, false).find("is not empty; --overwrite replaces it") != std::string::npos);
  CHECK(start(true, false) == "");
  CHECK(!std::filesystem::exists(dir.path + "/x/best"));
  CHECK(std::filesystem::exists(dir.path + "/x/notes.txt"));
  std::ofstream(dir.path + "/file") << "x";
  CHECK(error_of([&] { run::Run(plan(dir.path + "/file", true)); }).find("is a file, not a directory") !=
        std::string::npos);
}

TEST_CASE("run: two runs do not write into one directory at once, and a step that cannot be is refused") {
  const TemporaryDirectory dir;
  const std::string path = dir.path + "/x";
  {
    const run::Run first(plan(path));
    first.save({weight()});
    for (const bool resume : {false, true})
      CHECK(error_of([&] { run::Run(plan(path, !resume, resume)); }).find("another run is writing here") !=
            std::string::npos);
  }
  CHECK(std::filesystem::exists(path + "/last.safetensors"));
  for (const char* step : {"-100", "12", "1e300", "2.5", "\"x\"", "null"}) {
    run::Run run(plan(path, false, true));
    const std::string state = fmt::format(R"({{"run":"{}","options":"seed=3\n","data":"","step":{}}})", run.id(), step);
    nn::save_safetensors(path + "/last.safetensors", {weight()}, {{"state", state}, {"seal", nn::kUnsealed}});
    CHECK_MESSAGE(
        error_of([&] { run.restore({weight()}); }).find("its step is not one of this run's 12") != std::string::npos,
        step);
  }
}

TEST_CASE("run: a checkpoint of another model, another run or none is refused by name") {
  const TemporaryDirectory dir;
  const std::string path = dir.path + "/x";
  run::Run(plan(path)).save({weight()});
  const auto resumed = [&](const Tensor& t) {
    run::Run run(plan(path, false, true));
    return error_of([&] { run.restore({t}); });
  };
  CHECK(resumed(Tensor::full({2, 4}, 1).named("layer.weight")).find("'layer.weight' has another shape") !=
        std::string::npos);
  CHECK(resumed(Tensor::full({2, 3}, 1).named("other")).find("other") != std::string::npos);
  run::Run(plan(dir.path + "/y")).save({weight()});
  std::filesystem::copy_file(dir.path + "/y/last.safetensors", path + "/last.safetensors",
                             std::filesystem::copy_options::overwrite_existing);
  CHECK(resumed(weight()) == path + ": last.safetensors is of another run than options.ini");
  nn::save_safetensors(path + "/last.safetensors", {weight()}, {{"seal", nn::kUnsealed}});
  CHECK(resumed(weight()).find("it has no state") != std::string::npos);
  nn::save_safetensors(path + "/last.safetensors", {weight()});
  CHECK(resumed(weight()).find("it has no seal") != std::string::npos);
  std::filesystem::resize_file(path + "/last.safetensors", 200);
  CHECK(resumed(weight()).find("last.safetensors") != std::string::npos);
}

TEST_CASE("fingerprint: it changes with every byte of every part, and knows which part it was") {
  const auto of = [](const char* a, const char* b) { return run::Fingerprint().add("x", a).add("x", b).text(); };
  CHECK(of("ab", "c") == of("ab", "c"));
  CHECK(of("ab", "c") != of("a", "bc"));
  CHECK(of("ab", "c") != of("c", "ab"));
  CHECK(of("", "") != run::Fingerprint().add("x", "").text());
  const std::string before = run::Fingerprint().add("train set", "a").add("dev", "b").text();
  CHECK(run::Fingerprint::difference(before, before) == "");
  CHECK(run::Fingerprint::difference(before, run::Fingerprint().add("train set", "c").add("dev", "b").text()) ==
        ": train set");
  CHECK(run::Fingerprint::difference(before, "") == ": dev, train set");
}

TEST_CASE("progress: the line is tqdm's") {
  CHECK(run::clock_text(65) == "01:05");
  CHECK(run::clock_text(3661) == "1:01:01");
  CHECK(run::progress_line("train", 0, 3, 10, 5, "loss=0.5") ==
        "train:  30%|███       | 3/10 [00:05<00:12,  1.67s/it, loss=0.5]");
  CHECK(run::progress_line("train", 0, 0, 10, 0, "") == "train:   0%|          | 0/10 [00:00<?, ?it/s]");
  CHECK(run::progress_line("x", 0, 30, 40, 2, "", "rows") == "x:  75%|███████▌  | 30/40 [00:02<00:01, 15.00rows/s]");
  CHECK(run::progress_line("x", 10, 40, -1, 2, "", "rows") == "x: 40rows [00:02, 15.00rows/s]");
  CHECK(run::progress_line("x", 50, 100, 100, 10, "") == "x: 100%|██████████| 100/100 [00:10<00:00,  5.00it/s]");
}
