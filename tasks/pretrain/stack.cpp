// Copies by name: "...layer.5.output..." takes "...layer.1.output..." of two.
#include "tasks/pretrain/stack.h"

#include <algorithm>

#include "engine/strings.h"

namespace pretrain {

using engine::check;
using engine::Tensor;

namespace {

// "a.layer.5.b" -> "a.layer.1.b", with two layers below.
std::string source_of(const std::string& name, long layers) {
  const std::string mark = ".layer.";
  const size_t at = name.find(mark);
  if (at == name.npos) return name;
  const size_t begin = at + mark.size(), end = name.find('.', begin);
  const long layer = engine::parse_number<long>(std::string_view(name).substr(begin, end - begin)).value();
  return name.substr(0, begin) + std::to_string(layer % layers) + name.substr(end);
}

}  // namespace

std::unique_ptr<model::TextModel> stack_layers(const model::TextModel& from, long layers, uint64_t seed) {
  const long L = from.config().num_hidden_layers;
  check(layers > L && layers % L == 0, "--stack: a multiple of the model's {} layers, and more; got {}", L, layers);
  nn::Config config = from.config();
  config.num_hidden_layers = layers;
  auto deep = std::make_unique<model::TextModel>(config, from.tasks, from.tokenizer, from.reading, seed);
  deep->net.params.initialise();
  for (const Tensor& t : deep->net.params.tensors()) {
    const Tensor& source = from.net.params.find(source_of(t.name(), L));
    std::copy_n(source.data(), source.numel(), t.data());
  }
  return deep;
}

}  // namespace pretrain
