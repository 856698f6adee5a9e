// A model directory, in, and one task of it, out. Read tasks/model/text_model.h first.
#include "tasks/model/directory.h"

#include <algorithm>
#include <filesystem>

#include "nn/adapter/attach.h"
#include "nn/format/sealed.h"
#include "tasks/model/adapter.h"
#include "tasks/model/shipped.h"
#include "tasks/run/console.h"
#include "tasks/text/tokenizer_files.h"

namespace model {

using engine::check;
using engine::Tensor;
using nn::ordered_json;

std::string model_path(const std::string& given) {
  namespace fs = std::filesystem;
  const std::string directory = model_at(given);
  check(fs::exists(directory), "{}: no such directory{}", given, what_ships(given));
  check(fs::is_directory(directory),
        "{}: is a file; a model is a directory with config.json, model.safetensors and vocab.txt", directory);
  return fs::exists(directory + "/best/config.json") ? directory + "/best" : directory;
}

namespace {

// A classifier has as many labels as it has outputs; where an adapter directory does not name them, as others do.
void name_labels(nn::Config& config, const std::string& directory) {
  const std::optional<Tensor> classifier = nn::stored_parameter(directory, "classifier.weight");
  if (!classifier || classifier->dim(0) == long(config.labels.size())) return;
  config.labels.clear();
  for (long k = 0; k < classifier->dim(0); ++k) config.labels.push_back(fmt::format("LABEL_{}", k));
}

}  // namespace

spec::TaskSpec only_task_of(const nn::Config& config, const std::string& path) {
  spec::TaskSpec task;
  task.where = path;
  if (config.architecture == "BertForTokenClassification") {
    task.head = nn::Predicts::tags;
    task.metric = "entity_f1";
  } else if (config.problem() == nn::Config::Problem::multi_label) {
    task.head = nn::Predicts::labels;
    task.loss = "binary_cross_entropy";
    task.metric = "micro_f1";
  } else if (config.problem() == nn::Config::Problem::ordinal) {
    task.head = nn::Predicts::ordinal;
    task.loss = "coral";
    task.metric = "quadratic_kappa";
  } else if (config.problem() == nn::Config::Problem::regression) {
    check(config.labels.size() <= 1, "{}: a regression of {} numbers is not supported; one is", path,
          config.labels.size());
    task.head = nn::Predicts::number;
    task.loss = "mse";
    task.metric = "pearson";
  }
  if (task.classifies()) task.labels = text::Labels(config.labels);
  if (config.model_type != "bert") task.queries = config.num_attention_heads;
  return task;
}

namespace {

text::WordPiece tokenizer_of(const std::string& directory) {
  text::LoadedTokenizer loaded = text::load_tokenizer(directory);
  for (const std::string& warning : loaded.warnings) run::print_note("warning: {}\n", warning);
  return std::move(loaded.tokenizer);
}

}  // namespace

ModelDirectory::Places ModelDirectory::places_of(const std::string& directory, const std::string& base_given) {
  Places at;
  at.path = at.base = model_path(directory);
  nn::require_sound_directory(at.path);
  if (!nn::is_adapter_directory(at.path)) {
    check(base_given.empty(), "--base is for an adapter directory; {} is a model", at.path);
    return at;
  }
  at.adapter = nn::read_adapter_config(at.path + "/adapter_config.json");
  at.base = model_path(find_base(*at.adapter, at.path, base_given));
  nn::require_sound_directory(at.base);
  check(!nn::is_adapter_directory(at.base), "{}: its base, {}, is an adapter, too; merge that one first", at.path,
        at.base);
  at.adapter->base = std::filesystem::weakly_canonical(at.base);
  return at;
}

namespace {

// The adapter's own, or its base's with the labels that the adapter's classifier has.
nn::Config configuration_of(const std::string& path, const std::string& base) {
  const bool own = std::filesystem::exists(path + "/config.json");
  nn::Config config = nn::read_config((own ? path : base) + "/config.json");
  if (!own) name_labels(config, path);
  return config;
}

}  // namespace

ModelDirectory::ModelDirectory(Places at)
    : path(std::move(at.path)),
      base(std::move(at.base)),
      adapter(std::move(at.adapter)),
      config(configuration_of(path, base)),
      tokenizer(tokenizer_of(base)) {
  const bool own_reading = std::filesystem::exists(path + "/tokenizer_config.json");
  const bool prefix = adapter && adapter->kind == nn::AdapterKind::prefix;
  reading = recorded_reading(own_reading ? path : base, config.max_position_embeddings - (prefix ? adapter->rank : 0));
  check(tokenizer.vocab_size() <= config.vocab_size, "{}: the vocabulary has {} pieces, the model {} embeddings", path,
        tokenizer.vocab_size(), config.vocab_size);
  if (std::filesystem::exists(path + "/tasks.json")) {
    const std::string name = path + "/tasks.json";
    spec::TaskFile file = spec::parse_task_file(nn::read_regular_file(name), name, spec::Written::by_program);
    tasks = std::move(file.tasks);
    settings = std::move(file.settings);
  } else {
    tasks = {only_task_of(config, path)};
    recorded_columns(path, tasks[0].files.how);
  }
}

bool ModelDirectory::has(const std::string& parameter) const {
  return (adapter && nn::stored_parameter(path, parameter)) || nn::open_weights(base).has(parameter);
}

text::Labels labels_of_classifier(const ModelDirectory& from) {
  const bool has_one = !from.named() && from.has("classifier.weight");
  return has_one ? from.tasks[0].labels : text::Labels();
}

void check_positions(const Reading& reading, const nn::Config& config, const std::string& path) {
  check(config.model_type != "bert" || reading.max_length <= config.max_position_embeddings,
        "--max-length {} is more than the {} positions of {}", reading.max_length, config.max_position_embeddings,
        path);
}

void check_positions(const Reading& reading, const nn::Model& net, const std::string& path) {
  check_positions(reading, net.config, path);
  const int rows = net.encoder.bert() ? net.encoder.bert()->embeddings.first_position : 0;
  check(!rows || reading.max_length + rows <= net.config.max_position_embeddings,
        "--max-length {} and the {} rows of a prefix are more than the {} positions of {}", reading.max_length, rows,
        net.config.max_position_embeddings, path);
}

namespace {

// The base's parameters, then the adapter's on them. `anew`: as in load_pretrained(); `new_heads`: those that neither
// has may be drawn.
nn::Params::LoadReport load_both(const ModelDirectory& from, nn::Model& net, nn::Anew anew, bool new_heads) {
  if (!from.adapter) return nn::load_pretrained(net, from.base, anew);
  nn::AdapterConfig config = *from.adapter;
  const auto in_adapter = [&](const std::string& name) { return config.saves_module(nn::module_of(name)); };
  nn::Params::LoadReport report = nn::load_pretrained(net, from.base, anew, in_adapter);
  for (const std::string& name : report.initialised)
    if (new_heads && !in_adapter(name)) config.modules_to_save.push_back(nn::module_of(name));
  nn::attach(net, config, nn::fingerprint_of(nn::open_weights(from.base)));
  const nn::Params::LoadReport more =
      nn::load_adapter(net, from.path, new_heads ? nn::belongs_to_head : nn::Params::Which(), anew);
  for (std::vector<std::string>* names : {&report.initialised, &report.ignored})
    std::erase_if(*names, [&](const std::string& name) {
      return std::find(more.loaded.begin(), more.loaded.end(), name) != more.loaded.end();
    });
  report.loaded.insert(report.loaded.end(), more.loaded.begin(), more.loaded.end());
  report.ignored.insert(report.ignored.end(), more.ignored.begin(), more.ignored.end());
  return report;
}

}  // namespace

std::unique_ptr<TextModel> load_to_train(const ModelDirectory& from, std::vector<spec::TaskSpec> tasks, uint64_t seed,
                                         nn::Anew anew) {
  check(!from.config.int8, "{}: its weights are int8, for predictions alone; train the model that it was made from",
        from.base);
  auto model = std::make_unique<TextModel>(from.config, std::move(tasks), from.tokenizer, from.reading, seed);
  const nn::Params::LoadReport report = load_both(from, model->net, anew, true);
  run::print_note("{}\n{}", from.path, report.table());
  const bool has_classifier = std::ranges::find(report.initialised, "classifier.weight") == report.initialised.end();
  if (predicts_one_number(*model) && has_classifier) {  // in its own unit, but learned as (y - mean) / deviation
    const spec::TaskSpec& task = model->tasks[0];
    rescale_classifier(*model, 1 / task.deviation, -task.mean / task.deviation);
  }
  return model;
}

std::unique_ptr<TextModel> load_model(const ModelDirectory& from, Adapters adapters) {
  auto model = std::make_unique<TextModel>(from.config, from.tasks, from.tokenizer, from.reading, 0);
  model->settings = from.settings;
  const bool tags = !from.named() && from.tasks[0].head == nn::Predicts::tags;
  if (tags)
    run::print_note("warning: {}/config.json: a {} labels words, not texts: what it says are tags\n", from.path,
                    from.config.architecture);
  else if (!from.named() && from.tasks[0].classifies())
    from.config.check_classifies(from.path + "/config.json");
  const nn::Params::LoadReport report = load_both(from, model->net, nn::Anew::nothing, false);
  check(report.initialised.empty(), "{}/model.safetensors: '{}' is missing: an encoder without a trained classifier",
        from.base, report.initialised.empty() ? "" : report.initialised[0]);
  if (from.adapter && from.adapter->merges() && adapters == Adapters::merged) nn::merge(model->net);
  model->calibrations = read_calibrations(from.path, *model);
  return model;
}

void export_task(const TextModel& model, size_t task, const std::string& directory) {
  spec::TaskSpec spec = model.tasks[task];
  const nn::HeadConfig& head = model.net.heads[task].config;
  check(!model.net.adapter, "task '{}': an adapter inside the encoder has no place in a plain model", spec.name);
  const bool words = model.config().model_type != "bert";
  const auto refuse = [&](bool when, const std::string& why) {
    check(!when, "task '{}': {} has no place in a model directory of one task", spec.name, why);
  };
  refuse(head.adapter > 0, "an adapter");
  refuse(!words && head.reads == nn::Reads::attention, "attention of its own over a BERT");
  refuse(head.reads == nn::Reads::mean, "the mean of all tokens");
  nn::Config config = model.config();
  if (words) config.num_attention_heads = head.queries;
  spec.name.clear();
  TextModel single(config, {spec}, model.tokenizer, model.reading, 0);
  single.net.params.initialise();
  single.calibrations[0] = model.calibrations[task];
  const std::string prefix = "heads." + model.tasks[task].name + ".";
  for (const Tensor& to : single.net.params.tensors()) {
    std::string name = to.name();
    if (name.starts_with("bert.pooler.")) name = prefix + name.substr(5);
    if (name.starts_with("pool.") || name.starts_with("classifier.")) name = prefix + name;
    const Tensor& from = model.net.params.find(name);
    check(from.shape() == to.shape(), "'{}' is {}, '{}' is {}", from.name(), from.shape(), to.name(), to.shape());
    std::copy_n(from.data(), from.numel(), to.data());
  }
  single.save(directory);
}

}  // namespace model
