// The models that are served: loaded from directories, found by name. Adapters over one encoder share its weights; one
// that is alone over its own is merged into it, and as fast as any other model.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/memory.h"
#include "tasks/model/directory.h"

namespace serve {

struct Served {
  std::string name, path, base;  // base: where the weights are; path, or an adapter's base
  std::unique_ptr<model::TextModel> model;
  bool adapter = false;
  long shared = 0;          // numbers that it has in common with a model before it
  bool classifies() const;  // any of its heads says a label or a number
};

// A model and one of its heads.
struct Target {
  size_t lane;  // of Models::all()
  const Served* served;
  size_t head;
  std::string name;  // MODEL, or MODEL:TASK where the model has named tasks
  const model::TextModel& model() const { return *served->model; }
  const spec::TaskSpec& task() const { return served->model->tasks[head]; }
  bool classifies() const { return task().classifies() && task().head != nn::Predicts::tags; }
};

class Models {
 public:
  // "DIR", or "NAME=DIR"; a directory's name is its last part, of RUN/best that before it. `base`: where adapters'
  // bases are, if not where they say. Without any, the model that ships and classifies.
  // Error: two of one name; what load_model() says; none ships.
  void load(const std::vector<std::string>& given, const std::string& base);

  const std::vector<Served>& all() const { return served_; }
  std::vector<Target> targets() const;
  // The first target of a model by its name, or MODEL:TASK; "" is the first of all. Refusal 404: the nearest name.
  Target find(const std::string& name) const;

 private:
  void add(const std::string& name, const model::ModelDirectory& from, bool alone);
  void share(Served& served);

  std::vector<Served> served_;
  std::map<std::string, engine::Tensor> bases_;  // by directory and name: what a base's file says
};

}  // namespace serve
