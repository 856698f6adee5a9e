// A step over three texts, for the tests of what robustness adds to it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tasks/objective/robust.h"
#include "tasks/run/terms.h"
#include "tests/support/tasks.h"

namespace test {

// A model with dropout, three texts with the targets of its first task, and the batch of them.
struct RobustStep {
  std::unique_ptr<model::TextModel> model;
  spec::TaskSet set;
  text::Batch batch;
  objective::Shaping shaping;

  RobustStep(const std::string& type, const std::vector<spec::TaskSpec>& tasks)
      : model(text_model(small_config(type, 0.3), tasks)),
        set(train_set(model->tasks[0], text::encode(kThreeTexts, model->tokenizer, 24))),
        batch(text::in_order(set.corpora[0].texts[spec::kTrain], 3)[0]),
        shaping({}, kThreeTexts, model->tokenizer) {
    begin();
  }
  void begin() const { begin_step(*model); }
  std::vector<real> gradients() const { return gradients_of(model->net.params); }
  // The loss of a classifier's first pass.
  run::Terms first_pass(objective::Robust& robust) const {
    const Tensor logits = model->net.head()(robust.encode(0, batch, nullptr));
    run::Terms terms;
    robust.add_task_loss(terms, "cross_entropy", 1, set.tasks[0], logits, batch, shaping, nullptr);
    return terms;
  }
};

}  // namespace test
