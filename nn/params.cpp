// The life of parameters: declared, laid out in one block, drawn or loaded, frozen. Read nn/layers.h next.
#include "nn/params.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>

#include "engine/strings.h"

namespace nn {

Params::Params(uint64_t seed) : seed_(seed) { mode_.seed = seed; }

Scope Params::root() { return {*this, ""}; }

Tensor Params::declare(const std::string& name, const Shape& shape, Init init) {
  check(inits_.emplace(name, init).second, "parameter '{}' is declared twice; to share it, pass the tensor on", name);
  Tensor t = Tensor::declared(shape).named(name).require_grad();
  tensors_.push_back(t);
  return t;
}

// Each parameter begins at a multiple of 64 bytes, so that vector loads are aligned.
void Params::lay_out(const std::vector<Tensor>& tensors) {
  constexpr long kAlign = 64 / sizeof(real);
  std::vector<long> begin{0};
  for (const Tensor& t : tensors) begin.push_back(begin.back() + (t.numel() + kAlign - 1) / kAlign * kAlign);
  const Buffer values(begin.back());
  for (size_t i = 0; i < tensors.size(); ++i) tensors[i].bind(values.part(begin[i], tensors[i].numel()));
}

void Params::draw(const Tensor& t) {
  const Init init = inits_.at(t.name());
  if (init.kind == Init::constant) return void(std::fill_n(t.data(), t.numel(), init.value));
  const uint64_t id = hash_of(t.name());
  const Random random{seed_, Stream::init, uint32_t(id), uint32_t(id >> 32)};
  if (init.kind == Init::uniform) return random.uniforms(init.value, t.numel(), t.data());
  random.normals(init.value, t.numel(), t.data());
}

void Params::initialise() {
  lay_out(tensors_);
  for (const Tensor& t : tensors_) draw(t);
}

void Params::initialise_added() {
  std::vector<Tensor> added;
  std::copy_if(tensors_.begin(), tensors_.end(), std::back_inserter(added),
               [](const Tensor& t) { return !t.has_values(); });
  lay_out(added);
  for (const Tensor& t : added) draw(t);
}

void Params::remove(const Which& which) {
  std::erase_if(tensors_, [&](const Tensor& t) { return which(t.name()) && inits_.erase(t.name()); });
}

void Params::keep_as_base(const Which& which, const std::string& fingerprint) {
  base_fingerprint_ = fingerprint;
  for (Tensor& t : tensors_) {
    if (!which(t.name())) continue;
    t.require_grad(false);
    base_.insert(t.name());
  }
}

void Params::release_base() {
  for (Tensor& t : tensors_)
    if (base_.count(t.name())) t.require_grad();
  base_.clear();
  base_fingerprint_.clear();
}

std::vector<Tensor> Params::own() const {
  std::vector<Tensor> result;
  std::copy_if(tensors_.begin(), tensors_.end(), std::back_inserter(result),
               [&](const Tensor& t) { return base_.count(t.name()) == 0; });
  return result;
}

namespace {

// The names under which published files may have a parameter, the present one first.
std::vector<std::string> aliases(const std::string& name) {
  std::vector<std::string> names{name};
  if (name.starts_with("bert.")) names.push_back(name.substr(5));
  if (name == "cls.predictions.bias") names.push_back("cls.predictions.decoder.bias");
  const std::pair<std::string, std::string> old_names[] = {{"LayerNorm.weight", "LayerNorm.gamma"},
                                                           {"LayerNorm.bias", "LayerNorm.beta"}};
  for (const auto& [now, before] : old_names)
    if (name.ends_with(now))
      for (size_t i = 0, n = names.size(); i < n; ++i)
        names.push_back(names[i].substr(0, names[i].size() - now.size()) + before);
  return names;
}

}  // namespace

Params::LoadReport Params::load(const SafeTensors& file, const Which& may_be_new, const Which& must_be_new) {
  lay_out(tensors_);
  LoadReport report;
  std::map<std::string, bool> used;
  for (const Tensor& t : tensors_) {
    const bool anew = must_be_new && must_be_new(t.name());
    const std::vector<std::string> names = anew ? std::vector<std::string>{} : aliases(t.name());
    const auto found = std::find_if(names.begin(), names.end(), [&](const std::string& n) { return file.has(n); });
    if (found == names.end()) {
      check(anew || may_be_new(t.name()), "{}: the parameter {} is missing", file.path(), t);
      draw(t);
      report.initialised.push_back(t.name());
      continue;
    }
    const SafeTensors::Entry& entry = file.entry(*found);
    const std::vector<long>& shape = entry.shape;
    bool fits = int(shape.size()) == t.shape().rank();
    for (int i = 0; fits && i < t.shape().rank(); ++i) fits = shape[i] == t.dim(i);
    check(fits, "{}: the model's parameter {} has shape {} in the file", file.path(), t,
          fmt::format("[{}]", fmt::join(shape, ", ")));
    file.read_into(*found, t.data());
    used[*found] = used[*found + kScale] = true;
    report.loaded.push_back(t.name());
  }
  for (const std::string& name : report.initialised) {  // half a layer is a mistake, not a new one
    const std::string other = name.ends_with(".weight") ? name.substr(0, name.size() - 6) + "bias"
                                                        : name.substr(0, name.rfind('.')) + ".weight";
    check(std::find(report.loaded.begin(), report.loaded.end(), other) == report.loaded.end(),
          "{}: '{}' is missing beside '{}'", file.path(), name, other);
  }
  for (const auto& [name, entry] : file.entries())
    if (!used[name]) report.ignored.push_back(name);
  return report;
}

std::string Params::LoadReport::table() const {
  const auto line = [](const char* what, const std::vector<std::string>& names, bool list) {
    std::string text = fmt::format("  {:<18} {:>4}", what, names.size());
    constexpr size_t kShown = 4;
    for (size_t i = 0; list && i < std::min(names.size(), kShown); ++i)
      text += (i ? ", " : "  ") + shown(names[i], 100);
    if (list && names.size() > kShown) text += ", ...";
    return text + "\n";
  };
  return line("loaded", loaded, false) + line("newly initialised", initialised, true) + line("ignored", ignored, true);
}

std::vector<Tensor> Params::trainable() const {
  std::vector<Tensor> result;
  std::copy_if(tensors_.begin(), tensors_.end(), std::back_inserter(result),
               [](const Tensor& t) { return t.wants_grad(); });
  return result;
}

const Tensor& Params::find(const std::string& name) const {
  const auto found = std::find_if(tensors_.begin(), tensors_.end(), [&](const Tensor& t) { return t.name() == name; });
  check(found != tensors_.end(), "there is no parameter '{}'", name);
  return *found;
}

long Params::count() const {
  long count = 0;
  for (const Tensor& t : tensors_) count += t.numel();
  return count;
}

int Params::freeze(const std::string& pattern) {
  int frozen = 0;
  for (Tensor& t : tensors_)
    if (fnmatch(pattern.c_str(), t.name().c_str(), 0) == 0) {
      t.require_grad(false);
      ++frozen;
    }
  check(frozen > 0, "freeze: no parameter matches '{}'; names look like '{}'", pattern,
        tensors_.empty() ? "" : tensors_.back().name());
  return frozen;
}

void Params::clear_grads() const { engine::clear_grads(tensors_); }

void Params::train(long step) {
  mode_.training = true;
  mode_.step = uint32_t(step);
  mode_.calls = 0;
}

void Params::eval() { mode_.training = false; }

}  // namespace nn
