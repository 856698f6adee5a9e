// A small run of training that can be killed, stopped and ruined; and what it leaves on disk.
#pragma once

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <functional>

#include "nn/layers.h"
#include "tasks/run/training.h"
#include "tests/support/support.h"

namespace test {

constexpr long kSteps = 8;

// Eight steps, an epoch every three, of a linear layer with dropout, in two parts a step.
struct SmallRun {
  run::TrainingOptions options;
  run::Frame frame{.options = "seed=3\n", .steps_per_epoch = 3, .data = run::Fingerprint().add("train", "a").text()};
  long kill_before_save = -1,
       kill_after_save = -1;          // the step after which nothing more is done: without best/, with it
  long signal_at = -1, ruin_at = -1;  // a signal in this step; a weight that becomes NaN
  std::function<void(long step)> at_step = [](long) {};
  std::string id;

  SmallRun(const std::string& directory, bool resume = false) {
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

inline std::string weights_of(const std::string& path) {
  const nn::SafeTensors file(path);
  std::string weights;
  for (const auto& [name, entry] : file.entries()) {
    const std::vector<real> values = file.read(name).to_vector();
    weights.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(real));
  }
  return weights;
}

// What a run leaves: every number of its log, its last state, its best model.
inline std::string outcome(const std::string& directory) {
  return nn::read_file(directory + "/log.jsonl") + weights_of(directory + "/last.safetensors") +
         weights_of(directory + "/best/model.safetensors");
}

inline const std::string& undisturbed() {
  static const std::string result = [] {
    const TemporaryDirectory dir;
    SmallRun(dir.path + "/x").run();
    return outcome(dir.path + "/x");
  }();
  return result;
}

inline void resume(const std::string& directory) { SmallRun(directory, true).run(); }

// A run anew in the directory, that is killed before it saves this step.
inline void run_until(const std::string& directory, long step) {
  std::filesystem::remove_all(directory);
  SmallRun killed(directory);
  killed.kill_before_save = step;
  killed.run();
}

inline std::vector<std::string> entries(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace test
