// The options of pre-training. Read tasks/run/train_options.h first.
#include "tasks/pretrain/options.h"

#include <cmath>

#include "tasks/run/program.h"

namespace pretrain {

using engine::check;

Options::Options() {
  common.model = "mini";
  common.max_length = 128;
  common.vocab_size = 8192;
  common.lr = 1e-3;
  common.warmup = 0.05;
  common.dropout = 0;
  common.momentum = 0.95;
}

void Options::declare(CLI::App& app) {
  declare_data(app);
  common.declare_sizes(app);
  declare_objective(app);
  declare_budget(app);
  declare_optimizer(app);
  common.declare_run(app, "pretrain");
}

void Options::declare_data(CLI::App& app) {
  const char* group = "Data files";
  app.add_option("--train", common.train,
                 "files of texts, or folders of them: .txt, a text a line; tables, whose text column is read. "
                 "FILE=WEIGHT: so many times in an epoch, or that fraction of it")
      ->group(group);
  app.add_option("--dev", common.dev, "the same, to measure on")->group(group);
  app.add_option("--dev-share", dev_share, "of the training texts that are held out when there is no --dev")
      ->group(group)
      ->check(run::between(0.0, 0.5));
  app.add_option("--without", without,
                 "files of texts that models are measured on: a training text that holds one of their sentences, of "
                 "six words or more, is left out")
      ->group(group);
  common.files.declare(app, false);
  app.add_option("--max-length", common.max_length,
                 "tokens of a sequence, [CLS] and [SEP] included; a longer text is cut end to end into several")
      ->group(group)
      ->check(run::between(3, 100000));
  app.add_option("--model", common.model, "mini (a small BERT), from nothing; or a model directory to go on from")
      ->group("Model");
}

void Options::declare_objective(CLI::App& app) {
  const char* group = "Objective";
  app.add_option("--objective", objective,
                 "mlm: what stood behind a [MASK]?  rtd: which tokens did a small generator replace? (ELECTRA)")
      ->group(group)
      ->check(CLI::IsMember({"mlm", "rtd"}));
  app.add_option("--mask-share", mask_share, "of the pieces of a text that are to be told")
      ->group(group)
      ->check(run::between(0.001, 1.0));
  app.add_option("--hide", hide, "of mlm: pieces, whole words, or spans of words (SpanBERT)")
      ->group(group)
      ->check(CLI::IsMember({"piece", "word", "span"}));
  app.add_option("--generator-size", generator_size, "of rtd: the generator's width, as a share of the encoder's")
      ->group(group)
      ->check(run::between(0.01, 1.0));
  app.add_option("--detection-weight", detection_weight, "of rtd: of the detection beside the generator's loss")
      ->group(group)
      ->check(run::not_negative());
}

void Options::declare_budget(CLI::App& app) {
  const char* group = "Budget: the rate is 0 where it ends";
  app.add_option("--epochs", common.epochs, "passes over the corpus; may be a fraction")
      ->group(group)
      ->check(run::between(1e-6, 1e6));
  app.add_option("--max-steps", common.max_steps, "steps instead")->group(group)->check(run::between(0, 1e8));
  app.add_option("--max-tokens", max_tokens, "tokens instead")->group(group)->check(run::between(0, 1e15));
  app.add_option("--hours", hours, "hours instead, on whatever machine")->group(group)->check(run::between(0, 1e5));
  app.add_option("--step-tokens", step_tokens, "tokens of a step: whole sequences until they are filled")
      ->group(group)
      ->check(run::between(1, 1e8));
  app.add_option("--first-step-tokens", first_step_tokens, "of the first step, when steps are to grow; 0: they do not")
      ->group(group)
      ->check(run::between(0, 1e8));
  app.add_option("--grow-until", grow_until, "share of the budget at which steps have grown up")
      ->group(group)
      ->check(run::between(0.001, 1.0));
  app.add_option("--part-tokens", part_tokens, "tokens that are computed together; gradients of a step's parts add up")
      ->group(group)
      ->check(run::between(1, 1e8));
  app.add_option("--eval-every", eval_every, "measure after so many steps, as 500, or minutes, as 10m; default: ten times")
      ->group(group);
}

void Options::declare_optimizer(CLI::App& app) {
  run::TrainOptions& o = common;
  const char* group = "Training";
  app.add_option("--lr", o.lr, "highest learning rate")->group(group)->check(run::positive());
  app.add_option("--schedule", o.schedule, "constant, linear, cosine, inverse-sqrt or polynomial")
      ->group(group)
      ->check(CLI::IsMember({"constant", "linear", "cosine", "inverse-sqrt", "polynomial"}));
  app.add_option("--warmup", o.warmup, "share of the budget in which the rate rises")
      ->group(group)
      ->check(run::between(0.0, 1.0));
  app.add_option("--optimizer", o.optimizer, "adamw; or muon: orthogonalised momentum for the matrices of the layers")
      ->group(group)
      ->check(CLI::IsMember({"adamw", "muon"}));
  app.add_option("--momentum", o.momentum, "of muon")->group(group)->check(run::between(0.0, 0.999));
  app.add_option("--beta1", beta1, "of adamw")->group(group)->check(run::between(0.0, 0.9999));
  app.add_option("--beta2", beta2, "of adamw")->group(group)->check(run::between(0.0, 0.99999));
  app.add_option("--adam-eps", o.adam_eps, "default 1e-8")->group(group)->check(run::positive());
  app.add_option("--weight-decay", o.weight_decay, "of everything but biases and LayerNorm")
      ->group(group)
      ->check(run::not_negative());
  app.add_option("--clip", o.clip, "largest norm of all gradients together; 0: none")
      ->group(group)
      ->check(run::not_negative());
  app.add_option("--freeze", o.freeze, "parameters that stay as they are: a shell pattern over their names")
      ->group(group);
  app.add_option("--seed", o.seed, "of first values, order, masks and dropout")->group(group)->check(run::between(0, 9e15));
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
  l.seed = common.seed;
  return l;
}

Budget Options::budget(double tokens_per_epoch) const {
  check((common.max_steps > 0) + (max_tokens > 0) + (hours > 0) <= 1,
        "--max-steps, --max-tokens and --hours exclude each other");
  if (common.max_steps) return {.steps = common.max_steps};
  if (hours > 0) return {.seconds = 3600 * hours};
  return {.tokens = max_tokens > 0 ? max_tokens : common.epochs * tokens_per_epoch};
}

optim::Optimizer Options::optimizer(const std::vector<Tensor>& parameters) const {
  const optim::AdamWOptions adamw{.beta1 = beta1,
                                  .beta2 = beta2,
                                  .eps = common.adam_eps.value_or(1e-8),
                                  .weight_decay = common.weight_decay};
  if (common.optimizer == "adamw") return optim::AdamW(parameters, adamw);
  return optim::Muon(parameters, {.momentum = common.momentum, .adamw = adamw});
}

}  // namespace pretrain
