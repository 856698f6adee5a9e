// What every training program can be told about its steps and its run. Read tasks/run/arguments.h first.
#include "tasks/run/options.h"

#include <algorithm>
#include <climits>
#include <cmath>
#include <filesystem>

#include "tasks/run/console.h"
#include "tasks/run/run.h"

namespace run {
namespace {

constexpr double kMost = 1 - 1e-6;  // of a moving average that still moves

void declare_passes(Options& options, TrainingOptions& o) {
  const char* group = "Training";
  options.add("--epochs", o.epochs, "passes over the training set; may be a fraction").group(group).between(1e-6, 1e6);
  options.add("--max-steps", o.max_steps, "stop after that many steps; 0: as --epochs says")
      .group(group)
      .between(0, 1e12);
  options.add("--batch-size", o.batch_size, "texts that are computed together").group(group).between(1, 1e6);
  options.add("--accumulate", o.accumulate, "batches of a step, one after the other: its loss is the mean of theirs")
      .group(group)
      .between(1, 1e6);
  options.add("--patience", o.patience, "stop after so many epochs in a row without a better one; 0: never")
      .group(group)
      .between(0, 1e9);
  options.add("--no-shuffle", o.no_shuffle, "take the examples in the order of the file").group(group);
  options.add("--seed", o.seed, "of first values, order and dropout").group(group).between(0, 9e15);
}

void declare_steps(Options& options, TrainingOptions& o) {
  const char* group = "Training";
  options.add("--lr", o.lr, "highest learning rate" + (o.lr ? "" : "; default " + o.lr_default))
      .group(group)
      .positive();
  options.add("--schedule", o.schedule, "constant, linear, cosine, inverse-sqrt or polynomial")
      .group(group)
      .one_of({"constant", "linear", "cosine", "inverse-sqrt", "polynomial"});
  options.add("--warmup", o.warmup, "share of the steps in which the rate rises").group(group).between(0, 1);
  options.add("--optimizer", o.optimizer, "adamw; sgd; or muon: orthogonalised momentum for the matrices of layers")
      .group(group)
      .one_of({"adamw", "sgd", "muon"});
  const std::vector<std::string> adam{"adamw", "muon"};  // muon: of the parameters that are no matrices
  options.add("--adam-variant", o.adam_variant, "torch, transformers or bert")
      .group(group)
      .only_with("--optimizer", adam)
      .one_of({"torch", "transformers", "bert"});
  options.add("--adam-eps", o.adam_eps, "default 1e-8 for torch, 1e-6 for the others")
      .group(group)
      .only_with("--optimizer", adam)
      .positive();
  options.add("--adam-beta1", o.beta1, "share of the old mean of the gradients that stays")
      .group(group)
      .only_with("--optimizer", adam)
      .between(0, kMost);
  options.add("--adam-beta2", o.beta2, "share of the old mean of their squares that stays")
      .group(group)
      .only_with("--optimizer", adam)
      .between(0, kMost);
  options.add("--momentum", o.momentum, "of sgd and muon")
      .group(group)
      .only_with("--optimizer", {"sgd", "muon"})
      .between(0, 1);
  options.add("--weight-decay", o.weight_decay, "of everything but biases and LayerNorm").group(group).not_negative();
  options.add("--clip", o.clip, "largest norm of all gradients together; 0: none").group(group).not_negative();
  options.add("--on-nan", o.on_nan, "at a loss or gradient that is no number: stop, or skip the step and count it")
      .group(group)
      .one_of({"stop", "skip"});
  options.add("--lr-of", o.lr_of, "PATTERN=FACTOR: this share of --lr for parameters whose names fit; may be repeated")
      .group(group);
  options
      .add("--freeze", o.freeze, "parameters that stay as they are: a shell pattern over their names; may be repeated")
      .group(group);
}

}  // namespace

void TrainingOptions::declare(Options& options, const std::string& task) {
  declare_passes(options);
  declare_steps(options);
  declare_run(options, task);
}

void TrainingOptions::declare_passes(Options& options) { run::declare_passes(options, *this); }
void TrainingOptions::declare_steps(Options& options) { run::declare_steps(options, *this); }

void TrainingOptions::declare_run(Options& options, const std::string& task) {
  options.check_used_later();  // in settle()
  options.add("--out", out, "directory of the run; default runs/" + task + "-DATE-TIME").group("Run");
  options.add("--overwrite", overwrite, "replace a run that is in it already").group("Run").not_saved();
  options
      .add("--events", events, "also write what TensorBoard shows: into this directory, or auto: events/ in the run's")
      .group("Run");
  options.add("--resume", resume, "continue the run in this directory, with its options").group("Run").not_saved();
}

// The options of a run that is continued are those of its directory.
void TrainingOptions::settle(Options& options, const std::string& task, bool complete) {
  if (resume.empty()) {
    if (complete) options.check_used();
    if (out.empty()) out = default_directory(task);
    check_batch();
    return;
  }
  for (const std::string& name : options.given_names())
    if (name != "--resume") usage_error("--resume takes the options of the run; {} cannot be given with it", name);
  const std::string directory = resume, file = directory + "/options.ini";
  if (std::filesystem::is_directory(directory)) bring_back(directory);
  engine::check(std::filesystem::exists(file), "{}: not the directory of a run: there is no options.ini", directory);
  options.read_file(file);
  resume = out = directory;
}

void TrainingOptions::check_batch() const {
  if (long(batch_size) * accumulate > INT_MAX)
    usage_error("--batch-size {} times --accumulate {} is more than {}", batch_size, accumulate, INT_MAX);
}

long TrainingOptions::steps(long per_epoch) const {
  return max_steps ? max_steps : std::max(1L, long(std::ceil(epochs * double(per_epoch))));
}

}  // namespace run
