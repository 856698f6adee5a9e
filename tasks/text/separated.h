// Rows of fields with a separator between them: TSV, which does not quote, and CSV, which does.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "engine/base.h"
#include "tasks/text/data.h"

namespace text {

// Calls body(line, number) for each line, numbers from 1, without its \n, \r\n or \r\r\n.
template <class Body>
void for_each_line(std::string_view bytes, Body body) {
  long number = 0;
  for (size_t start = 0; start < bytes.size();) {
    const size_t end = std::min(bytes.find('\n', start), bytes.size());
    std::string_view line = bytes.substr(start, end - start);
    while (line.ends_with('\r')) line.remove_suffix(1);
    body(line, ++number);
    start = end + 1;
  }
}

// That none of the rows is wider or narrower than the first.
bool even(const Table& table);

// Appends to table.rows and table.lines. Error: file and line of a quote that nothing closes or that has text behind it,
// unless all of the file can be read with quotes written \" (a warning).
void parse_tsv(std::string_view bytes, char separator, Table& table);
void parse_csv(std::string_view bytes, char separator, Table& table);

}  // namespace text
