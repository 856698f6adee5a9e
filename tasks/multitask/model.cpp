// A model directory of several tasks, in and out, and one task of it as a classifier. Read nn/multitask.h first.
#include "tasks/multitask/model.h"

#include <algorithm>
#include <filesystem>

#include "tasks/run/program.h"
#include "tasks/text/tokenizer_files.h"

namespace multitask {

using engine::check;
using nlohmann::ordered_json;

namespace {

std::vector<nn::HeadConfig> head_configs(const std::vector<TaskSpec>& tasks, const nn::Config& encoder) {
  std::vector<nn::HeadConfig> heads;
  for (const TaskSpec& task : tasks) heads.push_back(head_config(task, encoder));
  return heads;
}

void copy(const Tensor& from, const Tensor& to) {
  check(from.shape() == to.shape(), "'{}' is {}, '{}' is {}", from.name(), from.shape(), to.name(), to.shape());
  std::copy_n(from.data(), from.numel(), to.data());
}

// What a published encoder's pooler has learned is where every head's pooler begins.
void start_poolers(const nn::SafeTensors& file, const nn::Params& params) {
  for (const Tensor& p : params.tensors()) {
    const size_t at = p.name().find(".pooler.dense.");
    if (!nn::belongs_to_task(p.name()) || at == std::string::npos) continue;
    for (const std::string prefix : {"bert", ""}) {
      const std::string name = (prefix.empty() ? "" : prefix + ".") + p.name().substr(at + 1);
      if (file.has(name) && engine::Shape(file.entry(name).shape) == p.shape()) file.read_into(name, p.data());
    }
  }
}

}  // namespace

Model::Model(nn::Config c, text::WordPiece t, std::vector<TaskSpec> specs, uint64_t seed)
    : config(std::move(c)),
      tokenizer(std::move(t)),
      tasks(std::move(specs)),
      params(seed),
      net(params.root(), config, head_configs(tasks, config)) {
  if (config.model_type == "bert") config.architecture = "BertModel";  // its heads are not Hugging Face's
}

std::vector<Tensor> Model::shared() const {
  std::vector<Tensor> shared = params.trainable();
  std::erase_if(shared, [](const Tensor& p) { return nn::belongs_to_task(p.name()); });
  return shared;
}

size_t Model::task(const std::string& name) const {
  std::vector<std::string> names;
  for (const TaskSpec& spec : tasks) names.push_back(spec.name);
  check_name("task", name, names);
  return size_t(std::find(names.begin(), names.end(), name) - names.begin());
}

void Model::save(const std::string& directory, int max_length) const {
  nn::save_pretrained(params, config, directory);
  ordered_json all;
  for (const TaskSpec& task : tasks) all["tasks"][task.name] = task.json();
  nn::write_file(directory + "/tasks.json", all.dump(2) + "\n");
  if (!std::filesystem::exists(directory + "/vocab.txt")) text::save_tokenizer(tokenizer, directory, max_length);
}

nn::HeadConfig head_config(const TaskSpec& task, const nn::Config& encoder) {
  const bool words = encoder.model_type != "bert", tokens = task.head == nn::HeadKind::tokens;
  nn::HeadConfig head{task.name, task.head, task.classifies() ? long(task.labels.size()) : 1};
  head.own_attention = !tokens && (task.own_attention || words);
  head.queries = task.queries.value_or(words ? encoder.num_attention_heads : 1);
  head.adapter = task.adapter;
  check(!task.queries || head.own_attention,
        "{}.queries: this head has no attention of its own; \"reads\": "
        "\"attention\" gives it one",
        task.where);
  return head;
}

std::unique_ptr<Model> new_model(const run::TrainOptions& o, const TaskSet& set) {
  std::vector<TaskSpec> specs;
  for (const Task& task : set.tasks) specs.push_back(task.spec);
  std::unique_ptr<Model> model;
  if (o.pretrained()) {
    run::ModelDirectory from(o.model);
    check(!from.config.bigram_buckets && !from.config.subword_buckets && from.config.length_exponent == 0,
          "{}: its bigrams, subwords or length exponent are for one task", from.path);
    check(o.max_length <= from.config.max_position_embeddings, "--max-length {} is more than the {} positions of {}",
          o.max_length, from.config.max_position_embeddings, from.path);
    from.config.labels.clear();
    run::set_dropout(from.config, o);
    model = std::make_unique<Model>(from.config, from.tokenizer, specs, o.seed);
    const nn::SafeTensors weights = nn::open_weights(from.path);
    const nn::Params::LoadReport report = model->params.load(weights, nn::belongs_to_task);
    start_poolers(weights, model->params);
    run::print_note("{}\n{}", from.path, report.table());
  } else {
    std::vector<text::Example> texts;
    for (const Corpus& corpus : set.corpora)
      texts.insert(texts.end(), corpus.examples[kTrain].begin(), corpus.examples[kTrain].end());
    text::WordPiece tokenizer = run::new_tokenizer(o, texts);
    nn::Config config = run::new_config(o, tokenizer.vocab_size(), {});
    run::set_dropout(config, o);
    config.check_sizes("--model " + o.model);
    check(o.model == "pool" || config.num_hidden_layers > 0, "--layers: one at least");
    model = std::make_unique<Model>(config, std::move(tokenizer), specs, o.seed);
    model->params.initialise();
  }
  for (const std::string& pattern : o.freeze) model->params.freeze(pattern);
  run::print_note("model {}: {:.2f} M parameters, {} pieces, {} tasks\n", o.model, double(model->params.count()) / 1e6,
                  model->tokenizer.vocab_size(), specs.size());
  return model;
}

std::unique_ptr<Model> load_model(const std::string& directory) {
  const run::ModelDirectory from(directory);
  check(std::filesystem::exists(from.path + "/tasks.json"),
        "{}: not a model of several tasks: there is no tasks.json; `sentiment` uses models of one", from.path);
  nn::Config config = from.config;
  config.labels.clear();
  const std::string path = from.path + "/tasks.json";
  TaskFile file = parse_task_file(nn::read_regular_file(path), path);
  auto model = std::make_unique<Model>(config, from.tokenizer, std::move(file.tasks), 0);
  check(from.tokenizer.vocab_size() <= config.vocab_size, "{}: the vocabulary has {} pieces, the model {} embeddings",
        from.path, from.tokenizer.vocab_size(), config.vocab_size);
  model->params.load(nn::open_weights(from.path), [](const std::string&) { return false; });
  return model;
}

void export_task(const Model& model, size_t task, const std::string& directory) {
  const TaskSpec& spec = model.tasks[task];
  const bool words = model.config.model_type != "bert";
  const auto refuse = [&](bool when, const char* why) {
    check(!when, "task '{}': {} has no place in a model directory of one task", spec.name, why);
  };
  refuse(spec.head != nn::HeadKind::label, fmt::format("a head '{}'", head_name(spec.head)).c_str());
  refuse(spec.adapter > 0, "an adapter");
  refuse(!words && spec.own_attention, "attention of its own over a BERT");
  nn::Config config = model.config;
  config.architecture.clear();
  config.labels = spec.labels.names();
  config.problem_type = spec.loss == "binary_cross_entropy" ? "multi_label_classification" : "";
  if (words) config.num_attention_heads = model.net.heads[task].config.queries;
  run::TextModel single(config, model.tokenizer, 0);
  single.params.initialise();
  const std::string head = "heads." + spec.name + ".";
  for (const Tensor& p : single.params.tensors()) {
    std::string name = p.name();
    if (name.starts_with("bert.pooler.")) name = head + name.substr(5);
    if (name.starts_with("pool.") || name.starts_with("classifier.")) name = head + name;
    copy(model.params.find(name), p);
  }
  single.save(directory, int(config.max_position_embeddings));
}

}  // namespace multitask
