// Losses and gradients that are no numbers: where a run stops, what it names, what it leaves, what it skips.
#include "tasks/run/console.h"
#include "tests/tasks/run/small_run.h"

using namespace test;

namespace {

// Six steps of a linear layer that reads a row each; `loss_at` and `gradient_at` make no numbers of them.
struct Sick {
  run::TrainingOptions options;
  run::Frame frame{.steps_per_epoch = 2, .where = [](long row) { return fmt::format("file.tsv:{}", row + 2); }};
  long loss_at = -1, gradient_at = -1, kill_at = -1;
  std::vector<bool> moved;
  std::vector<std::vector<real>> weights;  // after every step

  explicit Sick(const std::string& directory, const std::string& on_nan = "stop") {
    options.out = directory;
    options.max_steps = 6;
    options.lr = 0.05;
    options.on_nan = on_nan;
  }

  long run() {
    const run::Quiet quiet;
    nn::Params params(3);
    const nn::Linear layer(params.root() / "layer", 2, 2, real(0.5)), after(params.root() / "after", 2, 2, real(0.5));
    params.initialise();
    run::Training training(options, params, frame);
    while (training.next_step()) {
      const long step = training.step();
      Tensor x = after(layer(varied({1, 2}, real(step))));
      if (step == loss_at) x = x * real(INFINITY);
      run::Terms terms;
      terms.add("x", 1, cross_entropy(x, {0}));
      training.backward(terms, 1, {int(step)});
      if (step == gradient_at) params.find("layer.weight").grad()[3] = real(NAN);
      moved.push_back(training.update());
      weights.push_back(params.find("layer.weight").to_vector());
      if (step == kill_at) return training.skipped();
      if (training.epoch_ends())
        training.keep_best(
            {}, [&](const std::string& to) { nn::save_safetensors(to + "/model.safetensors", params.tensors()); });
    }
    return training.skipped();
  }
};

}  // namespace

TEST_CASE("on-nan: a run stops at the first loss that is no number, with step, text and first tensor") {
  const TemporaryDirectory dir;
  Sick sick(dir.path + "/x");
  sick.loss_at = 4;
  const std::string error = error_of([&] { sick.run(); });
  CHECK_MESSAGE(error.find("step 5 (file.tsv:6): the loss is ") == 0, error);
  CHECK_MESSAGE(error.find("result of ") != error.npos, error);
  CHECK(sick.moved.size() == 4);
  CHECK(nn::SafeTensors(dir.path + "/x/last.safetensors").has("layer.weight"));
  CHECK(std::filesystem::exists(dir.path + "/x/best/model.safetensors"));
}

TEST_CASE("on-nan: a run stops at the first gradient that is no number, with step, text and parameter") {
  const TemporaryDirectory dir;
  Sick sick(dir.path + "/x");
  sick.gradient_at = 1;
  const std::string error = error_of([&] { sick.run(); });
  CHECK_MESSAGE(error.find("step 2 (file.tsv:3): the gradient of 'layer.weight' [2, 2] holds a NaN") == 0, error);
  CHECK(sick.moved.size() == 1);
}

TEST_CASE("on-nan skip: neither weights nor moments move in such a step, the log counts it, the next ones go on") {
  const TemporaryDirectory dir;
  for (const bool loss : {true, false}) {
    const std::string path = fmt::format("{}/{}", dir.path, loss);
    Sick sick(path, "skip");
    (loss ? sick.loss_at : sick.gradient_at) = 2;
    CHECK(sick.run() == 1);
    CHECK(sick.moved == std::vector<bool>{true, true, false, true, true, true});
    CHECK(sick.weights[2] == sick.weights[1]);
    CHECK(sick.weights[3] != sick.weights[2]);
    CHECK(nn::read_file(path + "/log.jsonl").find("{\"step\":3,\"epoch\":1.5,\"lr\":") != std::string::npos);
    const nn::SafeTensors last(path + "/last.safetensors");
    CHECK(last.read("steps").to_vector()[0] == 5);  // of the optimiser
  }
}

TEST_CASE("on-nan skip: a resumed run knows how many steps were skipped before, and ends in the same bits") {
  const TemporaryDirectory dir;
  Sick whole(dir.path + "/whole", "skip"), killed(dir.path + "/killed", "skip"), rest(dir.path + "/killed", "skip");
  whole.loss_at = killed.loss_at = rest.loss_at = 1;
  whole.gradient_at = killed.gradient_at = rest.gradient_at = 4;
  killed.kill_at = 2;
  rest.options.resume = dir.path + "/killed";
  CHECK(whole.run() == 2);
  CHECK(killed.run() == 1);
  CHECK(rest.run() == 2);
  CHECK(outcome(dir.path + "/killed") == outcome(dir.path + "/whole"));
}
