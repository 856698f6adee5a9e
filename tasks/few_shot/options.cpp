// The options of learning to learn. Read tasks/run/options.h and tasks/model/build.h first: most of them.
#include "tasks/few_shot/options.h"

#include "tasks/run/console.h"

namespace few_shot {

TrainOptions::TrainOptions() {
  model.model = "bert";
  training.max_steps = 1000;
}

void TrainOptions::declare(run::Options& options) {
  declare_episodes(options);
  options
      .add("--model", model.model,
           "bert (a small one) or pool (embeddings and attention pooling), both from nothing; or an encoder that "
           "ships, by its name: mini; or a model directory")
      .group("Model");
  model.declare_sizes(options);
  model.declare_pool(options);
  model.declare_attention(options);
  model.declare_retention(options);
  model.adapter.declare(options);
  model.reading.declare(options);
  shaping.declare(options);
  robust.declare_of_episodes(options);
  options.add("--steps", training.max_steps, "steps of the encoder").group("Training").between(1, 1e9);
  options.add("--seed", training.seed, "of first values, episodes and dropout").group("Training").between(0, 9e15);
  training.declare_steps(options);
  options.add("--label-smoothing", label_smoothing, "share of the target that is spread over all classes")
      .group("Training")
      .between(0, 1);
  training.declare_run(options, "few_shot");
  options.footer(
      "With --method reptile the defaults are --optimizer sgd --lr 1 --momentum 0 --weight-decay 0 --clip 0.");
}

void TrainOptions::declare_episodes(run::Options& options) {
  const auto add = [&](const char* name, auto& variable, const char* what) -> run::Option& {
    return options.add(name, variable, what).group("Episodes");
  };
  add("--tasks", tasks, "task file: its tasks are the pool").reads();
  add("--hold-out", hold_out, "task of the file that stays out of the pool; may be repeated");
  add("--method", method, "fomaml (first-order MAML), reptile, or joint (all tasks with a head each, no inner steps)")
      .one_of({"fomaml", "reptile", "joint"});
  add("--ways", size.ways, "classes of an episode").between(2, 1000);
  add("--shots", size.shots, "texts of a class to learn from").between(1, 1e6);
  add("--queries", size.queries, "texts of a class to be tested on").between(1, 1e6);
  add("--episodes", episodes, "episodes of a step").between(1, 1e6);
  const std::vector<std::string> inner{"fomaml", "reptile"};
  add("--inner-steps", inner_steps, "steps on an episode, of plain SGD").only_with("--method", inner).between(1, 1e6);
  add("--inner-lr", inner_lr, "their rate").only_with("--method", inner).positive();
}

void TrainOptions::settle(run::Options& options) {
  training.settle(options, "few_shot", false);
  model.settle(options);
  robust.settle(nn::Predicts::label, shaping, label_smoothing, "none");
  if (tasks.empty()) run::usage_error("--tasks is needed: a task file");
  if (reptile()) options.set("--optimizer", {"sgd"});
  if (training.resume.empty()) options.check_used();
  if (reptile())  // theta <- theta + lr (mean theta' - theta), as published, unless options say otherwise
    for (const auto& [option, value] : {std::pair{"--lr", "1"}, {"--weight-decay", "0"}, {"--clip", "0"}})
      options.set(option, {value});
  if (reptile() && training.optimizer != "adamw") options.set("--momentum", {"0"});
  training.batch_size = int(size.ways * (size.shots + size.queries));
  training.accumulate = int(episodes);
}

}  // namespace few_shot
