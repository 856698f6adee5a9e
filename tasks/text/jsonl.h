// JSON lines: an object a line, a row each.
#pragma once

#include <string_view>

#include "tasks/text/data.h"

namespace text {

// Appends to table.rows, table.lines and table.nested, on request to table.objects; the first line of the bytes has the
// number `line`. Columns that have no names yet, `first_row` 0, are named by the keys of the first object and by those
// that are optional; keys that are no columns are counted in a warning, unless the objects are kept. Half a surrogate
// pair, "\ud83d", becomes U+FFFD, with a warning.
// Error: what is no object, and a key of the first that a later one lacks and may not, with the line.
void parse_jsonl(std::string_view bytes, long line, long first_row, const TableOptions& options, Table& table);

// Of an object of Table::objects.
std::vector<std::string> keys_of(std::string_view object, const std::string& where);

}  // namespace text
