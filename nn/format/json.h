// JSON from files that anybody may have written, and the header of a safetensors file.
#pragma once

#include <nlohmann/json.hpp>

#include "nn/format/files.h"

namespace nn {

// For json::parse: refuses nesting that would overflow the stack of whoever walks the value later.
template <class Json>
auto limit_depth(std::string where) {
  return [where = std::move(where)](int depth, typename Json::parse_event_t, Json&) {
    constexpr int kDeepest = 64;
    check(depth <= kDeepest, "{}: JSON nested more than {} deep", where, kDeepest);
    return true;
  };
}

// What stands before the numbers of a safetensors file: the header's length in eight bytes, and the header, filled up with
// spaces to a multiple of 8.
inline std::string safetensors_header(const nlohmann::ordered_json& header) {
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const uint64_t size = text.size();
  return std::string(reinterpret_cast<const char*>(&size), sizeof size) + text;
}

}  // namespace nn
