// The options of pre-training. Read tasks/run/options.h first.
#include "tasks/pretrain/options.h"

#include <cmath>

#include "tasks/run/console.h"

namespace pretrain {

using engine::check;

Options::Options() {
  model.model = "bert";
  model.default_vocab_size = 8192;
  model.dropout = 0;
  training.batch_size = 2048;
  training.accumulate = 2;
  training.lr = 1e-3;
  training.beta2 = 0.98;
  training.momentum = 0.95;
  training.warmup = 0.05;
}

void Options::declare(run::Options& options) {
  declare_data(options);
  options
      .add("--model", model.model,
           "bert (a small one), from nothing; or an encoder to go on from: mini, which ships, or a model directory")
      .group("Model");
  model.declare_sizes(options);
  options
      .add("--start", start,
           "of bert: how word embeddings begin: drawn; or counts: out of the corpus's co-occurrences, with the masked "
           "language model's bias out of its frequencies")
      .group("Model")
      .one_of({"drawn", "counts"});
  options
      .add("--stack", stack,
           "of a model directory: so many layers, its own ones over and over, as a shallow model grows into a deep one")
      .group("Model")
      .between(0, 1000);
  model.declare_attention(options);
  shaping.declare_attention(options);
  model.adapter.declare(options);
  declare_objective(options);
  transfer.declare_unlabelled(options);
  declare_budget(options);
  training.declare(options, "pretrain");
  options.footer(
      "--batch-size counts tokens here: whole sequences are computed together until they are filled, and --accumulate "
      "such batches are a step. --epochs and --max-steps are budgets, too.");
}

void Options::declare_data(run::Options& options) {
  const auto add = [&](const char* name, auto& variable, const char* what) -> run::Option& {
    return options.add(name, variable, what).group("Data files");
  };
  add("--train", train,
      "files of texts, or folders of them: .txt, a text a line; tables, whose text column is read. FILE=WEIGHT: so "
      "many "
      "times in an epoch, or that fraction of it")
      .reads();
  add("--dev", dev, "the same, to measure on").reads();
  add("--dev-share", dev_share, "of the training texts that are held out when there is no --dev")
      .between(0, 0.5)
      .excludes("--dev");
  add("--without", without,
      "texts that models are measured on: a training text that holds one of their sentences, of six words or more, is "
      "left out")
      .reads();
  files.declare(options, false);
  add("--max-length", model.reading.max_length,
      "tokens of a sequence, [CLS] and [SEP] included; a longer text is cut end to end into several")
      .between(3, 100000);
}

void Options::declare_objective(run::Options& options) {
  const auto add = [&](const char* name, auto& variable, const char* what) -> run::Option& {
    return options.add(name, variable, what).group("Objective");
  };
  add("--objective", objective,
      "mlm: what stood behind a [MASK]?  rtd: which tokens did a small generator replace? (ELECTRA)")
      .one_of({"mlm", "rtd"});
  add("--mask-share", mask_share, "of the pieces of a text that are to be told").between(0.001, 1);
  add("--hide", hide, "of mlm: pieces, whole words, or spans of words (SpanBERT)").one_of({"piece", "word", "span"});
  add("--generator-size", generator_size, "of rtd: the generator's width, as a share of the encoder's")
      .between(0.01, 1)
      .only_with("--objective", {"rtd"});
  add("--detection-weight", detection_weight, "of rtd: of the detection beside the generator's loss")
      .not_negative()
      .only_with("--objective", {"rtd"});
}

void Options::declare_budget(run::Options& options) {
  const auto add = [&](const char* name, auto& variable, const char* what) -> run::Option& {
    return options.add(name, variable, what).group("Budget: the rate is 0 where it ends");
  };
  add("--max-tokens", max_tokens, "tokens to learn from").between(0, 1e15);
  add("--hours", hours, "hours to learn for, on whatever machine").between(0, 1e5);
  add("--first-step-tokens", first_step_tokens, "of the first step, when steps are to grow; 0: they do not")
      .between(0, 1e8);
  add("--grow-until", grow_until, "share of the budget at which steps have grown up")
      .between(0.001, 1)
      .only_with("--first-step-tokens");
  add("--eval-every", eval_every, "measure after so many steps, as 500, or minutes, as 10m; default: ten times");
}

void Options::settle(run::Options& options) {
  training.settle(options, "pretrain");
  model.settle(options);
  if (train.empty()) run::usage_error("--train is needed: files of texts");
  if (training.resume.empty() && options.given("--epochs") && (training.max_steps > 0 || max_tokens > 0 || hours > 0))
    run::usage_error("--epochs, --max-steps, --max-tokens and --hours are budgets; one is enough");
  if (training.resume.empty() && !transfer.teacher.empty()) transfer.check_left_out(options);
  (void)Interval(eval_every);  // Error: none, before the texts are read
  check(start == "drawn" || transfer.from_layers.empty(),
        "--start {} and --from-layers both say how the embeddings begin; one is enough", start);
  check(transfer.teacher.empty() || transfer.asks_the_teacher(),
        "--teacher {}: nothing says what it is to hand over; give --soft-targets, --relations or another term a weight",
        transfer.teacher);
  check(transfer.teacher.empty() || (!model.vocab_size && !model.cased && model.vocab.empty()),
        "--vocab, --vocab-size and --cased make a vocabulary; a student reads with its teacher's");
  check(start == "drawn" || !model.pretrained(), "--start {} is for --model bert; {} has embeddings", start,
        model.model);
}

LearnerOptions Options::learner() const {
  LearnerOptions l;
  l.objective = objective == "mlm" ? Objective::mlm : Objective::rtd;
  l.mask.share = mask_share;
  l.mask.by = hide == "piece" ? text::HideBy::piece : hide == "word" ? text::HideBy::word : text::HideBy::span;
  if (l.objective == Objective::rtd) {
    check(hide == "piece", "--hide {} is for --objective mlm; the generator of rtd hides pieces", hide);
    l.mask.hidden = 0.85, l.mask.replaced = 0, l.mask.repeats = true;
  }
  l.generator_size = generator_size;
  l.rtd_weight = detection_weight;
  l.seed = training.seed;
  return l;
}

long Options::tokens_of_step(double used) const {
  return step_tokens(used, first_step_tokens ? first_step_tokens : tokens_a_step(), tokens_a_step(), grow_until);
}

Budget Options::budget(double tokens_per_epoch) const {
  check((training.max_steps > 0) + (max_tokens > 0) + (hours > 0) <= 1,
        "--max-steps, --max-tokens and --hours exclude each other");
  if (training.max_steps) return {.steps = training.max_steps};
  if (hours > 0) return {.seconds = 3600 * hours};
  return {.tokens = max_tokens > 0 ? max_tokens : training.epochs * tokens_per_epoch};
}

std::vector<std::string> Options::inputs() const {
  std::vector<std::string> paths;
  for (const auto* list : {&train, &dev, &without})
    for (const std::string& spec : *list) paths.push_back(source_of(spec).path);
  for (const std::string& path : model.inputs()) paths.push_back(path);
  for (const std::string& path : {shaping.guide, transfer.teacher})
    if (!path.empty()) paths.push_back(path);
  return paths;
}

}  // namespace pretrain
