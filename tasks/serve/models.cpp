// From directories to models that share what they have in common. Read tasks/model/directory.h first.
#include "tasks/serve/models.h"

#include <algorithm>
#include <filesystem>

#include "nn/adapter/files.h"
#include "tasks/http/refusal.h"
#include "tasks/model/shipped.h"
#include "tasks/run/console.h"
#include "tasks/spec/data_options.h"

namespace serve {

using engine::Buffer;
using engine::check;
using engine::Tensor;

namespace fs = std::filesystem;

namespace {

bool says_something(const spec::TaskSpec& task) {
  return task.head != nn::Predicts::vector && task.head != nn::Predicts::pieces;
}

std::string name_of(const std::string& directory) {
  fs::path path = fs::path(directory).lexically_normal();
  if (path.filename().empty()) path = path.parent_path();  // DIR/
  const std::string last = path.filename();
  if (last == "best") path = path.parent_path();
  return fs::weakly_canonical(path).filename();
}

bool has_classifier(const model::ModelDirectory& from) { return from.named() || from.has("classifier.weight"); }

// An encoder without a head says what a text is as numbers: the mean of its tokens.
void read_as_vector(model::ModelDirectory& from) {
  spec::TaskSpec task;
  task.where = from.path;
  task.head = nn::Predicts::vector;
  task.reads = nn::Reads::mean;
  task.loss = task.metric = "";
  from.tasks = {task};
}

std::string base_of(const model::ModelDirectory& from) { return fs::weakly_canonical(from.base); }

using Named = std::pair<std::string, model::ModelDirectory>;

void check_name(const std::string& name, const std::string& directory, const std::vector<Named>& others) {
  check(name.find_first_of("/:") == std::string::npos && !name.empty(),
        "'{}' is no name for a model, which has no / and no :; NAME=DIR gives it one", name);
  for (const auto& [other, from] : others)
    check(other != name, "two models are called '{}': {} and {}; NAME=DIR gives one another name", name, from.path,
          directory);
}

model::ModelDirectory directory_of(const std::string& directory, const std::string& base) {
  const bool adapter = nn::is_adapter_directory(model::model_path(directory));
  model::ModelDirectory from(directory, adapter ? base : "");
  if (!has_classifier(from) && !from.adapter) read_as_vector(from);
  return from;
}

}  // namespace

bool Served::classifies() const { return std::ranges::any_of(model->tasks, says_something); }

void Models::add(const std::string& name, const model::ModelDirectory& from, bool alone) {
  Served served{name, from.path, base_of(from),
                model::load_model(from, alone ? model::Adapters::merged : model::Adapters::as_it_is)};
  served.adapter = from.adapter.has_value();
  check_positions(served.model->reading, served.model->net, from.path);
  served.model->net.params.freeze("*");
  if (!alone) share(served);
  if (alone || !served.adapter) served.model->net.pack();  // an adapter's shared base: it would not pay (README)
  served_.push_back(std::move(served));
}

// A parameter that stays as the base's file has it lives once, whoever needs it. What an adapter has for itself moves
// to a place of its own, or it would hold the block that it was loaded into.
void Models::share(Served& served) {
  const nn::Params& params = served.model->net.params;
  const std::vector<Tensor> own = served.adapter ? params.own() : std::vector<Tensor>();
  for (const Tensor& t : params.tensors()) {
    if (std::ranges::any_of(own, [&](const Tensor& o) { return o.is(t); })) {
      Buffer values(t.numel());
      std::copy_n(t.data(), t.numel(), values.data());
      t.bind(values);
      continue;
    }
    const auto [there, is_new] = bases_.emplace(served.base + "\n" + t.name(), t);
    if (is_new || there->second.shape() != t.shape()) continue;
    t.bind(there->second.buffer());
    served.shared += t.numel();
  }
}

void Models::load(const std::vector<std::string>& given, const std::string& base) {
  std::vector<Named> all;
  std::map<std::string, int> over;  // models over each base
  for (const std::string& one : given.empty() ? std::vector<std::string>{model::ready_classifier()} : given) {
    const auto [said, directory] = spec::label_and_path(one);
    const std::string name = said.empty() ? name_of(directory) : said;
    check_name(name, directory, all);
    all.emplace_back(name, directory_of(directory, base));
    ++over[base_of(all.back().second)];
  }
  for (const auto& [name, from] : all) {
    add(name, from, over[base_of(from)] == 1);
    const Served& served = served_.back();
    model::print_model(served.name, *served.model);
    if (served.shared)
      run::print_note("  {:.2f} M of them in common with the models before\n", double(served.shared) / 1e6);
  }
  check(base.empty() || std::ranges::any_of(served_, [](const Served& s) { return s.adapter; }),
        "--base is for adapter directories; none of the models is one");
}

std::vector<Target> Models::targets() const {
  std::vector<Target> all;
  for (size_t lane = 0; lane < served_.size(); ++lane) {
    const model::TextModel& model = *served_[lane].model;
    for (size_t head = 0; head < model.tasks.size(); ++head)
      all.push_back(
          {lane, &served_[lane], head, served_[lane].name + (model.named() ? ":" + model.tasks[head].name : "")});
  }
  return all;
}

Target Models::find(const std::string& name) const {
  const std::vector<Target> all = targets();
  std::vector<std::string> names;
  for (const Target& target : all) {
    if (name.empty() || target.name == name || target.served->name == name) return target;
    names.push_back(target.name);
  }
  throw http::Refusal(404, fmt::format("there is no model '{}'; there is {}{}", text::shown(name), text::listed(names),
                                       text::did_you_mean(name, names)));
}

}  // namespace serve
