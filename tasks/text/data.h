// Data files: a table of strings out of TSV, CSV or JSONL, then examples with labels out of a table.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tasks/text/labels.h"

namespace text {

// Something to tell the user that does not stop the work; the caller prints it.
struct Warning {
  std::string what;   // "invalid UTF-8 became U+FFFD"
  long count = 0;     // how many times; 0: not said
  std::string first;  // where first, file:line
};
// Adds to a warning of the same kind, or else appends.
void add_warning(std::vector<Warning>& warnings, const Warning& warning);
std::string to_string(const Warning& warning);  // reviews.tsv:217: invalid UTF-8 became U+FFFD (3 times)

struct TableOptions {
  // Of a text: tsv, csv or jsonl; empty: by the extension .tsv .txt .csv .jsonl. Or txt: each line a row of one column,
  // "text".
  std::string format;
  bool header = true;             // the first row of a TSV, CSV or sheet names the columns
  std::string encoding = "auto";  // found out, see to_utf8(); or its name
  std::string delimiter = "";  // of a TSV or CSV: a character or comma, semicolon, tab, pipe; empty: as the file says
  std::string sheet = "";      // of a workbook: its name or number from 1; empty: the first
  std::string likely_delimiter = "";            // as delimiter, but only of a TSV or CSV whose first line has it
  bool keep_objects = false;                    // of JSONL: Table::objects, which lack no key
  std::vector<std::string> optional_keys = {};  // of JSONL: columns that an object, the first one too, may lack: empty
};

// A value of JSONL that is not one value.
struct Nested {
  bool list = false;               // of strings, numbers, true and false; else an object, or a list with lists in it
  std::vector<std::string> items;  // of a list
};

struct Table {
  std::string path;
  std::vector<std::string> columns;            // their names; 1, 2, 3 ... without a header
  std::vector<std::vector<std::string>> rows;  // each as long as columns, all UTF-8
  std::vector<long> lines;                     // where each row starts in the file, from 1
  std::vector<Warning> warnings;
  bool marked = false;                                 // it began with a byte-order mark
  std::vector<std::string> objects = {};               // of JSONL, on request: every row as it is written
  std::map<std::pair<size_t, size_t>, Nested> nested;  // of JSONL, by row and column
  std::string hint = "";                               // what an error about the columns should add

  size_t column(const std::string& name_or_number) const;  // by name, or by number from 1; Error: lists what there is
};

void drop_byte_order_marks(std::string_view& bytes);
// Of the bytes of a file behind its first `before`. Error: UTF-16, a packed file, a workbook, or a NUL, by name.
void check_text(std::string_view bytes, const std::string& path, long before = 0);

// The whole file, or of "-" standard input. Error: no such file, a directory, not readable, empty.
std::string read_file(const std::string& path);

//   TSV    split at tabs, no quoting; an empty line is no row, unless the table has a single column
//          without a header, fields past those of the first row are left out; a warning counts those that are not empty
//   CSV    RFC 4180: quoted fields may hold commas, line ends and doubled quotes; an empty line is no row. Of quotes
//          that are written \" the whole file is read so, with a warning; other text behind a closing quote is an error
//   JSONL  one object a line, the keys of the first and optional ones are the columns, a warning counts others; null is
//          empty, a number as it is written, and a list of strings and numbers these with blanks between; a list is
//          several labels where a task has several; where a label is expected it is refused, as an object is
//   workbook  .xlsx or .ods, whatever its name: the values of a sheet, an empty row is no row (tasks/files/workbook.h)
// Any of them also out of gzip or of a zip archive (tasks/files/unpack.h). \r\n is tolerated, \r alone where no \n is;
// in any encoding (tasks/text/encoding.h). Table::lines of a workbook are the rows of the sheet.
Table read_table(const std::string& path, const TableOptions& options = {});
Table parse_table(std::string bytes, const std::string& path,
                  const TableOptions& options = {});  // the same from memory

struct Columns {
  std::string text = "text";
  std::string label = "label";   // empty: the file has no labels
  std::string split = "";        // empty: the file has no split
  std::string pair = "";         // a second text; empty: none
  std::string rationale = "";    // passages that explain the label; empty: none
  std::string target = "";       // kept as it stands, for targets that are no class; empty: none
  std::string every_label = "";  // if not empty, what the label column of every row would hold: a file for each class
};

// Whether a text has no words, and so no pieces: nothing but spaces of any kind, control and format characters.
bool is_blank(std::string_view text);

struct Example {
  std::string text;
  std::string pair = "";  // the second text, if there are two
  int label = -1;         // -1: none
  std::string split = "";
  std::string where = "";      // reviews.tsv:217
  std::string rationale = "";  // passages of the text that explain the label, with | between them
  std::string target = "";     // what the target column holds
  std::optional<std::vector<std::string>> targets = {};  // if it is a list of JSON: its items
};

struct Examples {
  std::vector<Example> rows;
  Labels labels;                  // those given, or those of the data
  Columns columns = {};           // those of the first file
  std::vector<Warning> warnings;  // the table's, and empty texts
};

// What several files hold together, in their order.
struct Source {
  Table table;
  Columns columns;
};
// Error: reviews.tsv:217: label 'postive' is not one of negative, positive, neutral (did you mean 'positive'?)
Examples to_examples(const std::vector<Source>& sources, const Labels& labels = {});

}  // namespace text
