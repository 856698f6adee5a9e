// Tasks for meta-learning, out of a task file and beside a model. Read tasks/spec/task_file.h first.
#include "tasks/few_shot/pool.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <unordered_map>

#include "nn/format/json.h"
#include "tasks/run/console.h"
#include "tasks/text/tokenizer_files.h"

namespace few_shot {

using engine::check;
using engine::Tensor;
using nn::ordered_json;

void check_keys(const spec::TaskSpec& task) {
  check(!task.examples, "{}.examples: episodes take as many texts as --shots says, out of all; take the key out",
        task.where);
  check(task.files.split == spec::DataFiles().split,
        "{}.split: all of \"data\" is trained on, or what its column `split` says; take the key out", task.where);
}

TaskTexts read_texts(const spec::TaskSpec& task, bool test) {
  check(task.head == nn::Predicts::label, "{}.head: few-shot tasks have a single label; got '{}'", task.where,
        spec::head_name(task.head));
  return spec::within(task.where, [&]() -> TaskTexts {
    const spec::DataFiles& from = task.files;
    const std::vector<std::string>& files = test ? from.test : from.train.empty() ? from.data : from.train;
    if (test && files.empty()) return {task.name, {}};
    text::Examples examples = files.empty() ? from.how.read_embedded(task.labels) : from.how.read(files, task.labels);
    if (!test)
      std::erase_if(examples.rows, [](const text::Example& e) { return !e.split.empty() && e.split != "train"; });
    return {task.name, std::move(examples)};
  });
}

std::vector<TaskTexts> read_pool(const spec::TaskFile& file, const std::vector<std::string>& hold_out) {
  std::vector<std::string> names;
  for (const spec::TaskSpec& spec : file.tasks) names.push_back(spec.name);
  for (const std::string& name : hold_out) spec::check_name(file.path + ": --hold-out", name, names);
  std::vector<TaskTexts> pool;
  for (const spec::TaskSpec& spec : file.tasks)
    if (std::find(hold_out.begin(), hold_out.end(), spec.name) == hold_out.end()) pool.push_back(read_texts(spec));
  check(!pool.empty(), "{}: --hold-out leaves no task to train on", file.path);
  return pool;
}

PoolTask encode(const TaskTexts& task, const text::WordPiece& tokenizer, const model::Reading& reading) {
  PoolTask result{task.name,
                  task.examples.labels.names(),
                  text::encode(task.examples.rows, tokenizer, reading.max_length, reading.how()),
                  std::vector<Indices>(task.examples.labels.size()),
                  {}};
  for (long row = 0; row < result.set.size(); ++row) result.rows_of[result.set.labels[row]].push_back(int(row));
  return result;
}

std::vector<PoolTask> encode(const std::vector<TaskTexts>& pool, const model::TextModel& model,
                             const objective::RobustOptions& robust, uint64_t seed) {
  std::vector<PoolTask> encoded;
  long classes = 0;
  for (const TaskTexts& task : pool) {
    PoolTask& now = encoded.emplace_back(encode(task, model.tokenizer, model.reading));
    now.first_class = classes;
    const model::Reading& reading = model.reading;
    now.copies = text::encode(robust.copies_of(task.examples.rows, seed ^ engine::hash_of(task.name)), model.tokenizer,
                              reading.max_length, reading.how());
    classes += long(now.labels.size());
    run::print_note("pool    {:<16} {:>6} texts in {} classes\n", task.name, now.set.size(), now.labels.size());
  }
  return encoded;
}

run::Fingerprint fingerprint_of(const std::vector<PoolTask>& pool, const text::WordPiece& tokenizer) {
  run::Fingerprint print;
  const auto add = [&](const Indices& ids) {
    print.add("pool", {reinterpret_cast<const char*>(ids.data()), ids.size() * sizeof ids[0]});
  };
  for (const std::string& piece : tokenizer.pieces()) print.add("vocabulary", piece);
  for (const PoolTask& task : pool) {
    print.add("pool", task.name);
    for (const text::Encoding& window : task.set.windows) {
      add(window.ids);
      add(window.types);
    }
    for (const text::Encoding& window : task.copies.windows) add(window.ids);
    add(task.set.labels);
  }
  return print;
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
  const ordered_json json = nn::parse_ordered_json(nn::read_regular_file(path), path);
  const auto wrong = [&] { check(false, "{}: not what `few_shot train` writes", path); };
  if (!json.is_object() || !json.contains("tasks") || !json["tasks"].is_object()) wrong();
  std::unordered_map<std::string, std::string> pool;  // hash of a text, task
  for (const auto& [name, trained] : json["tasks"].items()) {
    if (!trained.is_object() || !trained.contains("texts") || !trained["texts"].is_array()) wrong();
    for (const ordered_json& hash : trained["texts"])
      if (hash.is_string()) pool.emplace(hash.get<std::string>(), name);
  }
  const long n = long(task.examples.rows.size());
  long seen = 0;
  std::set<std::string> names;
  for (const text::Example& e : task.examples.rows)
    if (const auto found = pool.find(hash_of(e)); found != pool.end()) ++seen, names.insert(found->second);
  const std::string where = fmt::format("in {}", fmt::join(names, ", "));
  check(n == 0 || 2 * seen < n,
        "{}: {} of its {} texts were in the pool of {}, {}; few-shot needs a task not trained on", task.name, seen, n,
        directory, where);
  if (seen) run::print_note("note: {} of {}'s {} texts were in the pool, {}\n", seen, task.name, n, where);
}

spec::TaskSpec classifier_of(const std::vector<std::string>& labels) {
  spec::TaskSpec task;
  task.where = "the new task";
  task.labels = text::Labels(labels);
  return task;
}

std::vector<std::string> numbered_classes(long count) {
  std::vector<std::string> names;
  for (long i = 1; i <= count; ++i) names.push_back(fmt::format("class {}", i));
  return names;
}

bool is_last_layer(const std::string& parameter) { return parameter.starts_with("classifier."); }

void zero_classifier(const model::TextModel& model) {
  for (const Tensor& t : model.net.params.tensors())
    if (is_last_layer(t.name())) std::fill_n(t.data(), t.numel(), engine::real(0));
}

void save_encoder(const model::TextModel& model, const std::string& directory) {
  if (model.net.adapter) return model.save(directory);  // who loads it begins another last layer
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  check(!error, "{}: cannot be created: {}", directory, error.message());
  std::vector<Tensor> encoder = model.net.params.tensors();
  std::erase_if(encoder, [](const Tensor& t) { return is_last_layer(t.name()); });
  nn::Config config = model.config();
  config.labels = {"LABEL_0", "LABEL_1"};  // as published encoders have it
  nn::save_safetensors(directory + "/model.safetensors", encoder);
  nn::write_file(directory + "/config.json", nn::config_json(config));
  text::save_tokenizer(model.tokenizer, directory, model.reading.max_length);
  model::record_reading(model.reading, directory);
}

}  // namespace few_shot
