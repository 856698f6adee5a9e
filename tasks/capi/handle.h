// What stands behind an attune_model: a model of texts, how it is asked, and by how many threads.
#pragma once

#include "tasks/capi/attune.h"
#include "tasks/model/text_model.h"

struct attune_model {
  std::unique_ptr<model::TextModel> model;
  bool encoder = false;  // no task of its own: the one that it has is a vector
  nn::Reads pooling = nn::Reads::mean;
  int threads = 0;  // 0: as OpenMP decides

  // The only way to one: reads `options` as attune.h says. Error: what is wrong with them or the directory.
  attune_model(const char* directory, const char* options);
  long tasks() const { return encoder ? 0 : long(model->tasks.size()); }
};

namespace capi {

// While one lives, OpenMP has so many threads for the calling thread; 0: as it is.
class Threads {
 public:
  explicit Threads(int threads);
  ~Threads();
  Threads(const Threads&) = delete;

 private:
  int before_;  // 0: nothing was changed
};

}  // namespace capi
