// A run of training through kills, signals, other data and bad numbers: the bits that it ends in, and what stays on disk.
#include "tasks/run/training.h"

#include <csignal>

#include "nn/layers.h"
#include "tasks/run/console.h"
#include "tests/support/support.h"

using namespace test;
namespace fs = std::filesystem;

namespace {

constexpr long kSteps = 8;

// Eight steps, an epoch every three, of a linear layer with dropout, in two parts a step.
struct Course {
  run::TrainingOptions options;
  run::Frame frame{.options = "seed=3\n", .steps_per_epoch = 3, .data = run::Fingerprint().add("train", "a").text()};
  long kill_before_save = -1,
       kill_after_save = -1;          // the step at whose end, before or after best/, nothing more is done
  long signal_at = -1, ruin_at = -1;  // a signal in this step; a weight that becomes NaN
  std::function<void(long step)> at_step = [](long) {};
  std::string id;

  Course(const std::string& directory, bool resume = false) {
    options.out = directory;
    options.resume = resume ? directory : "";
    options.max_steps = kSteps;
    options.lr = 0.05;
  }

  void run() {
    nn::Params params(3);
    const nn::Linear layer(params.root() / "layer", 6, 3, real(0.5));
    const nn::Dropout dropout(params.root(), real(0.3));
    params.initialise();
    run::Training training(options, params, frame);
    id = training.run().id();
    while (training.next_step()) {
      for (int part = 0; part < 2; ++part) {
        const Tensor logits = dropout(layer(varied({5, 6}, real(training.step() + 50 * part))));
        run::Terms terms;
        terms.add("hard", 1, cross_entropy(logits, {0, 1, 2, 0, 1}));
        training.backward(terms, part ? 0.25 : 0.75);
      }
      training.update();
      if (training.step() == kill_before_save) return;
      if (training.step() == ruin_at) params.find("layer.bias").data()[1] = real(NAN);
      at_step(training.step());
      if (training.step() == signal_at) std::raise(SIGTERM);
      if (training.epoch_ends())
        training.keep_best(-double(training.step()), [&](const std::string& to) {
          nn::save_safetensors(to + "/model.safetensors", params.tensors());
        });
      if (training.step() == kill_after_save) return;
    }
  }
};

std::string weights_of(const std::string& path) {
  const nn::SafeTensors file(path);
  std::string weights;
  for (const auto& [name, entry] : file.entries()) {
    const std::vector<real> values = file.read(name).to_vector();
    weights.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(real));
  }
  return weights;
}

// What a run leaves: every number of its log, its last state, its best model.
std::string outcome(const std::string& directory) {
  return nn::read_file(directory + "/log.jsonl") + weights_of(directory + "/last.safetensors") +
         weights_of(directory + "/best/model.safetensors");
}

const std::string& undisturbed() {
  static const std::string result = [] {
    const TemporaryDirectory dir;
    Course(dir.path + "/x").run();
    return outcome(dir.path + "/x");
  }();
  return result;
}

void resume(const std::string& directory) { Course(directory, true).run(); }

