// Bytes to lines to rows: the form is settled at the first line, then every piece is read up to its last whole row.
// Read tasks/text/separated.h before.
#include "tasks/text/table_parser.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "tasks/text/jsonl.h"
#include "tasks/text/letters.h"
#include "tasks/text/utf8.h"

namespace text {

using engine::check;

std::string format_of(const std::string& path, const std::string& name, const std::string& given) {
  const std::string extension = lower(std::filesystem::path(name).extension().string());
  std::string format = given;
  if (format == "txt") return format;
  if (format.empty()) format = extension == ".txt" ? "tsv" : extension.substr(std::min<size_t>(1, extension.size()));
  check(!given.empty() || (extension != ".xlsx" && extension != ".ods"),
        "{}: its name says that it is a workbook, its bytes that it is none: was it copied whole? --format tsv, csv or "
        "jsonl reads it as text",
        path);
  const bool known = format == "tsv" || format == "csv" || format == "jsonl";
  if (given.empty())
    check(known,
          "{}: the extension{} is none of .tsv, .txt, .csv, .jsonl; --format tsv, csv, jsonl or txt says what it is",
          path, name == path ? "" : fmt::format(" of '{}' in it", shown(name)));
  check(known, "format: tsv, csv, jsonl or txt; got '{}'", format);
  return format;
}

void name_columns(Table& table, bool header) {
  if (table.rows.empty()) return;
  if (!header) {
    for (size_t c = 1; c <= table.rows[0].size(); ++c) table.columns.push_back(std::to_string(c));
    return;
  }
  table.columns = std::move(table.rows[0]);
  table.rows.erase(table.rows.begin());
  table.lines.erase(table.lines.begin());
}

TableParser::TableParser(Table& table, const TableOptions& options, FindForm find_form)
    : table_(table),
      options_(options),
      find_form_(std::move(find_form)),
      format_(format_of(table.path, table.path, options.format)),
      separator_(separator_of(options.delimiter)) {
  if (options.encoding != "auto" && options.encoding != "utf-8") decoder_.emplace(options.encoding);
  check(!separator_ || format_ != "jsonl", "{}: a delimiter is for TSV and CSV, not for JSONL", table.path);
  check(options.sheet.empty(), "{}: a sheet is of a workbook; this is {}", table.path, format_);
  if (format_ == "txt") table.columns = {"text"};
}

void TableParser::append(std::string bytes, bool last) {
  if (decoder_) bytes = decoded(bytes, last);
  check_lines(bytes);
  check_text(bytes, table_.path, before_ + long(bytes_.size()));
  bytes_ = bytes_.empty() ? std::move(bytes) : bytes_ + bytes;
  const size_t whole = last ? bytes_.size() : bytes_.rfind('\n') + 1;  // npos + 1 is 0
  if (whole == 0 && !last) return;
  if (before_ == 0 && bytes_.find('\n') == bytes_.npos)  // old Macs'
    std::replace(bytes_.begin(), bytes_.end(), '\r', '\n');
  take(whole);
  const bool table = format_ == "tsv" || format_ == "csv";  // whose form the first line says that is not blank
  if (!begun_ && !last && table && text_.find_first_not_of("\r\n") == text_.npos) return;
  if (!std::exchange(begun_, true)) begin(last);
  if (!last && text_.size() < enough_) return;
  const size_t from = table_.rows.size();
  const size_t taken = parse(last);
  if (first_row_ == 0 && !table_.rows.empty()) {
    first_row_ = table_.lines[0];
    if (format_ == "tsv" || format_ == "csv") name_columns(table_, options_.header);
    if (table_.columns.size() > 1) table_.hint.clear();
  }
  line_ += std::count(text_.begin(), text_.begin() + long(taken), '\n');
  text_.erase(0, taken);
  enough_ = 2 * text_.size();  // a row that does not end is not looked at again and again
  any_ |= table_.rows.size() > from;
  check(!last || any_ || format_ == "txt", "{}: no data rows{}{}", table_.path,
        options_.header && format_ != "jsonl" ? " below the header" : "",
        table_.columns.size() == 1 ? table_.hint : "");
  if (format_ == "tsv") drop_surplus(from);
  check_widths(from);
}

// Before a line is kept, and whatever comes behind it.
void TableParser::check_lines(std::string_view bytes) {
  for (size_t at = 0;; ++at) {
    const size_t end = std::min(bytes.find('\n', at), bytes.size());
    open_line_ += end - at;
    const auto number = [&] {
      long line = line_ + std::count(bytes.begin(), bytes.begin() + long(at), '\n');
      for (const std::string* before : {&text_, &bytes_}) line += std::count(before->begin(), before->end(), '\n');
      return line;
    };
    check(open_line_ <= kLongestLine, "{}:{}: a line of more than {} MiB: no text, or a file without line ends",
          table_.path, open_line_ > kLongestLine ? number() : 0, kLongestLine >> 20);
    if (end == bytes.size()) return;
    open_line_ = 0;
    at = end;
  }
}

std::string TableParser::decoded(std::string_view bytes, bool last) {
  std::string text;
  decoder_->decode(bytes, text);
  if (last) decoder_->finish(text);
  if (last && decoder_->invalid() > 0)
    add_warning(table_.warnings, {fmt::format("what {} does not have became U+FFFD", options_.encoding),
                                  decoder_->invalid(), table_.path});
  return text;
}

// The rows of text_; how many of its bytes they took.
size_t TableParser::parse(bool last) {
  if (format_ == "csv") return parse_csv(text_, form_, line_, last, table_);
  if (format_ != "jsonl") return parse_tsv(text_, separator_, one_column_, line_, table_);
  parse_jsonl(text_, line_, first_row_, options_, table_);
  return text_.size();
}

// Moves `count` bytes of the file from bytes_ to text_.
void TableParser::take(size_t count) {
  std::string piece = count == bytes_.size() ? std::exchange(bytes_, {}) : bytes_.substr(0, count);
  bytes_.erase(0, std::min(count, bytes_.size()));
  before_ += long(count);
  if (before_ == long(count)) {  // the beginning of the file
    std::string_view content = piece;
    drop_byte_order_marks(content);
    table_.marked = content.size() < piece.size();
    piece.erase(0, piece.size() - content.size());
  }
  Repaired repaired = repair_utf8(std::move(piece));
  if (repaired.invalid > 0) {
    const auto begin = repaired.text.begin(), at = begin + long(repaired.first_invalid);
    const long line = line_ + std::count(text_.begin(), text_.end(), '\n') + std::count(begin, at, '\n');
    add_warning(table_.warnings, {kInvalidUtf8, repaired.invalid, fmt::format("{}:{}", table_.path, line)});
  }
  text_ = text_.empty() ? std::move(repaired.text) : text_ + repaired.text;
}

// What the first line says of the form.
void TableParser::begin(bool last) {
  std::string_view text = text_, first = text.substr(0, text.find('\n'));
  if (const char likely = separator_of(options_.likely_delimiter);
      !separator_ && likely && first.find(likely) != first.npos)
    separator_ = likely;
  if (format_ == "tsv" && !separator_) separator_ = '\t';
  if (const char other = separator_in(first); other && (format_ == "tsv" || format_ == "csv"))
    table_.hint = fmt::format("; its first line has another separator: --delimiter {}", name_of_separator(other));
  const std::string_view rows = text.substr(std::min(text.find_first_not_of("\r\n"), text.size()));
  one_column_ = rows.substr(0, rows.find('\n')).find(separator_) == rows.npos;
  if (format_ == "tsv" && one_column_) table_.hint += "; if it is one text a line and nothing else: --format txt";
  if (format_ != "csv") return;
  if (first.starts_with("sep=") && first.find_first_not_of('\r', 5) == first.npos && first.size() > 4) {
    if (!separator_) separator_ = first[4];
    text_.erase(0, first.size() + 1);
    ++line_;
    text = text_;
    first = text.substr(0, text.find('\n'));
  }
  form_ = find_form_ ? find_form_(first, separator_) : look(first, last);
  separator_ = form_.separator;
  if (form_.escapes)
    add_warning(table_.warnings, {"quotes inside quotes are written \\\" and read so", 0, table_.path});
}

CsvForm TableParser::look(std::string_view first_line, bool last) const {
  return text::find_form(first_line, separator_, options_.header, text_.find("\\\"") != text_.npos,
                         [&](const CsvForm& form) { return survey_csv(text_, form, last); });
}

// Files made by machines may end a line with a tab too many; a header says how many fields there should be.
void TableParser::drop_surplus(size_t from) {
  const size_t width = table_.columns.size();
  Warning surplus{fmt::format("fields past the {} of the first row are left out", width), 0, ""};
  for (size_t r = from; r < table_.rows.size(); ++r) {
    std::vector<std::string>& row = table_.rows[r];
    const auto past = row.begin() + long(std::min(width, row.size()));
    const bool empty = std::all_of(past, row.end(), [](const std::string& field) { return field.empty(); });
    if (options_.header && !empty) continue;
    row.erase(past, row.end());
    if (!empty && surplus.count++ == 0) surplus.first = fmt::format("{}:{}", table_.path, table_.lines[r]);
  }
  if (surplus.count > 0) add_warning(table_.warnings, surplus);
}

void TableParser::check_widths(size_t from) const {
  for (size_t r = from; r < table_.rows.size(); ++r)
    check(table_.rows[r].size() == table_.columns.size(), "{}:{}: a row of {} fields; line {} has {}{}", table_.path,
          table_.lines[r], table_.rows[r].size(), first_row_, table_.columns.size(), table_.hint);
}

}  // namespace text
