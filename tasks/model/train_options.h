// What the training of a text classifier can be told, with the defaults of the document that this project began with.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tasks/objective/shaping.h"
#include "tasks/spec/data_options.h"
#include "tasks/objective/retention.h"

namespace model {

struct TrainOptions {
  // data
  std::vector<std::string> data, train, dev, test;  // files, or LABEL=FILE
  std::string split = "80/10/10";
  spec::DataOptions files;
  int max_length = 128;
  std::string too_long = "cut";
  // model
  std::string model = "pool";  // pool, mini or a model directory
  long bigrams = 0, subwords = 0;
  double length_exponent = 0, log_odds = 0;
  std::optional<long> layers, hidden, heads, intermediate;
  std::optional<double> dropout, attention_dropout;
  std::string vocab;
  int vocab_size = 8000;
  bool cased = false;
  bool new_head = false;
  // training
  double epochs = 5;
  long max_steps = 0;
  int batch_size = 16, accumulate = 1;
  std::optional<double> lr;  // by the model: 2e-5 for a pretrained one
  std::string schedule = "linear";
  double warmup = 0.1;
  std::string optimizer = "adamw", adam_variant = "torch";
  double momentum = 0.9;
  double weight_decay = 0.01;
  std::optional<double> adam_eps;
  double clip = 1.0;
  double label_smoothing = 0;
  std::string class_weights = "none";
  long patience = 0;
  std::vector<std::string> freeze;
  bool no_shuffle = false;
  uint64_t seed = 42;
  std::string metric = "macro_f1";
  objective::AdjustmentOptions attention;
  objective::RetentionOptions retention;
  // run
  std::string out, resume;
  bool overwrite = false;

  // `task` names the program in the default directory of a run.
  void declare(CLI::App& app, const std::string& task);
  // Its parts, for programs that train something else, or read their data in another way.
  void declare_model(CLI::App& app);       // lengths, the model and its sizes
  void declare_pool(CLI::App& app);        // what pool has besides
  void declare_sizes(CLI::App& app);       // of a new model and its vocabulary; dropout
  void declare_training(CLI::App& app);    // passes, optimiser, seed
  void declare_accumulate(CLI::App& app);  // several batches a step
  void declare_run(CLI::App& app, const std::string& task);
  // After parsing: the options of the run in --resume, if it is given, and a directory for this one.
  void settle(CLI::App& app, const std::string& task);
  bool pretrained() const { return model != "pool" && model != "mini"; }
  double peak_lr() const { return lr ? *lr : pretrained() ? 2e-5 : model == "pool" ? 2e-3 : 2e-4; }
};

}  // namespace model
