// Params: all parameters of a model, named as published checkpoints name them, in one block of memory. Scope: a path
// in it, under which a module's parameters are born.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/ops.h"
#include "nn/format/safetensors.h"

namespace nn {
using namespace engine;  // layers speak the engine's language

// How a parameter begins when no checkpoint has it.
struct Init {
  enum Kind { normal, uniform, constant } kind = constant;
  real value = 0;  // the standard deviation; the bound, of both signs; or the constant
};

// Whether the model is being trained, and where: what dropout masks are drawn from.
struct Mode {
  bool training = false;
  uint64_t seed = 0;
  uint32_t step = 0;
  uint32_t calls = 0;  // masks drawn in this step so far
};

class Scope;

// Modules declare parameters here; initialise() or load() lays out one block and fills it. It must outlive the modules.
class Params {
 public:
  explicit Params(uint64_t seed);
  Params(const Params&) = delete;

  Scope root();
  Tensor declare(const std::string& name, const Shape& shape, Init init);

  // Draws every parameter. A parameter's numbers depend on the seed and its name only.
  void initialise();

  // What load() did with each name.
  struct LoadReport {
    std::vector<std::string> loaded, initialised, ignored;
    std::string table() const;
  };
  // Takes from a checkpoint what it has. Names may lack the leading "bert." and say gamma and beta. A parameter that
  // the file lacks is drawn if `may_be_new` says so, otherwise its absence is an error. What `must_be_new` names is
  // drawn even where the file has it.
  using Which = std::function<bool(const std::string& name)>;
  LoadReport load(const SafeTensors& file, const Which& may_be_new, const Which& must_be_new = nullptr);

  // The same of parameters that were declared since: an adapter's, on a model that stands. They get a block of their
  // own; the others stay where they are. And gone again: an adapter that has become part of the weights.
  void initialise_added();
  void remove(const Which& which);
  // These are a base's: they stay as their directory has them, without a gradient, and no checkpoint holds them.
  // `fingerprint`: what they are; a run that goes on compares it.
  void keep_as_base(const Which& which, const std::string& fingerprint);
  void release_base();                                                       // all are own again, and want gradients
  const std::string& base_fingerprint() const { return base_fingerprint_; }  // empty: there is no base
  std::vector<Tensor> own() const;                                           // all that are not a base's

  const std::vector<Tensor>& tensors() const { return tensors_; }  // in the order of declaration
  std::vector<Tensor> trainable() const;                           // those that are not frozen
  const Tensor& find(const std::string& name) const;
  long count() const;  // numbers in all

  // No gradient for the parameters whose names match a shell pattern: "bert.encoder.layer.[0-3].*". Returns how many.
  int freeze(const std::string& pattern);

  void clear_grads() const;
  void train(long step);  // dropout on, with the masks of this step
  void eval();            // dropout off
  Mode& mode() { return mode_; }
  const Mode& mode() const { return mode_; }

 private:
  static void lay_out(const std::vector<Tensor>& tensors);
  void draw(const Tensor& t);

  uint64_t seed_;
  Mode mode_;
  std::vector<Tensor> tensors_;
  std::map<std::string, Init> inits_;
  std::set<std::string> base_;  // the names of what stays
  std::string base_fingerprint_;
};

// A path: `at / "encoder" / "layer.0"` is where names begin. Copies are cheap.
class Scope {
 public:
  Scope(Params& params, std::string path) : params_(&params), path_(std::move(path)) {}
  Scope operator/(const std::string& name) const { return {*params_, path_.empty() ? name : path_ + "." + name}; }
  Tensor parameter(const std::string& name, const Shape& shape, Init init) const {
    return params_->declare((*this / name).path_, shape, init);
  }
  Mode& mode() const { return params_->mode(); }

 private:
  Params* params_;
  std::string path_;
};

}  // namespace nn
