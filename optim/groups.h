// What optimisers share: the state of a parameter beside its values, and passes over all parameters at once.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/parallel.h"
#include "engine/profile.h"
#include "engine/tensor.h"

namespace optim {
using namespace engine;

// Whether weight decay applies: not to biases and LayerNorm parameters, by name, as published fine-tuning recipes have
// it, nor to DoRA's magnitudes, which begin as lengths of weights. Embeddings and the pooler are decayed.
bool decays(const Tensor& parameter);

// The learning rate of some parameters, as a share of the others' (Howard, Ruder 2018, "discriminative fine-tuning").
struct RateOf {
  std::string names;  // a shell pattern
  double factor;
};
// Of each parameter: the factor of the last pattern that fits its name; 1 where none does.
std::vector<double> rate_factors(const std::vector<Tensor>& parameters, const std::vector<RateOf>& rates);

// What is known of rows of an embedding that no token of this step used: their gradient is zero; and, if none ever
// did, so are their moments.
enum class Rows { with_gradient, without_gradient, untouched };

// The numbers begin ... end - 1 of a parameter.
struct Chunk {
  size_t parameter;
  long begin, end;
  Rows rows;
};

class TouchedRows;

// Calls f for chunks that cover every parameter that has a gradient, all of them shared out over the threads in one
// loop. A parameter without a gradient is left out, as in PyTorch: no decay, no step counted. Without `touched` no row
// counts as untouched.
void for_each_chunk(const std::vector<Tensor>& parameters, const std::function<void(const Chunk&)>& f,
                    const TouchedRows* touched = nullptr);

// The sum of f over the same chunks, in a fixed order.
double sum_of_chunks(const std::vector<Tensor>& parameters, const std::function<double(const Chunk&)>& f);

// One block of zeros per parameter, end to end in memory.
struct Moment {
  explicit Moment(const std::vector<Tensor>& parameters);
  Buffer all;
  std::vector<long> begin;  // of each parameter's part
  real* of(size_t parameter) const { return all.data() + begin[parameter]; }
  Tensor tensor(size_t parameter, const Tensor& like) const {
    return {like.shape(), all.part(begin[parameter], like.numel())};
  }
};

// The rows of embeddings whose moments may differ from zero.
class TouchedRows {
 public:
  // Takes in the rows that have a gradient now. The first time for a parameter, its moments are looked through.
  void update(const std::vector<Tensor>& parameters, std::initializer_list<const Moment*> moments);
  bool of(size_t parameter, long row) const { return rows_[parameter].empty() || rows_[parameter][row]; }

 private:
  std::vector<std::vector<char>> rows_;  // empty: every row
};

}  // namespace optim
