// JSON from files that anybody may have written.
#pragma once

#include <nlohmann/json.hpp>

#include "nn/files.h"

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

}  // namespace nn