std::vector<std::string> entries(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

TEST_CASE("training: killed after any step and resumed, a run ends in the very bits of one that was not") {
  const TemporaryDirectory dir;
  CHECK(std::count(undisturbed().begin(), undisturbed().end(), '\n') >= kSteps);
  for (long step = 0; step < kSteps; ++step)
    for (const bool best_stands : {false, true}) {
      const std::string path = fmt::format("{}/{}{}", dir.path, step, best_stands);
      Course killed(path);
      (best_stands ? killed.kill_after_save : killed.kill_before_save) = step;
      killed.run();
      CHECK(fs::exists(path + "/last.safetensors") == (step > 2));  // before its first checkpoint, too
      resume(path);
      CHECK_MESSAGE(outcome(path) == undisturbed(), step);
    }
}

TEST_CASE("training: a run that is killed again and again still ends in the same bits") {
  const TemporaryDirectory dir;
  Course first(dir.path + "/x");
  first.kill_before_save = 1;
  first.run();
  for (long step = 2; step < kSteps; ++step) {
    Course again(dir.path + "/x", true);
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
    Course stopped(path);
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
  Course first(dir.path + "/x");
  first.kill_before_save = 5;
  first.run();
  Course other(dir.path + "/x", true);
  other.frame.data = run::Fingerprint().add("train", "b").text();
  CHECK(error_of([&] { other.run(); }) == dir.path + "/x: the data has changed since: train; start a new run");
  other.frame.data = run::Fingerprint().add("train", "a").add("dev", "").text();
  CHECK(error_of([&] { other.run(); }).find("has changed since: dev;") != std::string::npos);
  Course options(dir.path + "/x", true);
  options.frame.options = "seed=4\n";
  CHECK(error_of([&] { options.run(); }).find("options.ini has changed since") != std::string::npos);
  resume(dir.path + "/x");
  CHECK(outcome(dir.path + "/x") == undisturbed());
}

TEST_CASE("training: weights that are no numbers replace nothing; the last checkpoint goes on") {
  const TemporaryDirectory dir;
  for (const long step : {4L, 5L}) {  // found at the end of an epoch either way: in best/, or in the checkpoint
    const std::string path = fmt::format("{}/{}", dir.path, step);
    Course course(path);
    course.kill_before_save = 3;
    course.run();
    const std::string before = weights_of(path + "/last.safetensors") + weights_of(path + "/best/model.safetensors");
    Course ruined(path, true);
    ruined.ruin_at = step;
    const std::string error = error_of([&] { ruined.run(); });
    CHECK_MESSAGE(error.find("'layer.bias' [3] holds a NaN") != std::string::npos, error);
    CHECK(weights_of(path + "/last.safetensors") + weights_of(path + "/best/model.safetensors") == before);
    CHECK(!fs::exists(path + "/best.part"));
    resume(path);
    CHECK(outcome(path) == undisturbed());
  }
}

TEST_CASE("training: a damaged checkpoint gives way to the one before it, and the run ends in the same bits") {
  const TemporaryDirectory dir;
  const std::string path = dir.path + "/x", last = path + "/last.safetensors";
  const auto damaged = [&](const std::function<void()>& damage) {
    fs::remove_all(path);
    Course course(path);
    course.kill_before_save = 6;
    course.run();
    damage();
    resume(path);
    return outcome(path) == undisturbed();
  };
  CHECK(damaged([&] { fs::resize_file(last, 100); }));
  CHECK(damaged([&] { fs::resize_file(last, 0); }));
  CHECK(damaged([&] { fs::remove(last); }));
  CHECK(damaged([&] {
    std::fstream file(last, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-9, std::ios::end).put('x');
  }));
  fs::remove_all(path);
  Course course(path);
  course.kill_before_save = 3;  // there is one checkpoint only
  course.run();
  fs::resize_file(last, 100);
  CHECK(error_of([&] { resume(path); }).find("last.safetensors") != std::string::npos);
}

TEST_CASE("training: a kill in the middle of a save leaves the old or the new, never neither") {
  const TemporaryDirectory dir;
  const std::string path = dir.path + "/x";
  const auto killed_then = [&](const std::function<void()>& middle) {
    fs::remove_all(path);
    Course course(path);
    course.kill_before_save = 6;
    course.run();
    middle();
    resume(path);
    return outcome(path) == undisturbed() &&
           entries(path) ==
               std::vector<std::string>{"best", "last.safetensors", "log.jsonl", "options.ini", "previous.safetensors"};
  };
  CHECK(killed_then([&] { fs::rename(path + "/best", path + "/best.old"); }));
  CHECK(killed_then([&] {
    fs::rename(path + "/best", path + "/best.old");
    fs::create_directories(path + "/best.part");
  }));
  CHECK(killed_then([&] {
    fs::create_directories(path + "/best.part");
    std::ofstream(path + "/best.part/model.safetensors") << "half";
  }));
  CHECK(killed_then([&] {  // between the two renames of a checkpoint
    fs::rename(path + "/last.safetensors", path + "/next.safetensors");
  }));
  CHECK(killed_then([&] {
    std::ofstream(path + "/next.safetensors.123.part") << "half";
    std::ofstream(path + "/result.json.77.part") << "half";
  }));
}

TEST_CASE("training: a directory that is removed under the run is an error, at the next save or at the end") {
  const TemporaryDirectory dir;
  const std::string path = dir.path + "/x";
  for (const long step : {0L, kSteps - 1})
    for (const bool again : {false, true}) {
      Course course(path);
      course.at_step = [&](long now) {
        if (now != step) return;
        fs::remove_all(path);
        if (again) fs::create_directories(path);
      };
      const std::string error = error_of([&] { course.run(); });
      CHECK_MESSAGE(error.find("has been removed or replaced while it ran") != std::string::npos, error);
      fs::remove_all(path);
    }
  Course log(path);
  log.at_step = [&](long) { fs::remove(path + "/log.jsonl"); };
  CHECK(error_of([&] { log.run(); }).find("log.jsonl: has been removed") != std::string::npos);
}

TEST_CASE(
    "training: --overwrite keeps what was there until the first checkpoint stands, and takes nothing of it for its "
    "own") {
  const TemporaryDirectory dir;
  const std::string path = dir.path + "/x";
  Course first(path);
  first.frame.also_written = {"single"};
  first.run();
  fs::create_directories(path + "/single/a");
  std::ofstream(path + "/notes.txt") << "mine";
  const std::string before = outcome(path);

  Course second(path);
  second.options.overwrite = true;
  second.options.lr = 0.01;
  second.frame.also_written = {"single"};
  second.kill_before_save = 1;
  second.run();
  CHECK(second.id != first.id);
  CHECK(entries(path) == std::vector<std::string>{"log.jsonl", "notes.txt", "options.ini", "replaced"});
  CHECK(outcome(path + "/replaced") == before);
  CHECK(fs::exists(path + "/replaced/single/a"));

  Course third(path);  // over one that never had a checkpoint: the first is still there
  third.options.overwrite = true;
  third.kill_before_save = 1;
  third.frame.also_written = {"single"};
  third.run();
  CHECK(outcome(path + "/replaced") == before);

  resume(path);
  CHECK(outcome(path) == undisturbed());
  CHECK(!fs::exists(path + "/replaced"));
  CHECK(!fs::exists(path + "/single"));
  CHECK(nn::read_file(path + "/notes.txt") == "mine");
}

TEST_CASE("training: killed while --overwrite puts the old run aside, either run can be had") {
  const TemporaryDirectory dir;
  const std::string path = dir.path + "/x";
  const auto half_aside = [&] {
    fs::remove_all(path);
    Course course(path);
    course.kill_before_save = 6;
    course.run();
    fs::create_directories(path + "/replaced.part");
    for (const char* name : {"last.safetensors", "previous.safetensors", "best"})
      fs::rename(path + "/" + name, path + "/replaced.part/" + name);
  };
  half_aside();
  resume(path);
  CHECK(outcome(path) == undisturbed());
  half_aside();
  Course over(path);
  over.options.overwrite = true;
  over.kill_before_save = 0;
  over.run();
  CHECK(entries(path + "/replaced") ==
        std::vector<std::string>{"best", "last.safetensors", "log.jsonl", "options.ini", "previous.safetensors"});
}

TEST_CASE("training: what the run reads is not overwritten by it") {
  const TemporaryDirectory dir;
  const std::string path = dir.path + "/x";
  Course(path).run();
  const std::string before = outcome(path);
  fs::create_symlink(path, dir.path + "/link");
  for (const std::string input : {"/x", "/x/best", "/x/best/model.safetensors", "/link/best", "/x/../x/log.jsonl"}) {
    Course course(path);
    course.options.overwrite = true;
    course.frame.inputs = {dir.path + "/nowhere", dir.path + input};
    CHECK(error_of([&] { course.run(); }) ==
          path + ": --overwrite would replace what the run reads: " + dir.path + input);
    CHECK(outcome(path) == before);
  }
  Course beside(path);
  beside.options.overwrite = true;
  beside.frame.inputs = {dir.write("xy", ""), dir.path};
  beside.run();
  CHECK(outcome(path) == undisturbed());
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

TEST_CASE("terms: the sum goes from left to right; a weight of 0 is in the log and not in the sum; names add up") {
  const Tensor a = Tensor::scalar(real(0.1)).require_grad(), b = Tensor::scalar(real(0.7)).require_grad();
  run::Terms terms;
  CHECK(error_of([&] { terms.sum(); }) == "terms: the loss has no term of a weight other than 0");
  terms.add("a", 1, a);
  CHECK(terms.plain());
  CHECK(terms.sum().is(a));  // no operation: the bits of a loss with one term stay
  terms.add("b", real(0.3), b);
  terms.add("none", 0, Tensor::scalar(5));
  terms.add("b", 2, b);
  CHECK(terms.sum().item() == (real(0.1) + real(0.7) * real(0.3)) + real(0.7) * 2);
  CHECK(!terms.plain());
  CHECK(terms.values().dump() ==
        nlohmann::ordered_json({{"a", double(real(0.1))}, {"b", double(real(0.7)) + double(real(0.7))}, {"none", 5.0}})
            .dump());
  CHECK(error_of([&] { terms.add("x", NAN, a); }).find("'x' must be a number") != std::string::npos);
  CHECK(error_of([&] { terms.add("x", 1, varied({2})); }) == "terms: 'x' must be one number");
  run::Terms weighted;
  weighted.add("hard", 0.5, a);
  CHECK(!weighted.plain());
}
