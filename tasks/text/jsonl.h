// JSON lines: an object a line, a row each.
#pragma once

#include <string_view>

#include "tasks/text/data.h"

namespace text {

// Appends to table.rows, table.lines and table.nested, and names the columns by the keys of the first object.
// Error: what is no object, and a key of the first that a later one lacks, with the line.
void parse_jsonl(std::string_view bytes, Table& table);

}  // namespace text
