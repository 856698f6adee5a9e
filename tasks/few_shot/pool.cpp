// Tasks for meta-learning, out of a task file and beside a model. Read tasks/multitask/task_file.h first.
#include "tasks/few_shot/pool.h"

#include <algorithm>
#include <filesystem>
#include <unordered_set>

#include "tasks/run/console.h"
#include "tasks/text/tokenizer_files.h"

namespace few_shot {

using engine::check;
using engine::Tensor;
using nlohmann::ordered_json;

TaskTexts read_texts(const spec::TaskSpec& spec, bool test) {
  check(spec.head == nn::HeadKind::label, "{}.head: few-shot tasks have a single label; got '{}'", spec.where,
        head_name(spec.head));
  return within(spec.where, [&]() -> TaskTexts {
    const std::vector<std::string>& files = test ? spec.test : spec.train.empty() ? spec.data : spec.train;
    if (test && files.empty()) return {spec.name, {}};
    text::Examples examples =
        files.empty() ? spec.files.read_embedded(spec.labels) : spec.files.read(files, spec.labels);
    if (!test)
      std::erase_if(examples.rows, [](const text::Example& e) { return !e.split.empty() && e.split != "train"; });
    return {spec.name, std::move(examples)};
  });
}

std::vector<TaskTexts> read_pool(const spec::TaskFile& file, const std::vector<std::string>& hold_out) {
  std::vector<std::string> names;
  for (const spec::TaskSpec& spec : file.tasks) names.push_back(spec.name);
  for (const std::string& name : hold_out) check_name(file.path + ": --hold-out", name, names);
  std::vector<TaskTexts> pool;
  for (const spec::TaskSpec& spec : file.tasks)
    if (std::find(hold_out.begin(), hold_out.end(), spec.name) == hold_out.end()) pool.push_back(read_texts(spec));
  check(!pool.empty(), "{}: --hold-out leaves no task to train on", file.path);
  return pool;
}

PoolTask encode(const TaskTexts& task, const text::WordPiece& tokenizer, int max_length) {
  PoolTask result{task.name, task.examples.labels.names(), text::encode(task.examples.rows, tokenizer, max_length),
                  std::vector<Indices>(task.examples.labels.size())};
  for (long row = 0; row < result.set.size(); ++row) result.rows_of[result.set.labels[row]].push_back(int(row));
  return result;
}

namespace {

std::string hash_of(const text::Example& e) { return fmt::format("{:016x}", engine::hash_of(e.text)); }

}  // namespace

void save_pool(const std::string& directory, const std::string& method, const std::vector<TaskTexts>& pool) {
  ordered_json tasks = ordered_json::object();
  for (const TaskTexts& task : pool) {
    ordered_json texts = ordered_json::array();
    for (const text::Example& e : task.examples.rows) texts.push_back(hash_of(e));
    tasks[task.name] = {{"labels", task.examples.labels.names()}, {"texts", texts}};
  }
  nn::write_file(directory + "/pool.json", ordered_json{{"method", method}, {"tasks", tasks}}.dump() + "\n");
}

void refuse_trained(const std::string& directory, const TaskTexts& task) {
  const std::string path = directory + "/pool.json";
  if (!std::filesystem::exists(path)) return;
  const ordered_json json = ordered_json::parse(nn::read_file(path), nullptr, false);
  const auto wrong = [&] { check(false, "{}: not what `multitask meta` writes", path); };
  if (!json.is_object() || !json.contains("tasks") || !json["tasks"].is_object()) wrong();
  for (const auto& [name, trained] : json["tasks"].items()) {
    if (!trained.is_object() || !trained.contains("texts") || !trained["texts"].is_array()) wrong();
    std::unordered_set<std::string> known;
    for (const ordered_json& hash : trained["texts"])
      if (hash.is_string()) known.insert(hash.get<std::string>());
    const long seen = std::count_if(task.examples.rows.begin(), task.examples.rows.end(),
                                    [&](const text::Example& e) { return known.contains(hash_of(e)); });
    const long n = long(task.examples.rows.size());
    check(n == 0 || 2 * seen < n,
          "{}: {} of its {} texts were in the pool of {}, as task '{}'; few-shot needs a task not trained on",
          task.name, seen, n, directory, name);
    if (seen) run::print_note("note: {} of {}'s {} texts were in the pool, as task '{}'\n", seen, task.name, n, name);
  }
}

namespace {

bool is_last_layer(const Tensor& parameter) { return parameter.name().starts_with("classifier."); }

}  // namespace

std::unique_ptr<model::TextModel> with_new_classifier(const model::ModelDirectory& from,
                                                    const std::vector<std::string>& labels, uint64_t seed,
                                                    bool new_weights) {
  nn::Config config = from.config;
  config.labels = labels;
  auto model = std::make_unique<model::TextModel>(config, from.tokenizer, seed);
  model->params.initialise();
  if (!new_weights) {
    nn::Params::LoadReport report;
    const std::unique_ptr<model::TextModel> trained = model::load_to_fine_tune(from, seed, report);
    for (const Tensor& to : model->params.tensors()) {
      if (is_last_layer(to)) continue;
      const Tensor& value = trained->params.find(to.name());
      std::copy_n(value.data(), value.numel(), to.data());
    }
  }
  zero_classifier(*model);
  return model;
}

void zero_classifier(const model::TextModel& model) {
  for (const Tensor& t : model.params.tensors())
    if (is_last_layer(t)) std::fill_n(t.data(), t.numel(), engine::real(0));
}

std::vector<Tensor> encoder_of(const model::TextModel& model) {
  std::vector<Tensor> encoder = model.params.trainable();
  std::erase_if(encoder, is_last_layer);
  return encoder;
}

void save_encoder(const model::TextModel& model, const std::string& directory, int max_length) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  check(!error, "{}: cannot be created: {}", directory, error.message());
  std::vector<Tensor> encoder = model.params.tensors();
  std::erase_if(encoder, is_last_layer);
  nn::Config config = model.config;
  config.labels = {"LABEL_0", "LABEL_1"};  // as published encoders have it
  nn::save_safetensors(directory + "/model.safetensors", encoder);
  nn::write_file(directory + "/config.json", nn::config_json(config));
  if (!std::filesystem::exists(directory + "/vocab.txt")) text::save_tokenizer(model.tokenizer, directory, max_length);
}

}  // namespace few_shot
