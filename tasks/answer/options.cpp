// The options of training an assistant. Read tasks/run/options.h and tasks/model/build.h first: most of them.
#include "tasks/answer/options.h"

#include "tasks/answer/scope.h"
#include "tasks/objective/defaults.h"
#include "tasks/run/console.h"
#include "tasks/text/batches.h"

namespace answer {

namespace {

void declare_promises(run::Options& options, auto& detector, auto& refuse, auto& ask) {
  const auto add = [&](const char* name, auto& variable, const char* what) -> run::Option& {
    return options.add(name, variable, what).group("Promises");
  };
  add("--detector", detector, "the score that a question is refused by; `evaluate --out-of-scope` compares them")
      .one_of(kDetectors);
  add("--refuse", refuse,
      "at most this share of the questions in scope is refused; the threshold follows from the questions that were "
      "kept "
      "back for calibration")
      .between(0, 0.9);
  add("--ask", ask,
      "with at most this share the right intent is not among those that are offered: more than one is a question back")
      .between(0.001, 0.9);
}

}  // namespace

void Promises::declare(run::Options& options) { declare_promises(options, detector, refuse, ask); }
void OtherPromises::declare(run::Options& options) { declare_promises(options, detector, refuse, ask); }

TrainOptions::TrainOptions() {
  model.model = "mini";
  training.batch_size = 32;
}

void TrainOptions::declare(run::Options& options) {
  const auto add = [&](const char* name, auto& variable, const char* what) -> run::Option& {
    return options.add(name, variable, what).group("Knowledge");
  };
  add("--data", data,
      "intents, questions, answers and articles: a .csv, .jsonl or .md file, or a folder of .md files; without it, the "
      "shop that the program carries inside")
      .reads();
  add("--split", split,
      "of each intent's questions, shares to learn from, to calibrate with and to test on: TRAIN/CALIBRATION/TEST");
  add("--no-hints", no_hints, "learn from questions alone, not from the names of intents and the sentences of answers");
  add("--leave-out", leave_out, "this share of the intents is not learned: `evaluate` takes them as out of scope")
      .between(0, 0.9);
  model.declare(options);
  model.declare_log_odds(options);
  promises.declare(options);
  training.declare_passes(options);
  training.declare_steps(options);
  const auto loss = [&](const char* name, auto& variable, const char* what) -> run::Option& {
    return options.add(name, variable, what).group("Training");
  };
  loss("--contrast", contrast,
       "weight of the supervised contrastive loss between all questions of a step, --accumulate of them included")
      .not_negative();
  loss("--contrast-temperature", contrast_temperature, "its temperature").positive();
  loss("--articles-weight", articles, "weight of finding an article's text by its title among those of a batch")
      .not_negative();
  loss("--articles-batch", articles_batch, "among how many articles; more than 16 take a second pass, not more memory")
      .between(2, 1e6);
  loss("--hard-negatives", hard_negatives,
       "and among so many texts more for each title, those that its words would find first")
      .between(0, 1000);
  loss("--wording", wording,
       "weight of the logits of a linear classifier over words and letters, which is learned beside the encoder; 0: "
       "none")
      .not_negative();
  loss("--label-smoothing", label_smoothing, "share of the target that is spread over all intents").between(0, 1);
  shaping.declare(options);
  robust.declare(options);
  retention.declare(options);
  training.declare_run(options, "answer");
}

void TrainOptions::settle(run::Options& options) {
  training.settle(options, "answer");
  model.retention_bins = retention.bins();
  model.settle(options);
  robust.settle(nn::Predicts::label, shaping, label_smoothing, "none");
  engine::check(!training.patience,
                "--patience: an assistant is trained to the end: a model that was chosen by the questions for "
                "calibration could not promise anything by them");
  for (const char* option : {"--articles-batch", "--hard-negatives"})
    engine::check(articles > 0 || !options.given(option), "{}: of the loss that --articles-weight 0 leaves out",
                  option);
  text::Shares::parse(split);
}

void TrainOptions::decide(run::Options& options, long questions, long intents) {
  if (options.given("--epochs") || options.given("--max-steps")) return;
  const long batch = long(training.batch_size) * training.accumulate;
  const long steps = (questions + batch - 1) / batch, passes = objective::choose_passes(steps, intents).epochs;
  options.decide("--epochs", std::to_string(passes));
  run::print_note("left open, so: --epochs {} ({} steps)\n", passes, passes * steps);
}

}  // namespace answer
