// A table of any size, a block of rows at a time: memory holds a block, not the file.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "tasks/text/table_parser.h"

namespace text {

class TableBlocks {
 public:
  // `rows` in every block but the last, bytes read at a time. "-" is standard input. A regular file is read once
  // before, so that errors come first, the form of a CSV is that of all of it, and the number of its rows is known; of
  // a pipe the first bytes decide. What is packed, a workbook, or no UTF-8 and of no named encoding (read_table says
  // what it can read) lies in memory whole. Error: as read_table.
  TableBlocks(const std::string& path, const TableOptions& options, long rows = 1024, size_t bytes = 1 << 20);
  ~TableBlocks();

  bool next();                                          // goes on to the next block; false at the end
  const Table& table() const { return table_; }         // the rows of this block; the warnings up to it
  std::optional<long> total() const { return total_; }  // rows in all, if known
  const std::string& format() const { return format_; }
  char separator() const { return separator_; }  // of a TSV or CSV, from the first block on; 0: of neither

 private:
  class Bytes;
  static bool streams(const std::string& path, const std::string& encoding, size_t bytes);
  void look_at_all(const std::string& path, const TableOptions& options, size_t bytes);
  void keep(Table table);
  void take(long rows);

  long rows_;
  std::optional<long> total_;
  Table pending_, table_;  // read and not handed over; the block
  CsvForm form_;
  std::string format_;
  char separator_ = 0;
  std::unique_ptr<Bytes> file_;  // nothing when all of it is pending
  std::unique_ptr<TableParser> parser_;
  std::string first_;  // of a pipe, read to see what it is
  bool ended_ = false;
};

}  // namespace text
