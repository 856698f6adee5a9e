// What was found out about one text, as a table for the terminal and as JSON.
#pragma once

#include "nn/format/json_value.h"
#include "tasks/explain/asked.h"

namespace explain {

struct Told {
  const text::Example& example;
  const attribution::Subject& subject;
  const attribution::Decision& decision;
  double probability = 0;  // of the class; of a number the number
  std::vector<attribution::Explanation> found;
};

// Words below each other, a column for each method: the share and a bar; below, what each method was and did. Lines of
// at most `columns`, as far as there is room for the numbers.
std::string table_of(const Told& told, const Asked& asked, size_t columns);

// {"text", "pair"?, "task"?, "class"?, "of", "value", "probability"?, "absent", "methods": {NAME: {"words": [{"word",
// "second"?, "begin", "end", "share", "error"?}], "value", "baseline"?, "delta"?, "runs", "complete"?}}}
nn::ordered_json json_of(const Told& told, const Asked& asked);

// A share as a bar of at most `width` columns, `most` the largest size: filled for, hatched against.
std::string bar(double share, double most, size_t width);

}  // namespace explain
