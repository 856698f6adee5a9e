// From files to the test split of a model's task. Read tasks/spec/tasks.h first.
#include "tasks/command/labelled.h"

namespace command {

spec::TaskSet labelled(const run::Options& options, const model::Request& given, const std::vector<std::string>& data,
                       const model::TextModel& model) {
  spec::TaskSpec task = model.only_task();
  task.where.clear();  // errors name file and line themselves
  const bool as_target = !task.one_class();
  task.files.how = given.files;
  task.files.how.label_as_target = as_target;
  if (task.separator.empty()) task.separator = task.head == nn::Predicts::tags ? " " : ",";
  if (options.given("--labels")) {
    const text::Labels own = text::Labels::parse(given.files.labels);
    engine::check(own.empty() || own.names() == model.labels(),
                  "the model knows the labels {}, the data has {}; --labels may map them", text::listed(model.labels()),
                  text::listed(own.names()));
    if (!own.empty()) task.labels = own;
  }
  spec::TaskSet set = spec::load_test(task, data);
  spec::encode(set, model.tokenizer, given.reading.max_length, given.reading.how());
  return set;
}

}  // namespace command
