// Linear layers that share a pass. Read nn/layers.h first, engine/ops_linear.cpp next: the fused products.
#include "nn/layers.h"

#include <algorithm>

namespace nn {

Tensor side_by_side(const Tensor& x, const std::vector<const Linear*>& layers) {
  if (std::any_of(layers.begin(), layers.end(), [](const Linear* layer) { return bool(layer->instead); })) {
    std::vector<Tensor> parts;
    for (const Linear* layer : layers) parts.push_back((*layer)(x));
    return concat(parts, -1);
  }
  if (std::all_of(layers.begin(), layers.end(), [](const Linear* layer) { return layer->takes_packed(); })) {
    std::vector<const PackedLinear*> packed;
    for (const Linear* layer : layers) packed.push_back(layer->packed.get());
    return packed_linears(x, packed);
  }
  std::vector<std::pair<Tensor, Tensor>> weights_and_biases;
  for (const Linear* layer : layers) weights_and_biases.emplace_back(layer->weight, layer->bias);
  return linears(x, weights_and_biases);
}

Tensor feed_forward(const Tensor& x, const Linear& grow, const Linear& shrink) {
  if (grow.takes_packed() && shrink.takes_packed()) return engine::feed_forward(x, *grow.packed, *shrink.packed);
  if (grow.instead || shrink.instead) return shrink(gelu(grow(x)));
  return engine::feed_forward(x, grow.weight, grow.bias, shrink.weight, shrink.bias);
}

}  // namespace nn
