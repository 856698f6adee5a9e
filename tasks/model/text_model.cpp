// From tasks to heads, from a model to its directory. Read nn/model/model.h first.
#include "tasks/model/text_model.h"

#include <algorithm>

#include "nn/adapter/files.h"
#include "nn/format/json.h"
#include "tasks/run/console.h"
#include "tasks/text/subwords.h"
#include "tasks/text/tokenizer_files.h"
#include "tasks/text/utf8.h"

namespace model {

using engine::check;
using engine::Tensor;
using nn::ordered_json;

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

nn::Config config_for(nn::Config config, const std::vector<spec::TaskSpec>& tasks, long pad_token_id) {
  config.pad_token_id = pad_token_id;
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
  if (head.reads == nn::Reads::attention) head.queries = task.queries.value_or(words ? encoder.num_attention_heads : 1);
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
      net(config_for(config, tasks, tokenizer.pad_id()), head_configs(tasks, config), seed,
          text::subword_rows(tokenizer.pieces(), config.subword_buckets)),
      calibrations(tasks.size()) {}

size_t TextModel::task(const std::string& name) const {
  check(named(), "task: '{}': this model does one task, which has no name ({}); it needs none", text::shown(name),
        tasks[0].classifies() ? "its labels are " + text::listed(tasks[0].labels.names())
                              : "a head '" + spec::head_name(tasks[0].head) + "'");
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

void rescale_classifier(const TextModel& model, double factor, double shift) {
  const Tensor weight = model.net.params.find("classifier.weight"), bias = model.net.params.find("classifier.bias");
  for (long i = 0; i < weight.numel(); ++i) weight.data()[i] *= engine::real(factor);
  bias.data()[0] = engine::real(bias.data()[0] * factor + shift);
}

namespace {

// While it lives, a classifier of one number says y deviation + mean by itself, as a directory has it; then the very
// bits of before.
class InItsUnit {
 public:
  explicit InItsUnit(const TextModel& model) {
    if (!predicts_one_number(model) || (model.tasks[0].deviation == 1 && model.tasks[0].mean == 0)) return;
    weight_ = model.net.params.find("classifier.weight"), bias_ = model.net.params.find("classifier.bias");
    weight_before_ = weight_.to_vector(), bias_before_ = bias_.to_vector();
    rescale_classifier(model, model.tasks[0].deviation, model.tasks[0].mean);
  }
  ~InItsUnit() {
    if (weight_before_.empty()) return;
    std::copy(weight_before_.begin(), weight_before_.end(), weight_.data());
    std::copy(bias_before_.begin(), bias_before_.end(), bias_.data());
  }
  InItsUnit(const InItsUnit&) = delete;

 private:
  Tensor weight_, bias_;
  std::vector<engine::real> weight_before_, bias_before_;
};

}  // namespace

void TextModel::save(const std::string& directory, nn::Stored stored) const {
  const InItsUnit number(*this);
  if (net.adapter) {
    nn::save_adapter(net, directory, stored);
    nn::write_file(directory + "/config.json", nn::config_json(net.config));
  } else {
    nn::save_pretrained(net, directory, stored);
  }
  if (named()) {
    ordered_json all = settings;
    for (const spec::TaskSpec& task : tasks) all["tasks"][task.name] = task.json();
    nn::write_file(directory + "/tasks.json", all.dump(2) + "\n");
  }
  if (!net.adapter) text::save_tokenizer(tokenizer, directory, reading.max_length);  // else the base has it
  record_reading(reading, directory);
  if (!named()) record_columns(tasks[0].files.how, directory);
  write_calibrations(*this, directory);
}

void print_model(const std::string& name, const TextModel& model) {
  std::string line = fmt::format("model {}: {:.2f} M parameters, {} pieces", name,
                                 double(model.net.params.count()) / 1e6, model.tokenizer.vocab_size());
  if (model.tasks.size() != 1) {
    line += fmt::format(", {} tasks", model.tasks.size());
  } else if (const std::vector<std::string>& labels = model.labels(); !labels.empty()) {
    const size_t width = run::terminal_width(), room = width - std::min(width, line.size() + 9);
    const std::string here = text::listed(labels, room);
    line += text::columns_of(here) <= room && !here.ends_with(" more")
                ? ", labels " + here
                : ",\n  labels " + text::listed(labels, width - std::min<size_t>(width, 9));
  }
  run::print_note("{}\n", line);
}

}  // namespace model
