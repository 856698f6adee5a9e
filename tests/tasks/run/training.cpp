// The steps of a run: the same bits through kills and signals, bad numbers, other data, and which option does what.
#include "tasks/run/training.h"

#include <functional>

#include "tasks/run/console.h"
#include "tests/tasks/run/small_run.h"

using namespace test;
namespace fs = std::filesystem;

TEST_CASE("training: killed after any step and resumed, a run ends in the very bits of one that was not") {
  const TemporaryDirectory dir;
  CHECK(std::count(undisturbed().begin(), undisturbed().end(), '\n') >= kSteps);
  for (long step = 0; step < kSteps; ++step)
    for (const bool best_stands : {false, true}) {
      const std::string path = fmt::format("{}/{}{}", dir.path, step, best_stands);
      SmallRun killed(path);
      (best_stands ? killed.kill_after_save : killed.kill_before_save) = step;
      killed.run();
      CHECK(fs::exists(path + "/last.safetensors") == (step > 2));  // before its first checkpoint, too
      resume(path);
      CHECK_MESSAGE(outcome(path) == undisturbed(), step);
    }
}

TEST_CASE("training: a run that is killed again and again still ends in the same bits") {
  const TemporaryDirectory dir;
  run_until(dir.path + "/x", 1);
  for (long step = 2; step < kSteps; ++step) {
    SmallRun again(dir.path + "/x", true);
    again.kill_before_save = step;
    again.run();
  }
  resume(dir.path + "/x");
  CHECK(outcome(dir.path + "/x") == undisturbed());
}

TEST_CASE(
    "training: a signal lets the step finish, saves and leaves with 128 + n; resumed, the run has the same bits") {
  const TemporaryDirectory dir;
  for (long step = 0; step < kSteps; ++step) {
    const std::string path = fmt::format("{}/{}", dir.path, step);
    SmallRun stopped(path);
    stopped.signal_at = step;
    int status = 0;
    try {
      stopped.run();
    } catch (const run::Exit& e) { status = e.status; }
    CHECK(status == 128 + SIGTERM);
    resume(path);
    CHECK_MESSAGE(outcome(path) == undisturbed(), step);
  }
}

TEST_CASE("training: options whose bytes are no UTF-8, as names of files may be, are kept and compared like others") {
  const TemporaryDirectory dir;
  const std::string path = dir.path + "/x";
  SmallRun first(path), rest(path, true);
  first.frame.options = rest.frame.options = "data=caf\xE9.tsv\n";
  first.kill_before_save = 5;
  first.run();
  rest.run();
  CHECK(outcome(path) == undisturbed());
}

TEST_CASE("training: after the last step a signal has its own action again, while the run still stands") {
  const TemporaryDirectory dir;
  nn::Params params(3);
  const nn::Linear layer(params.root() / "layer", 2, 2, real(0.5));
  params.initialise();
  run::TrainingOptions options;
  options.out = dir.path + "/x";
  options.max_steps = 1;
  run::Training training(options, params, {});
  const auto action = [] {
    struct sigaction now {};
    sigaction(SIGTERM, nullptr, &now);
    return now.sa_handler;
  };
  CHECK((action() != SIG_DFL));
  while (training.next_step()) {
    run::Terms terms;
    terms.add("x", 1, sum(layer(varied({1, 2}))));
    training.backward(terms);
    training.update();
    CHECK((action() != SIG_DFL));
  }
  CHECK((action() == SIG_DFL));
  CHECK(!run::stop_requested());
}

TEST_CASE("training: other data than before is refused by the name of its part, other options too") {
  const TemporaryDirectory dir;
  run_until(dir.path + "/x", 5);
  SmallRun other(dir.path + "/x", true);
  other.frame.data = run::Fingerprint().add("train", "b").text();
  CHECK(error_of([&] { other.run(); }) == dir.path + "/x: the data has changed since: train; start a new run");
  other.frame.data = run::Fingerprint().add("train", "a").add("dev", "").text();
  CHECK(error_of([&] { other.run(); }).find("has changed since: dev;") != std::string::npos);
  SmallRun options(dir.path + "/x", true);
  options.frame.options = "seed=4\n";
  CHECK(error_of([&] { options.run(); }) ==
        dir.path + "/x: options.ini has changed since: it said 'seed=3', now it says 'seed=4'; start a new run with " +
            "--config");
  resume(dir.path + "/x");
  CHECK(outcome(dir.path + "/x") == undisturbed());
}

