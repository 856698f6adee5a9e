// Rows of fields with a separator between them: TSV, which does not quote, and CSV, which does.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>

#include "engine/base.h"
#include "tasks/text/data.h"

namespace text {

// Calls body(line, number) for each line, numbers from `first` on, without its \n, \r\n or \r\r\n.
template <class Body>
void for_each_line(std::string_view bytes, long first, Body body) {
  long number = first - 1;
  for (size_t start = 0; start < bytes.size();) {
    const size_t end = std::min(bytes.find('\n', start), bytes.size());
    std::string_view line = bytes.substr(start, end - start);
    while (line.ends_with('\r')) line.remove_suffix(1);
    body(line, ++number);
    start = end + 1;
  }
}

// A separator from its name: comma, semicolon, tab, pipe, or an ASCII character itself; 0 of an empty name.
char separator_of(const std::string& name);
std::string name_of_separator(char separator);

// The separator that a first line has most of outside of quotes, of , ; tab | the first; 0 if it has none.
char separator_in(std::string_view line);

// Of a table or a file of lines, in bytes: what is longer is refused before it is read to its end.
inline constexpr size_t kLongestLine = size_t{16} << 20;

// How a CSV is written: what stands between its fields, and whether a quote inside quotes is \" instead of "".
struct CsvForm {
  char separator = ',';
  bool escapes = false;
};

// These append to table.rows and table.lines; the first line has the number `line`. They return how many bytes the rows
// took: all, unless a CSV that is not the `last` of its file ends inside of a row. Bytes that are not the last end with
// a line. Error: file and line of a quote that nothing closes or that has text behind it.
size_t parse_tsv(std::string_view bytes, char separator, bool one_column, long line, Table& table);
size_t parse_csv(std::string_view bytes, const CsvForm& form, long line, bool last, Table& table);

// What all of a CSV comes to, read with a form: good if without an error and with rows of one width.
struct CsvSurvey {
  long rows = 0;
  bool good = true;
};
CsvSurvey survey_csv(std::string_view bytes, const CsvForm& form, bool last);

// The form of a CSV. Separator 0: with a header a comma if its line has one and the rows agree, else the one that it
// has most of. Quotes as RFC 4180 has them, unless only the other form can be read, or is read with rows that this one
// has lost. `backslashes`: whether \" occurs at all; `survey` is asked in doubt only.
CsvForm find_form(std::string_view first_line, char separator, bool header, bool backslashes,
                  const std::function<CsvSurvey(const CsvForm&)>& survey);

}  // namespace text
