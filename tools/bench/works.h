// What a pass goes over: batches of random pieces, of lengths that are all alike or those of real sentences.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "nn/tokens.h"

namespace bench {

struct Batch {
  nn::Tokens tokens;
  engine::Indices labels;
};
using Work = std::vector<Batch>;

// By name: full, real, sorted, dev (batches of 16 or 32), 1x32, 1x128, 32x128.
const std::map<std::string, std::function<Work()>>& works();
Work work_named(const std::string& name);                    // error: none of them
Work work_of(const std::vector<int>& lengths, size_t size);  // `lengths` in groups of `size`
std::string json_of(const Work& work);  // {"batches": [{"ids": [[...]], "labels": [...]}]}, for the other side

}  // namespace bench
