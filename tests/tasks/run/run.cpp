// A run's directory: refused when used, resumed bit for bit after a signal or a kill, a progress line like tqdm's.
#include "tasks/run/run.h"

#include <csignal>
#include <nlohmann/json.hpp>

#include "nn/layers.h"
#include "optim/adamw.h"
#include "tasks/run/console.h"
#include "tasks/run/progress.h"
#include "tests/support/support.h"

using namespace test;

namespace {

// Twelve steps, an epoch every four, of a linear layer with dropout; returns what is left on disk.
struct Outcome {
  std::string log, weights;
  bool operator==(const Outcome&) const = default;
};

enum class End { whole, signal, killed };

// Trains in `directory`; with End::signal a signal stops it after step 6, with End::killed nothing is saved any more.
void train(const std::string& directory, bool resume, End end) {
  nn::Params params(3);
  const nn::Linear layer(params.root() / "layer", 6, 3, real(0.5));
  const nn::Dropout dropout(params.root(), real(0.3));
  params.initialise();
  optim::Optimizer optimizer{optim::AdamW(params.tensors())};
  run::Run run({directory, false, resume, "seed=3\n", 12, 4});
  if (resume) run.restore(params.tensors(), optimizer);
  while (run.next_step()) {
    params.train(run.step());
    params.clear_grads();
    const Tensor loss = cross_entropy(dropout(layer(varied({5, 6}, real(run.step())))), {0, 1, 2, 0, 1});
    run.require_finite(loss);
    backward(loss);
    optimizer.step(0.05);
    run.log({{"loss", loss.item()}});
    if (run.is_best(-double(loss.item()))) nn::save_safetensors(run.file("best.safetensors"), params.tensors());
    if (run.epoch_ends()) run.save(params.tensors(), optimizer);
    if (run.step() == 6 && end == End::signal) std::raise(SIGTERM);
    if (run.step() == 6 && end == End::killed) return;  // as kill -9 would: the log is ahead of the checkpoint
  }
  if (run.interrupted()) {
    run.save(params.tensors(), optimizer);
    CHECK_THROWS_AS(run.leave(), run::Exit);
  }
}

Outcome outcome(const std::string& directory) {
  const nn::SafeTensors last(directory + "/last.safetensors");
  std::string weights;
  for (const auto& [name, entry] : last.entries())
    for (real value : last.read(name).to_vector()) weights += fmt::format("{} ", value);
  return {nn::read_file(directory + "/log.jsonl"), weights + nn::read_file(directory + "/best.safetensors")};
}

}  // namespace

TEST_CASE("run: a run that was stopped by a signal, or killed, continues to the very bits of one that was not") {
  const TemporaryDirectory dir;
  train(dir.path + "/whole", false, End::whole);
  const Outcome want = outcome(dir.path + "/whole");
  CHECK(std::count(want.log.begin(), want.log.end(), '\n') == 12);
  for (const End end : {End::signal, End::killed}) {
    const std::string path = dir.path + (end == End::signal ? "/signal" : "/killed");
    train(path, false, end);
    CHECK(!(outcome(path) == want));
    train(path, true, End::whole);
    CHECK(outcome(path) == want);
  }
}

TEST_CASE("run: a used directory is refused, replaced or resumed, each only when asked") {
  const TemporaryDirectory dir;
  const auto start = [&](bool overwrite, bool resume) {
    return error_of([&] { run::Run({dir.path + "/x", overwrite, resume, "", 1, 1}); });
  };
  CHECK(start(false, true).find("nothing to resume") != std::string::npos);
  CHECK(start(false, false) == "");
  std::filesystem::create_directories(dir.path + "/x/best");
  std::ofstream(dir.path + "/x/notes.txt") << "mine";
  CHECK(start(false, false).find("is not empty; --overwrite replaces it") != std::string::npos);
  CHECK(start(true, false) == "");
  CHECK(!std::filesystem::exists(dir.path + "/x/best"));
  CHECK(std::filesystem::exists(dir.path + "/x/notes.txt"));
  std::ofstream(dir.path + "/file") << "x";
  CHECK(error_of([&] {
          run::Run({dir.path + "/file", true, false, "", 1, 1});
        }).find("is a file, not a directory") != std::string::npos);
}

TEST_CASE("run: two runs do not write into one directory at once, and a step that cannot be is refused") {
  const TemporaryDirectory dir;
  const std::string path = dir.path + "/x";
  train(path, false, End::killed);
  {
    run::Run first({path, false, true, "seed=3\n", 12, 4});
    CHECK(error_of([&] {
            run::Run({path, true, false, "", 12, 4});
          }).find("another run is writing here") != std::string::npos);
  }
  CHECK(std::filesystem::exists(path + "/last.safetensors"));
  nn::Params params(3);
  const nn::Linear layer(params.root() / "layer", 6, 3, real(0.5));
  params.initialise();
  optim::Optimizer optimizer{optim::AdamW(params.tensors())};
  std::vector<Tensor> all = params.tensors();
  for (const Tensor& t : optimizer.state()) all.push_back(t);
  for (const char* step : {"-100", "12", "1e300", "2.5", "\"x\"", "null"}) {
    nn::save_safetensors(path + "/last.safetensors", all, {{"state", fmt::format("{{\"step\":{}}}", step)}});
    run::Run run({path, false, true, "seed=3\n", 12, 4});
    CHECK_MESSAGE(error_of([&] {
                    run.restore(params.tensors(), optimizer);
                  }).find("its step is not one of this run's 12") != std::string::npos,
                  step);
  }
}

TEST_CASE("run: a checkpoint of another model, or a broken one, is refused by name") {
  const TemporaryDirectory dir;
  const std::string path = dir.path + "/x";
  train(path, false, End::killed);
  nn::Params params(3);
  const nn::Linear wider(params.root() / "layer", 7, 3, real(0.5));
  params.initialise();
  optim::Optimizer optimizer{optim::AdamW(params.tensors())};
  run::Run run({path, false, true, "", 12, 4});
  CHECK(error_of([&] { run.restore(params.tensors(), optimizer); }).find("'layer.weight' has another shape") !=
        std::string::npos);
  std::filesystem::resize_file(path + "/last.safetensors", 200);
  CHECK(error_of([&] { run.restore(params.tensors(), optimizer); }).find("last.safetensors") != std::string::npos);
}

TEST_CASE("progress: the line is tqdm's") {
  CHECK(run::clock_text(65) == "01:05");
  CHECK(run::clock_text(3661) == "1:01:01");
  CHECK(run::progress_line("train", 0, 3, 10, 5, "loss=0.5") ==
        "train:  30%|███       | 3/10 [00:05<00:12,  1.67s/it, loss=0.5]");
  CHECK(run::progress_line("train", 0, 0, 10, 0, "") == "train:   0%|          | 0/10 [00:00<?, ?it/s]");
  CHECK(run::progress_line("x", 50, 100, 100, 10, "") == "x: 100%|██████████| 100/100 [00:10<00:00,  5.00it/s]");
}
