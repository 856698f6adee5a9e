// TableParser: what makes rows out of bytes, for whole files and for files of any size, a piece at a time.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tasks/text/separated.h"

namespace text {

// Adds to a warning of the same kind, or else appends.
void add_warning(std::vector<Warning>& warnings, const Warning& warning);

// A table from the bytes of a file in pieces of any length: rows, errors and warnings do not depend on where they are
// cut. Each call appends to table.rows and what belongs to them; the caller may take rows away between calls.
class TableParser {
 public:
  // How a CSV is written, by its first line and a separator that is known already, or 0. Without it the parser judges by
  // the bytes up to the call that brings the first line: who has the file in pieces and can see all of it, brings it.
  using FindForm = std::function<CsvForm(std::string_view first_line, char separator)>;
  TableParser(Table& table, const TableOptions& options, FindForm find_form = nullptr);

  // `last`: the file ends with these bytes. Error: as read_table.
  void append(std::string bytes, bool last);
  const std::string& format() const { return format_; }  // tsv, csv, jsonl or lines
  char separator() const { return separator_; }          // of a TSV or CSV, once a line has been seen

 private:
  void begin(bool last);
  void to_utf8(size_t count);
  CsvForm look(std::string_view first_line, bool last) const;
  void name_columns();
  void drop_surplus(size_t from);
  void check_widths(size_t from) const;

  Table& table_;
  TableOptions options_;
  FindForm find_form_;
  std::string format_, bytes_, text_;  // bytes_: the beginning of a line; text_: of a row, in UTF-8
  size_t enough_ = 1;                  // bytes of text_ before it is worth another look
  long before_ = 0;                    // bytes of the file before bytes_
  long line_ = 1, first_row_ = 0;      // where text_ begins; where the first row does
  char separator_;
  CsvForm form_;
  bool begun_ = false, one_column_ = false, any_ = false;
};

}  // namespace text
