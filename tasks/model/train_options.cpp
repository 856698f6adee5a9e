// The options of training; `sentiment train --help` prints them. Read tasks/run/data_options.h first.
#include "tasks/model/train_options.h"

#include <fstream>

#include "tasks/run/console.h"
#include "tasks/run/run.h"

namespace model {

void TrainOptions::declare(CLI::App& app, const std::string& task) {
  app.add_option("--data", data,
                 "file with all examples: split by its column `split` (train, dev, test), or as --split says; "
                 "the embedded corpus if no file is named. Several files are read as one; LABEL=FILE, a file for each "
                 "class, takes the label from here")
      ->group("Data files");
  app.add_option(
         "--split", split,
         "TRAIN/DEV/TEST shares of --data, each label alike, by seed; without --dev, DEV is taken from --train. "
         "Without dev examples the last epoch's model is kept, not the best one's")
      ->group("Data files");
  app.add_option("--train", train, "files to train on")->group("Data files");
  app.add_option("--dev", dev, "files to choose the best epoch on")->group("Data files");
  app.add_option("--test", test, "files for the final figures; without them, --dev again")->group("Data files");
  files.declare(app, true);
  declare_model(app);
  declare_pool(app);
  app.add_flag("--new-head", new_head,
               "of a model directory: its classifier is drawn anew, for data with other labels than it was trained on")
      ->group("Model");
  declare_training(app);
  declare_accumulate(app);
  app.add_option("--label-smoothing", label_smoothing, "share of the target that is spread over all classes")
      ->group("Training")
      ->check(run::between(0.0, 1.0));
  app.add_option("--class-weights", class_weights,
                 "none; balanced: a rare class weighs more; or a file with lines LABEL TAB WEIGHT")
      ->group("Training");
  app.add_option("--metric", metric, "what the best epoch is best in: accuracy, macro_f1, mcc or loss")
      ->group("Training")
      ->check(CLI::IsMember({"accuracy", "macro_f1", "mcc", "loss"}));
  attention.declare(app);
  retention.declare(app);
  declare_run(app, task);
}

void TrainOptions::declare_model(CLI::App& app) {
  app.add_option("--max-length", max_length, "tokens of a text, [CLS] and [SEP] included")
      ->group("Data files")
      ->check(run::between(2, 100000));
  app.add_option("--long", too_long,
                 "a longer text is cut; or an error; or read through windows, their logits averaged")
      ->group("Data files")
      ->check(CLI::IsMember({"cut", "error", "window"}));

  app.add_option(
         "--model", model,
         "pool (embeddings and attention pooling), mini (a small BERT), both from nothing; or a model directory")
      ->group("Model");
  declare_sizes(app);
}

void TrainOptions::declare_pool(CLI::App& app) {
  app.add_option("--bigrams", bigrams, "of pool: rows of a table for pairs of neighbouring pieces, say 200000; 0: none")
      ->group("Model")
      ->check(run::between(0, 1e8));
  app.add_option("--subwords", subwords,
                 "of pool: rows of a table for the pieces' n-grams of 3 to 5 characters, say 100000; 0: none")
      ->group("Model")
      ->check(run::between(0, 1e8));
  app.add_option(
         "--length-exponent", length_exponent,
         "of pool: p, where the context of T tokens is (T / 20)^p times their mean; 0.5 lets long texts speak up")
      ->group("Model")
      ->check(run::between(0.0, 1.0));
  app.add_option("--log-odds", log_odds,
                 "of pool: its embeddings begin with that much of the training labels' log-count ratios; 0: none")
      ->group("Model")
      ->check(run::between(0.0, 100.0));
}

void TrainOptions::declare_sizes(CLI::App& app) {
  const CLI::Validator above_zero = run::positive();
  app.add_option("--layers", layers, "of mini; default 4")->group("Model")->check(above_zero);
  app.add_option("--hidden", hidden, "width of mini and pool; default 256")->group("Model")->check(above_zero);
  app.add_option("--heads", heads, "attention heads of mini, query vectors of pool; default 4")
      ->group("Model")
      ->check(above_zero);
  app.add_option("--intermediate", intermediate, "feed-forward width of mini; default 4 x hidden")
      ->group("Model")
      ->check(above_zero);
  app.add_option("--dropout", dropout, "everywhere; default 0.1, 0.5 for pool, or what the model directory says")
      ->group("Model")
      ->check(run::between(0.0, 0.99));
  app.add_option("--attention-dropout", attention_dropout, "of the attention weights; default as --dropout, 0 for pool")
      ->group("Model")
      ->check(run::between(0.0, 0.99));
  app.add_option("--vocab", vocab, "vocab.txt for mini and pool; without it one is learned from the training texts")
      ->group("Model");
  app.add_option("--vocab-size", vocab_size, "pieces to learn")->group("Model")->check(run::between(64, 1000000));
  app.add_flag("--cased", cased, "keep letter case and accents (with --vocab or a learned vocabulary)")->group("Model");
}

void TrainOptions::declare_training(CLI::App& app) {
  const CLI::Validator above_zero = run::positive();
  app.add_option("--epochs", epochs, "passes over the training set; may be a fraction")
      ->group("Training")
      ->check(run::between(1e-6, 1e6));
  app.add_option("--max-steps", max_steps, "stop after that many steps; 0: as --epochs says")
      ->group("Training")
      ->check(run::between(0, 1e12));
  app.add_option("--batch-size", batch_size, "texts that are computed together")
      ->group("Training")
      ->check(run::between(1, 1e6));
  app.add_option("--lr", lr, "highest learning rate; default 2e-5 for a model directory, 2e-4 for mini, 2e-3 for pool")
      ->group("Training")
      ->check(above_zero);
  app.add_option("--schedule", schedule, "constant, linear, cosine, inverse-sqrt or polynomial")
      ->group("Training")
      ->check(CLI::IsMember({"constant", "linear", "cosine", "inverse-sqrt", "polynomial"}));
  app.add_option("--warmup", warmup, "share of the steps in which the rate rises")
      ->group("Training")
      ->check(run::between(0.0, 1.0));
  app.add_option("--optimizer", optimizer, "adamw or sgd")->group("Training")->check(CLI::IsMember({"adamw", "sgd"}));
  app.add_option("--adam-variant", adam_variant, "torch, transformers or bert")
      ->group("Training")
      ->check(CLI::IsMember({"torch", "transformers", "bert"}));
  app.add_option("--adam-eps", adam_eps, "default 1e-8 for torch, 1e-6 for the others")
      ->group("Training")
      ->check(above_zero);
  app.add_option("--momentum", momentum, "of sgd")->group("Training")->check(run::between(0.0, 1.0));
  app.add_option("--weight-decay", weight_decay, "of everything but biases and LayerNorm")
      ->group("Training")
      ->check(run::not_negative());
  app.add_option("--clip", clip, "largest norm of all gradients together; 0: none")
      ->group("Training")
      ->check(run::not_negative());
  app.add_option("--freeze", freeze,
                 "parameters that stay as they are: a shell pattern over their names; may be repeated")
      ->group("Training");
  app.add_flag("--no-shuffle", no_shuffle, "take the examples in the order of the file")->group("Training");
  app.add_option("--seed", seed, "of first values, order and dropout")->group("Training")->check(run::between(0, 9e15));
  app.add_option("--patience", patience, "stop after so many epochs in a row without a better one; 0: never")
      ->group("Training")
      ->check(run::between(0, 1e9));
}

void TrainOptions::declare_accumulate(CLI::App& app) {
  app.add_option("--accumulate", accumulate, "batches of a step: their gradients are those of one large batch")
      ->group("Training")
      ->check(run::between(1, 1e6));
}

void TrainOptions::declare_run(CLI::App& app, const std::string& task) {
  app.add_option("--out", out, "directory of the run; default runs/" + task + "-DATE-TIME")->group("Run");
  app.add_flag("--overwrite", overwrite, "replace a run that is in it already")->group("Run");
  app.add_option("--resume", resume, "continue the run in this directory, with its options")
      ->group("Run")
      ->configurable(false);
}

// The options of a run that is continued are those of its directory.
void TrainOptions::settle(CLI::App& app, const std::string& task) {
  if (!resume.empty()) {
    const std::string directory = resume;
    for (const CLI::Option* option : app.get_options())
      if (option->count() && option->get_name() != "--resume") {
        run::print_note("error: --resume takes the options of the run; {} cannot be given with it\n", option->get_name());
        throw run::Exit{2};
      }
    std::ifstream file(directory + "/options.ini");
    engine::check(bool(file), "{}: not the directory of a run: options.ini cannot be read", directory);
    app.clear();
    app.parse_from_stream(file);
    resume = out = directory;
  }
  if (out.empty()) out = run::default_directory(task);
}

}  // namespace model