TEST_CASE("training: weights that are no numbers replace nothing; the last checkpoint goes on") {
  const TemporaryDirectory dir;
  for (const long step : {4L, 5L}) {  // found at the end of an epoch either way: in best/, or in the checkpoint
    const std::string path = fmt::format("{}/{}", dir.path, step);
    run_until(path, 3);
    const std::string before = weights_of(path + "/last.safetensors") + weights_of(path + "/best/model.safetensors");
    SmallRun ruined(path, true);
    ruined.ruin_at = step;
    const std::string error = error_of([&] { ruined.run(); });
    CHECK_MESSAGE(error.find("'layer.bias' [3] holds a NaN") != std::string::npos, error);
    CHECK(weights_of(path + "/last.safetensors") + weights_of(path + "/best/model.safetensors") == before);
    CHECK(!fs::exists(path + "/best.part"));
    resume(path);
    CHECK(outcome(path) == undisturbed());
  }
}

TEST_CASE("training: parameters with steps of their own are not the optimiser's; what is trained beside the model is") {
  const TemporaryDirectory dir;
  nn::Params params(3);
  const nn::Linear layer(params.root() / "layer", 2, 2, real(0.5));
  params.initialise();
  Tensor beside = Tensor::full({2}, 1).named("beside").require_grad();
  run::TrainingOptions options;
  options.out = dir.path + "/x";
  options.max_steps = 1;
  options.schedule = "constant";
  options.warmup = 0;
  const std::vector<real> bias = params.find("layer.bias").to_vector(),
                          weight = params.find("layer.weight").to_vector();
  run::Training training(
      options, params, {.also_trained = {beside}, .own_steps = [](const auto& name) { return name == "layer.bias"; }});
  REQUIRE(training.next_step());
  run::Terms terms;
  terms.add("x", 1, sum(layer(varied({1, 2}))));
  terms.add("beside", 0.5, sum(beside * beside));
  training.backward(terms);
  training.update();
  CHECK(params.find("layer.bias").to_vector() == bias);
  CHECK(params.find("layer.weight").to_vector() != weight);
  CHECK(beside.data()[0] < 1);
  CHECK(!beside.has_grad());
  CHECK(!params.find("layer.bias").has_grad());
  const std::string log = nn::read_file(dir.path + "/x/log.jsonl");
  CHECK(log.find("\"beside\":2.0") != std::string::npos);  // without its weight
  options.freeze = {"layer.*"};
  options.out = dir.path + "/y";
  CHECK(error_of([&] { run::Training(options, params, {}); }) == "--freeze leaves nothing to train");
}

TEST_CASE("training: every option of the steps is heeded: another value ends in other weights") {
  const TemporaryDirectory dir;
  int n = 0;
  using Change = std::function<void(run::TrainingOptions&)>;
  const auto weights = [&](const Change& change) {
    const std::string path = fmt::format("{}/{}", dir.path, n++);
    SmallRun small(path);
    change(small.options);
    small.run();
    return weights_of(path + "/best/model.safetensors");
  };
  const auto adamw = [](run::TrainingOptions&) {};
  const auto bert = [](auto& o) { o.adam_variant = "bert"; };
  const auto sgd = [](auto& o) { o.optimizer = "sgd"; };
  const std::string by_adamw = weights(adamw), by_bert = weights(bert), by_sgd = weights(sgd);
  CHECK(weights(adamw) == by_adamw);
  CHECK(by_bert != by_adamw);
  CHECK(by_sgd != by_adamw);
  const std::pair<const char*, Change> changes[] = {{"lr", [](auto& o) { o.lr = 0.06; }},
                                                    {"max_steps", [](auto& o) { o.max_steps = 7; }},
                                                    {"schedule", [](auto& o) { o.schedule = "cosine"; }},
                                                    {"warmup", [](auto& o) { o.warmup = 0.5; }},
                                                    {"adam_eps", [](auto& o) { o.adam_eps = 1e-3; }},
                                                    {"beta1", [](auto& o) { o.beta1 = 0.5; }},
                                                    {"beta2", [](auto& o) { o.beta2 = 0.9; }},
                                                    {"weight_decay", [](auto& o) { o.weight_decay = 0.5; }},
                                                    {"freeze", [](auto& o) { o.freeze = {"*bias"}; }}};
  for (const auto& option : changes) CHECK_MESSAGE(weights(option.second) != by_adamw, std::string(option.first));
  CHECK(weights([&](auto& o) { bert(o), o.beta2 = 0.9; }) != by_bert);
  CHECK(weights([&](auto& o) { sgd(o), o.momentum = 0.5; }) != by_sgd);
  CHECK(weights([&](auto& o) { sgd(o), o.clip = 0.01; }) != by_sgd);
  CHECK(weights([](auto& o) { o.max_steps = 0, o.epochs = 2.5; }) == by_adamw);  // 2.5 times 3 steps, rounded up
}
