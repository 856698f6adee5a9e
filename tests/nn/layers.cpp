// Layers through the seam y = x W^T + b, also where several of them share a pass; adapters by hand.
#include "nn/layers.h"

#include "nn/adapter/bottleneck.h"
#include "tests/support/support.h"

using namespace test;

namespace {

// The plain product, as a way of its own to y.
void recompute(nn::Linear& layer) {
  const Tensor weight = layer.weight, bias = layer.bias;
  layer.instead = [weight, bias](const Tensor& x) { return matmul(x, weight, Transpose::second) + bias; };
}

}  // namespace

TEST_CASE("linear: another way to y is taken alone, side by side and in a feed-forward pass, with the same gradients") {
  nn::Params params(5);
  nn::Linear a(params.root() / "a", 6, 4, 1), b(params.root() / "b", 6, 3, 1), c(params.root() / "c", 4, 6, 1);
  params.initialise();
  const Tensor x = varied({5, 6}).require_grad();
  const auto result = [&] {
    params.clear_grads();
    x.clear_grad();
    const Tensor y = concat({nn::side_by_side(x, {&a, &b}), nn::feed_forward(x, a, c), a(x)}, -1);  // [5, 7 + 6 + 4]
    backward(sum(y * varied(y.shape(), 2)));
    std::vector<Tensor> all{y, x.grad_tensor()};
    for (const Tensor& p : params.tensors()) all.push_back(p.grad_tensor());
    return all;
  };
  const std::vector<Tensor> fused = result();
  for (nn::Linear* layer : {&a, &b, &c}) {
    recompute(*layer);
    const std::vector<Tensor> plain = result();
    for (size_t i = 0; i < fused.size(); ++i) CHECK(differs(plain[i], fused[i]) == "");
    layer->instead = [](const Tensor& rows) { return Tensor::full({rows.dim(0), 1}, 7); };
    CHECK((layer == &b ? nn::side_by_side(x, {&b, &b}) : nn::side_by_side(x, {layer})).data()[0] == 7);
    layer->instead = nullptr;
  }
}

TEST_CASE("adapter: y = x + up(relu(down(x))), at first nearly x") {
  nn::Params params(5);
  const nn::HeadAdapter adapter(params.root(), 6, 3);
  params.initialise();
  const Tensor x = varied({4, 6});
  CHECK(differs(adapter(x), x, 0.02, 0) == "");
  std::copy_n(varied({3, 6}, 2).data(), 18, adapter.down.weight.data());
  std::copy_n(varied({6, 3}, 3).data(), 18, adapter.up.weight.data());
  Tensor by_hand = x.clone();
  for (int r = 0; r < 4; ++r)
    for (int c = 0; c < 6; ++c)
      for (int m = 0; m < 3; ++m) {
        double h = 0;
        for (int k = 0; k < 6; ++k) h += double(x.data()[r * 6 + k]) * adapter.down.weight.data()[m * 6 + k];
        by_hand.data()[r * 6 + c] += real(std::max(0., h) * adapter.up.weight.data()[c * 3 + m]);
      }
  CHECK(differs(adapter(x), by_hand) == "");
}
