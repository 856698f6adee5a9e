// Reverse-mode differentiation: one note per op, one walk over the notes. Read engine/ops.h next: what can be recorded.
#include "engine/graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <queue>
#include <unordered_set>
#include <utility>

#include "engine/debug.h"

namespace engine {
namespace {

thread_local bool grad_on = true;
thread_local Graph walk = Graph::release;  // of the backward() that is under way
std::atomic<long> next_order = 0;          // of all threads: a graph may be walked by another than has built it

// The tensors behind `loss` that ops have made, oldest first.
std::vector<Tensor> results_behind(const Tensor& loss) {
  std::vector<Tensor> results, open{loss};
  std::unordered_set<const Node*> seen;
  while (!open.empty()) {
    const Tensor y = open.back();
    open.pop_back();
    if (!y.node() || !seen.insert(y.node().get()).second) continue;
    results.push_back(y);
    for (const Tensor& x : y.node()->inputs) open.push_back(x);
  }
  std::sort(results.begin(), results.end(),
            [](const Tensor& a, const Tensor& b) { return a.node()->order < b.node()->order; });
  return results;
}

}  // namespace

Node::Node(const char* op_, std::vector<Tensor> inputs_, Backward backward_)
    : op(op_), inputs(std::move(inputs_)), backward(std::move(backward_)), order(next_order++) {}

// A graph that nobody walked dies from its loss downwards. One destructor calling the next would overflow the stack on
// a long chain, so a node takes over what its inputs hold before it lets go of them.
Node::~Node() {
  backward = nullptr;  // its captures hold inputs, too
  std::vector<Tensor> dying = std::move(inputs);
  while (!dying.empty()) {
    const Tensor x = std::move(dying.back());
    dying.pop_back();
    if (!x.node() || !x.unique()) continue;  // somebody else still needs its history
    Node& node = *x.node();
    node.backward = nullptr;
    std::move(node.inputs.begin(), node.inputs.end(), std::back_inserter(dying));
    node.inputs.clear();
  }
}

NoGrad::NoGrad() : before_(grad_on) { grad_on = false; }
NoGrad::~NoGrad() { grad_on = before_; }
bool recording() { return grad_on; }

Buffer use_up(Buffer& kept) {
  if (walk == Graph::release) return std::exchange(kept, Buffer());
  Buffer copy(kept.size());
  std::copy_n(kept.data(), kept.size(), copy.data());
  return copy;
}

Tensor record(const char* op, std::vector<Tensor> inputs, Tensor y, Backward backward) {
  watch_forward(op, inputs, y);
  const bool wanted = std::any_of(inputs.begin(), inputs.end(), [](const Tensor& x) { return x.wants_grad(); });
  if (!grad_on || !wanted) return y;
  for (Tensor& x : inputs) x = x.without_values();  // what backward needs of them, its closure holds
  y.set_node(std::make_shared<Node>(op, std::move(inputs), std::move(backward)));
  return y;
}

Tensor not_differentiable(const char* op, std::vector<Tensor> inputs, Tensor y) {
  return record(op, std::move(inputs), std::move(y),
                [op](const Tensor&) { fail("{}: has no gradient, yet one arrived; detach() its result", op); });
}

namespace {

struct Older {
  bool operator()(const Tensor& a, const Tensor& b) const { return a.node()->order < b.node()->order; }
};
using Open = std::priority_queue<Tensor, std::vector<Tensor>, Older>;

// A walk that fails leaves no gradient at results, or the next one would add to it.
struct Cleaner {
  Open& left;
  ~Cleaner() {
    for (; !left.empty(); left.pop()) {
      left.top().clear_grad();
      for (const Tensor& x : left.top().node()->inputs)
        if (x.node()) x.clear_grad();
    }
  }
};

}  // namespace

// The walk goes by the order of recording, youngest first. An op is younger than its inputs, so when its turn comes
// everything that used its result has already added to its gradient: a tensor used twice gets both parts, once, and no
// recursion is needed however long the chain.
void backward(const Tensor& loss, Graph graph) {
  check(loss.numel() == 1, "backward: the loss must be a scalar; got {}", loss);
  check(loss.node() != nullptr, "backward: nothing behind {} wants a gradient (or it was made under NoGrad)", loss);
  watch_graph(loss);
  walk = graph;

  Open open;
  std::unordered_set<const Node*> seen{loss.node().get()};
  loss.grad()[0] += 1;
  open.push(loss);
  const Cleaner cleaner{open};
  while (!open.empty()) {
    const Tensor y = open.top();
    Node& node = *y.node();
    check(bool(node.backward),
          "backward: the graph behind {} (op {}) was already walked, and its memory released; "
          "compute the loss again",
          y, node.op);
    if (y.has_grad()) {
      node.backward(y);
      watch_backward(node.op, node.inputs);
    }
    for (const Tensor& x : node.inputs)
      if (x.node() && seen.insert(x.node().get()).second) open.push(x);
    open.pop();  // y, the youngest
    y.clear_grad();
    if (graph == Graph::keep) continue;
    node.backward = nullptr;  // frees what the op kept, and its inputs unless somebody else holds them
    node.inputs.clear();
  }
}

std::string first_nonfinite(const Tensor& loss) {
  const auto describe = [](const Tensor& handle, const std::string& what) {
    const Tensor t = handle.with_values_if_alive();
    if (!t.has_values() || all_finite(t.data(), t.numel())) return std::string();
    return fmt::format("{} {} holds a NaN or infinity", what, t);
  };
  for (const Tensor& y : results_behind(loss)) {
    for (const Tensor& x : y.node()->inputs)
      if (!x.node())
        if (std::string found = describe(x, fmt::format("input of {}:", y.node()->op)); !found.empty()) return found;
    if (std::string found = describe(y, fmt::format("result of {}:", y.node()->op)); !found.empty()) return found;
  }
  return loss.node() ? "" : describe(loss, "the loss:");
}

std::string graph_as_dot(const Tensor& loss) {
  std::string dot = "digraph loss {\n  node [shape=box, fontname=monospace];\n";
  for (const Tensor& y : results_behind(loss)) {
    const Node& node = *y.node();
    dot += fmt::format("  n{} [label=\"{}\\n{}\"];\n", node.order, node.op, y.shape());
    for (const Tensor& x : node.inputs) {
      if (x.node()) {
        dot += fmt::format("  n{} -> n{};\n", x.node()->order, node.order);
      } else if (x.wants_grad()) {
        const std::string name = x.name().empty() ? fmt::format("leaf {}", fmt::ptr(x.id())) : x.name();
        dot += fmt::format("  \"{}\" [style=rounded, label=\"{}\\n{}\"];\n  \"{}\" -> n{};\n", name, name, x.shape(),
                           name, node.order);
      }
    }
  }
  return dot + "}\n";
}

}  // namespace engine
