// The graph: record() notes how a tensor was made, backward() walks the notes in reverse and fills the gradients.
#pragma once

#include <functional>

#include "engine/tensor.h"

namespace engine {

// Adds to the gradients of the op's inputs, given its output y, whose gradient is complete. It must only ever add (+=),
// only to inputs that want a gradient, and must not capture y: the graph would then hold itself alive.
using Backward = std::function<void(const Tensor& y)>;

struct Node {
  const char* op;
  std::vector<Tensor> inputs;
  Backward backward;  // empty once the gradient has passed
  long order;         // of recording: an op is always younger than its inputs
  Node(const char* op, std::vector<Tensor> inputs, Backward backward);
  Node(const Node&) = delete;
  ~Node();
};

// Every op ends here: returns y, with its history when gradients are on and an input wants one.
Tensor record(const char* op, std::vector<Tensor> inputs, Tensor y, Backward backward);

// Ends an op that has no gradient on purpose: one that arrives all the same is an error, not a silent zero.
Tensor not_differentiable(const char* op, std::vector<Tensor> inputs, Tensor y);

// Fills the gradient of every leaf that wants one with d loss / d leaf, added to what is there already: several
// backwards accumulate. `loss` must be a scalar. A graph can be walked once; its memory is released on the way. With
// Graph::keep it can be walked again, and what losses share can be walked once from each of them: several tasks over
// one forward pass of an encoder. It is then released by a later walk, or when its tensors die. A walk reads values as
// they are now: whoever changes one between forward and backward gets a gradient of neither.
enum class Graph { release, keep };
void backward(const Tensor& loss, Graph graph = Graph::release);

// For a closure that writes over what it has kept: that block itself when the graph is released, else a copy.
Buffer use_up(Buffer& kept);

// Inside its scope results have no history: evaluation needs no graph. (Per thread, and may be nested.)
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;

 private:
  bool before_;
};
bool recording();  // outside of all of them

// The oldest tensor behind `loss` (itself included) that holds a NaN or an infinity, as a sentence; empty if none does.
// Call it before backward() releases the graph.
std::string first_nonfinite(const Tensor& loss);

// The graph behind `loss` in Graphviz's language: `dot -Tsvg loss.dot`.
std::string graph_as_dot(const Tensor& loss);

}  // namespace engine
