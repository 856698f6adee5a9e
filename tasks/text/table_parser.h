// TableParser: what makes rows out of bytes, for whole files and for files of any size, a piece at a time.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tasks/text/encoding.h"
#include "tasks/text/separated.h"

namespace text {

// tsv, csv, jsonl or lines: what is given, or by the extension of `name`, what is in the file at `path` if it was
// packed. Error: another one.
std::string format_of(const std::string& path, const std::string& name, const std::string& given);

// The first row names the columns, or they get numbers.
void name_columns(Table& table, bool header);

// A table from the bytes of a file in pieces of any length: rows, errors and warnings do not depend on where they are
// cut. Each call appends to table.rows and what belongs to them; the caller may take rows away between calls.
class TableParser {
 public:
  // How a CSV is written, by its first line and a separator that is known already, or 0. Without it the parser judges
  // by the bytes up to the call that brings the first line: who has the file in pieces and can see all of it, brings
  // it.
  using FindForm = std::function<CsvForm(std::string_view first_line, char separator)>;
  TableParser(Table& table, const TableOptions& options, FindForm find_form = nullptr);

  // `last`: the file ends with these bytes. Error: as read_table.
  void append(std::string bytes, bool last);
  const std::string& format() const { return format_; }  // tsv, csv, jsonl or lines
  char separator() const { return separator_; }          // of a TSV or CSV, once a line has been seen

 private:
  void begin(bool last);
  std::string decoded(std::string_view bytes, bool last);
  void check_lines(std::string_view bytes);
  void take(size_t count);
  size_t parse(bool last);
  CsvForm look(std::string_view first_line, bool last) const;
  void drop_surplus(size_t from);
  void check_widths(size_t from) const;

  Table& table_;
  TableOptions options_;
  FindForm find_form_;
  std::optional<Decoder> decoder_;     // of anything but UTF-8
  std::string format_, bytes_, text_;  // bytes_: the beginning of a line; text_: of a row, in UTF-8
  size_t open_line_ = 0;               // bytes of the line that has not ended
  size_t enough_ = 1;                  // bytes of text_ before it is worth another look
  long before_ = 0;                    // bytes of the file before bytes_
  long line_ = 1, first_row_ = 0;      // where text_ begins; where the first row does
  char separator_;
  CsvForm form_;
  bool begun_ = false, one_column_ = false, any_ = false;
};

}  // namespace text
