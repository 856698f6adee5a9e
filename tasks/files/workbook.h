// Workbooks: the sheets of an .xlsx or .ods as rows of texts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tasks/files/archive.h"

namespace files {

// The cells of a sheet that hold something, as a CSV would: numbers as short as they are exact (4, not 4.0), days as
// 2024-03-01, with a time 2024-03-01T14:30:00, a time alone 14:30:00, TRUE and FALSE, errors as they show (#N/A), the
// value of a formula that was last computed. Of merged cells the first has the value.
struct Sheet {
  std::vector<std::vector<std::string>> rows;  // all as wide as the widest; rows without a value are left out
  std::vector<long> lines;                     // the number of each row in the sheet, from 1
};

class Workbook {
 public:
  static bool is(const Archive& archive);
  // Error: what is amiss with the workbook, or a password. The archive must outlive it.
  explicit Workbook(const Archive& archive);

  const std::vector<std::string>& sheets() const { return names_; }  // one at least
  // Error: more cells than an archive of this size may hold (most_unpacked).
  Sheet read(size_t sheet) const;

 private:
  const Archive& archive_;
  bool ods_;
  std::vector<std::string> names_, parts_;  // parts_: of an .xlsx the XML of each sheet
};

// What reads cells puts them here, row by row.
class SheetBuilder {
 public:
  SheetBuilder(const Archive& archive, const std::string& sheet);
  const std::string& where() const { return where_; }  // how errors begin
  // From 0; an empty value is none. Error: a row above the one before; too much.
  void add(long row, long column, std::string value);
  Sheet finish();

 private:
  void charge(size_t bytes);

  std::string where_;
  size_t most_, bytes_ = 0, width_ = 0;
  Sheet out_;
};

// A number as a cell shows it with all its digits: 15 of them, as spreadsheets have it. What is none stays.
std::string number_text(std::string_view number);
// "14:30:00"; hours may be more than 23.
std::string time_text(long seconds);

// xlsx.cpp
struct SheetPart {
  std::string name, part;
};
std::vector<SheetPart> xlsx_sheets(const Archive& archive);
Sheet read_xlsx(const Archive& archive, const std::string& name, const std::string& part);
// ods.cpp
std::vector<std::string> ods_sheets(const Archive& archive);
Sheet read_ods(const Archive& archive, const std::string& name, size_t sheet);

}  // namespace files
