// Few-shot: an encoder learns to learn from few examples, and shows how well it does. Read optim/several/meta.h first.
#include "tasks/few_shot/meta.h"

int main(int argc, char** argv) {
  return run::program(argc, argv, "few_shot", "Learn new tasks from few examples.",
                      {{"train", "train an encoder that learns new tasks from few examples", few_shot::train_command},
                       {"evaluate", "how well a model learns a new task from few examples", few_shot::evaluate_command}});
}
