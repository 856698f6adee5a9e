// The linear layer, several of them over one input, and the feed-forward network of a transformer. Read engine/blas.h
// first: a tile of a product is finished (bias, activation) by the thread that made it, while it is in the cache.
#include "engine/blas.h"
#include "engine/gelu.h"
#include "engine/ops.h"
#include "engine/parallel.h"

namespace engine {
namespace {

// One layer, or one of several side by side: R rows of I inputs become R rows of O outputs, which are the columns
// first ... first + O - 1 of rows that are `stride` wide.
struct Layer {
  Layer(const char* op, const Tensor& x, const Tensor& weight_, const Tensor& bias_, long first_ = 0)
      : weight(weight_), bias(bias_), first(first_) {
    check(weight.shape().rank() == 2 && x.shape().rank() >= 1 && x.dim(-1) == weight.dim(1),
          "{}: the last axis of x must be the inputs of weight [outputs, inputs]; got x {}, weight {}", op, x, weight);
    O = weight.dim(0);
    I = weight.dim(1);
    R = 1;
    for (int axis = 0; axis + 1 < x.shape().rank(); ++axis) R *= x.dim(axis);
    check(!bias || bias.shape() == Shape{O}, "{}: bias must be [{}], the outputs of weight {}; got {}", op, O, weight,
          bias);
  }

  // u = x W^T; what follows is done to every row of a finished tile: row(r, first column, number of columns).
  template <class Row>
  Product forward(const real* x, real* u, long stride, Row row) const {
    return {R,
            O,
            {{{x, I}, {weight.data(), I, true}, I}},
            u + first,
            stride,
            0,
            [row](long top, long rows, long column, long columns) {
              for (long r = top; r < top + rows; ++r) row(r, column, columns);
            }};
  }
  Product forward_with_bias(const real* x, real* u, long stride) const {
    real* own = u + first;
    const real* b = bias ? bias.data() : nullptr;
    return forward(x, u, stride, [=](long r, long column, long columns) {
      if (b) simd::add(own + r * stride + column, b + column, columns);
    });
  }

  // dW += du^T x, where it is wanted
  void add_weight_product(const real* du, long stride, const real* x, std::vector<Product>& to) const {
    const auto dW = weight.grad_accumulator();
    to.push_back({O, I, {{{du + first, stride, true}, {x, I}, R}}, dW.data, I, dW.beta});
  }
  // db += sum_r du
  void add_bias_gradient(const real* du, long stride) const {
    if (bias && bias.wants_grad()) add_column_sums(du + first, R, O, stride, bias.grad());
  }
  Product::Term input_term(const real* du, long stride) const { return {{du + first, stride}, {weight.data(), I}, O}; }

