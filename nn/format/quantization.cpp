// quantization_config and int8 tensors. Read engine/packed.h first.
#include "nn/format/quantization.h"

#include <algorithm>

namespace nn {

ordered_json int8_config(const std::vector<std::string>& full) {
  const auto form = [](const char* strategy, bool dynamic) {
    return ordered_json{
        {"num_bits", 8}, {"type", "int"}, {"symmetric", true}, {"strategy", strategy}, {"dynamic", dynamic}};
  };
  return {
      {"quant_method", "compressed-tensors"},
      {"format", "int-quantized"},
      {"quantization_status", "compressed"},
      {"config_groups",
       {{"group_0",
         {{"targets", {"Linear"}}, {"weights", form("channel", false)}, {"input_activations", form("token", true)}}},
        {"group_1", {{"targets", {"Embedding"}}, {"weights", form("channel", false)}}}}},
      {"ignore", full}};
}

bool reads_int8(const JsonObject& from) {
  const json* said = from.find("quantization_config");
  if (!said || said->is_null()) return false;
  check(said->is_object(), "{}: quantization_config must be an object; got {}", from.where(), shown_json(*said));
  const ordered_json ours = int8_config({});
  for (const char* key : {"quant_method", "format", "config_groups"})
    check(said->contains(key) && said->at(key) == json(ours.at(key)),
          "{}: quantization_config: {} {} is not supported; int8 as `quantize` writes it is ({})", from.where(), key,
          said->contains(key) ? shown_json(said->at(key)) : "(none)", shown_json(json(ours.at(key))));
  return true;
}

bool fits_int8(const Tensor& t) {
  constexpr long kFewest = 16;  // with fewer numbers the scales would count
  return t.shape().rank() == 2 && t.dim(0) >= kFewest && t.dim(1) >= kFewest;
}

void check_int8(const SafeTensors& file, bool said) {
  const bool any = std::any_of(file.entries().begin(), file.entries().end(), [&](const auto& named) {
    return named.second.dtype == "I8" && file.has(named.first + kScale);  // without, it is nobody's weight
  });
  check(any == said, "{}: int8 weights are {}there, and config.json has {}quantization_config", file.path(),
        any ? "" : "not ", said ? "a " : "no ");
}

void take_int8(const SafeTensors& file, const std::string& name, Linear& layer) {
  if (!layer.packed && file.has(name) && file.entry(name).dtype == "I8")
    layer.packed = std::make_shared<PackedLinear>(file.read_bytes(name), layer.bias);
}

}  // namespace nn
