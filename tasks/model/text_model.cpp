// From tasks to heads, from a model to its directory. Read nn/model/model.h first.
#include "tasks/model/text_model.h"

#include <algorithm>

#include "tasks/run/console.h"
#include "tasks/text/subwords.h"
#include "tasks/text/tokenizer_files.h"

namespace model {

using engine::check;
using engine::Tensor;
using nlohmann::ordered_json;

namespace {

std::vector<nn::HeadConfig> head_configs(const std::vector<spec::TaskSpec>& tasks, const nn::Config& encoder) {
  std::vector<nn::HeadConfig> heads;
  for (const spec::TaskSpec& task : tasks) heads.push_back(head_config(task, encoder));
  return heads;
}

// What config.json calls a model with these heads: what Hugging Face has a class for, or its encoder alone.
std::string architecture_of(const std::vector<spec::TaskSpec>& tasks) {
  if (tasks.size() != 1 || !tasks[0].name.empty()) return "BertModel";
  switch (tasks[0].head) {
    case nn::Predicts::tags:
      return "BertForTokenClassification";
    case nn::Predicts::pieces:
      return "BertForMaskedLM";
    case nn::Predicts::vector:
      return "BertModel";
    case nn::Predicts::ordinal:
      return "BertForOrdinalClassification";  // attune's own
    default:
      return "BertForSequenceClassification";
  }
}

std::string problem_type_of(const spec::TaskSpec& task) {
  if (task.head == nn::Predicts::number) return "regression";
  if (task.head == nn::Predicts::ordinal) return "ordinal_classification";
  return task.loss == "binary_cross_entropy" ? "multi_label_classification" : "single_label_classification";
}

nn::Config config_for(nn::Config config, const std::vector<spec::TaskSpec>& tasks) {
  const bool bert = config.model_type == "bert", unnamed = tasks.size() == 1 && tasks[0].name.empty();
  config.architecture = bert ? architecture_of(tasks) : "";
  config.labels.clear();
  if (unnamed && tasks[0].classifies()) config.labels = tasks[0].labels.names();
  if (unnamed && tasks[0].head == nn::Predicts::number) config.labels = {"LABEL_0"};
  config.problem_type = unnamed && !config.labels.empty() ? problem_type_of(tasks[0]) : "";
  if (unnamed && tasks[0].head == nn::Predicts::tags) config.problem_type = "";
  return config;
}

}  // namespace

nn::HeadConfig head_config(const spec::TaskSpec& task, const nn::Config& encoder) {
  const bool words = encoder.model_type != "bert", tags = task.head == nn::Predicts::tags;
  nn::HeadConfig head;
  head.name = task.name;
  head.predicts = task.head;
  head.outputs = task.classifies() ? long(task.labels.size()) : task.head == nn::Predicts::vector ? task.width : 1;
  head.reads = tags ? nn::Reads::tokens : task.reads.value_or(nn::Reads::first);
  if (words && head.reads == nn::Reads::first && task.head != nn::Predicts::vector)
    head.reads = nn::Reads::attention;  // there is no other way to read them
  head.queries = task.queries.value_or(words ? encoder.num_attention_heads : 1);
  head.adapter = task.adapter;
  check(!task.queries || head.reads == nn::Reads::attention,
        "{}.queries: this head has no attention of its own; \"reads\": \"attention\" gives it one", task.where);
  return head;
}

TextModel::TextModel(const nn::Config& config, std::vector<spec::TaskSpec> specs, text::WordPiece t, Reading r,
                     uint64_t seed)
    : tasks(std::move(specs)),
      tokenizer(std::move(t)),
      reading(std::move(r)),
      net(config_for(config, tasks), head_configs(tasks, config), seed,
          text::subword_rows(tokenizer.pieces(), config.subword_buckets)) {}

size_t TextModel::task(const std::string& name) const {
  std::vector<std::string> names;
  for (const spec::TaskSpec& spec : tasks) names.push_back(spec.name);
  spec::check_name("task", name, names);
  return size_t(std::find(names.begin(), names.end(), name) - names.begin());
}

const spec::TaskSpec& TextModel::only_task() const {
  check(tasks.size() == 1, "a model of one task is needed; this one has {}", tasks.size());
  return tasks[0];
}

bool predicts_one_number(const TextModel& model) {
  return !model.named() && model.tasks[0].head == nn::Predicts::number;
}

void rescale_classifier(TextModel& model, double factor, double shift) {
  const Tensor weight = model.net.params.find("classifier.weight"), bias = model.net.params.find("classifier.bias");
  for (long i = 0; i < weight.numel(); ++i) weight.data()[i] *= engine::real(factor);
  bias.data()[0] = engine::real(bias.data()[0] * factor + shift);
}

void TextModel::save(const std::string& directory, nn::Stored stored) const {
  if (predicts_one_number(*this) && (tasks[0].deviation != 1 || tasks[0].mean != 0)) {
    TextModel whole(config(), tasks, tokenizer, reading, 0);  // which says y deviation + mean by itself
    whole.net.params.initialise();
    const std::vector<Tensor> from = net.params.tensors(), to = whole.net.params.tensors();
    for (size_t i = 0; i < to.size(); ++i) std::copy_n(from[i].data(), from[i].numel(), to[i].data());
    rescale_classifier(whole, tasks[0].deviation, tasks[0].mean);
    whole.tasks[0].deviation = 1;
    whole.tasks[0].mean = 0;
    return whole.save(directory, stored);
  }
  nn::save_pretrained(net, directory, stored);
  if (named()) {
    ordered_json all = settings;
    for (const spec::TaskSpec& task : tasks) all["tasks"][task.name] = task.json();
    nn::write_file(directory + "/tasks.json", all.dump(2) + "\n");
  }
  text::save_tokenizer(tokenizer, directory, reading.max_length);
  record_reading(reading, directory);
  if (!named()) record_columns(tasks[0].files.how, directory);
}

void print_model(const std::string& name, const TextModel& model) {
  const auto what = [&] {
    if (model.tasks.size() != 1) return fmt::format(", {} tasks", model.tasks.size());
    const std::vector<std::string>& labels = model.tasks[0].labels.names();
    return labels.empty() ? "" : fmt::format(", labels {}", text::listed(labels));
  };
  run::print_note("model {}: {:.2f} M parameters, {} pieces{}\n", name, double(model.net.params.count()) / 1e6,
                  model.tokenizer.vocab_size(), what());
}

}  // namespace model
