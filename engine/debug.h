// The environment switches, read once:
//   DEBUG=1        a line for every op: name, shape, milliseconds since the line before
//   DEBUG=2        adds mean, standard deviation and the largest magnitude of its result
//   CHECK_NAN=1    throws at the first op whose result, or at the first backward whose gradient, has a NaN or infinity
//   PROFILE=1      at the end, a table of the time, the operations and the bytes of every op (engine/profile.h)
//   GRAPH=FILE     writes the graph of the first backward() in Graphviz's language
#pragma once

#include "engine/tensor.h"

namespace engine {

struct Switches {
  int debug = 0;
  bool check_nan = false;
  std::string graph_file;
};
Switches& switches();  // tests may change them, while one thread runs

// For a library: none of them is on, PROFILE neither, whatever its host's environment says, which is about the host.
// Before the first op.
void all_switches_off();

bool all_finite(const real* x, long n);

// What record() and backward() call; one branch each when no switch is on.
void watch_forward(const char* op, const std::vector<Tensor>& inputs, const Tensor& y);
void watch_backward(const char* op, const std::vector<Tensor>& inputs);
void watch_graph(const Tensor& loss);

}  // namespace engine
