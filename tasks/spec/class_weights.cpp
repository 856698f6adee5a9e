// Lines of labels and weights. Read tasks/spec/tasks.cpp for what becomes of them.
#include "tasks/spec/class_weights.h"

#include <algorithm>
#include <sstream>

#include "engine/strings.h"
#include "nn/format/files.h"

namespace spec {

using engine::check;

constexpr double kMostWeight = 1e9;  // as in a task file: the mean over many texts must not leave single precision

void set_class_weights(TaskSpec& task, const std::string& class_weights) {
  task.class_weights = class_weights;
  if (class_weights == "none" || class_weights == "balanced" || class_weights == "given") return;
  task.class_weights = "given";
  const std::vector<std::string>& labels = task.labels.names();
  std::istringstream lines(nn::read_file(class_weights));
  long number = 0;
  double sum = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    const size_t tab = line.rfind('\t');
    const std::string label = line.substr(0, tab);
    const auto found = std::find(labels.begin(), labels.end(), label);
    check(tab != std::string::npos, "{}:{}: a line is a label, a tab and a weight", class_weights, number);
    check(found != labels.end(), "{}:{}: label '{}' is not one of {}{}", class_weights, number, text::shown(label),
          text::listed(labels), text::did_you_mean(label, labels));
    const double weight = engine::parse_number<double>(line.substr(tab + 1)).value_or(-1);
    check(weight >= 0 && weight <= kMostWeight, "{}:{}: '{}' is not a weight from 0 to {:g}", class_weights, number,
          text::shown(line.substr(tab + 1)), kMostWeight);
    task.weight_of_class[label] = weight;
    sum += weight;
  }
  for (const std::string& label : labels)
    check(task.weight_of_class.contains(label), "{}: label '{}' has no weight", class_weights, text::shown(label));
  check(sum > 0, "{}: all weights are 0", class_weights);
}

}  // namespace spec