  Tensor weight, bias;
  long O, I, R, first;
};

void append(std::vector<Tensor>& inputs, const Tensor& tensor) {
  if (tensor) inputs.push_back(tensor);
}

// linears: y = [x W1^T + b1 | x W2^T + b2 | ...], layers over one input, their results side by side, in one product.
//   shapes    x [..., I]   weights [O1, I], [O2, I] ...   biases [O1], ... or none   ->   y [..., O1 + O2 + ...]
//   backward  dx = sum_i dyi Wi,   dWi = dyi^T x,   dbi = sum_r dyi
Tensor linears(const char* op, const Tensor& x, const std::vector<std::pair<Tensor, Tensor>>& weights_and_biases) {
  check(!weights_and_biases.empty(), "{}: at least one layer is needed", op);
  std::vector<Layer> layers;
  std::vector<Tensor> inputs{x};
  long width = 0;
  for (const auto& [weight, bias] : weights_and_biases) {
    layers.emplace_back(op, x, weight, bias, width);
    inputs.push_back(weight);
    append(inputs, bias);
    width += layers.back().O;
  }
  const long R = layers[0].R, I = layers[0].I;
  Tensor y(x.shape().with(-1, width));
  std::vector<Product> products;
  for (const Layer& layer : layers) products.push_back(layer.forward_with_bias(x.data(), y.data(), width));
  gemm(products);
  const bool learns = std::any_of(layers.begin(), layers.end(), [](const Layer& l) { return l.weight.wants_grad(); });
  const Tensor kept = learns ? x : x.without_values();  // of weights that stay, dx alone is wanted: x may go
  return record(op, inputs, y, [=, x = kept](const Tensor& out) {
    const real* dy = out.grad();
    std::vector<Product> gradients;
    if (x.wants_grad()) {
      const auto dx = x.grad_accumulator();
      gradients.push_back({R, I, {}, dx.data, I, dx.beta});
      for (const Layer& layer : layers) gradients[0].terms.push_back(layer.input_term(dy, width));
    }
    for (const Layer& layer : layers)
      if (layer.weight.wants_grad()) layer.add_weight_product(dy, width, x.data(), gradients);
    gemm(gradients);
    for (const Layer& layer : layers) layer.add_bias_gradient(dy, width);
  });
}

// The backward of feed_forward(), whose kept u is used up.
void feed_forward_backward(const Layer& grow, const Layer& shrink, const Tensor& x, Buffer& u, const real* dy) {
  const long R = grow.R, F = grow.O;
  const Buffer du(R * F);
  Buffer in_place = use_up(u);
  real *g = in_place.data(), *dus = du.data();
  gemm({{R, F, {shrink.input_term(dy, shrink.O)}, dus, F, 0, [=](long top, long rows, long first, long columns) {
           for (long r = top; r < top + rows; ++r)
             for (long i = r * F + first; i < r * F + first + columns; ++i) {
               const auto [value, slope] = gelu_at(g[i]);
               g[i] = value;
               dus[i] *= slope;
             }
         }}});
  std::vector<Product> outer, inner;
  if (shrink.weight.wants_grad()) shrink.add_weight_product(dy, shrink.O, g, outer);
  gemm(outer);
  in_place = Buffer();
  if (x.wants_grad()) {
    const auto dx = x.grad_accumulator();
    inner.push_back({R, grow.I, {grow.input_term(dus, F)}, dx.data, grow.I, dx.beta});
  }
  if (grow.weight.wants_grad()) grow.add_weight_product(dus, F, x.data(), inner);
  gemm(inner);
  grow.add_bias_gradient(dus, F);
  shrink.add_bias_gradient(dy, shrink.O);
}

}  // namespace

Tensor linears(const Tensor& x, const std::vector<std::pair<Tensor, Tensor>>& weights_and_biases) {
  return linears("linears", x, weights_and_biases);
}

// linear: y = x W^T + b, the weight stored as published checkpoints store it, [outputs, inputs].
//   shapes    x [..., I]   weight [O, I]   bias [O] or none   ->   y [..., O]           R rows of x
//   backward  dx = dy W,   dW = dy^T x,   db = sum_r dy
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return linears("linear", x, {{weight, bias}});
}

// feed_forward: y = gelu(u) W2^T + b2, u = x W1^T + b1: the two layers of a transformer's feed-forward network.
//   shapes    x [..., C]   W1 [F, C]   b1 [F]   W2 [O, F]   b2 [O]   ->   y [..., O]
//   backward  dg = dy W2,   g = gelu(u) again, and du = gelu'(u) dg,   dW2 = dy^T g,   dx = du W1,   dW1 = du^T x,
//             db2 = sum_r dy,   db1 = sum_r du.  u [..., F] is kept; in backward g takes its place.
Tensor feed_forward(const Tensor& x, const Tensor& W1, const Tensor& b1, const Tensor& W2, const Tensor& b2) {
  check(b1 && b2, "feed_forward: both biases are needed");
  const Layer grow("feed_forward", x, W1, b1);
  const long R = grow.R, F = grow.O;
  Tensor g(x.shape().with(-1, F));
  const Layer shrink("feed_forward", g, W2, b2);
  Tensor y(x.shape().with(-1, shrink.O));
  const Buffer u(R * F);
  real *us = u.data(), *gs = g.data();
  const real* b = b1.data();
  gemm({grow.forward(x.data(), us, F, [=](long r, long first, long columns) {
    real *ur = us + r * F + first, *gr = gs + r * F + first;
    for (long c = 0; c < columns; ++c) {
      ur[c] += b[first + c];
      gr[c] = gelu_at(ur[c]).value;
    }
  })});
  gemm({shrink.forward_with_bias(gs, y.data(), shrink.O)});
  g = Tensor();
  const Tensor kept = W1.wants_grad() ? x : x.without_values();
  return record("feed_forward", {x, W1, b1, W2, b2}, y, [=, x = kept, u = u](const Tensor& out) mutable {
    feed_forward_backward(grow, shrink, x, u, out.grad());
  });
}

}  // namespace engine
