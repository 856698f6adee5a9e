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

// A separator from its name: comma, semicolon, tab, pipe, or an ASCII character itself; 0 of an empty name.
char separator_of(const std::string& name);

// The separator that a first line has most of outside of quotes, of , ; tab | the first; 0 if it has none.
char separator_in(std::string_view line);

// Appends to table.rows and table.lines. Error: file and line of a quote that nothing closes or that has text behind it,
// unless all of the file can be read with quotes written \" (a warning).
// Separator 0 of a CSV: what a first line sep=; says (it is no row), or with a header a comma if it has one and the rows
// agree, else the one that it has most of.
void parse_tsv(std::string_view bytes, char separator, Table& table);
void parse_csv(std::string_view bytes, char separator, bool header, Table& table);

}  // namespace text
