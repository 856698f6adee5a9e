// OpenDocument: content.xml holds all sheets; a cell or row may stand for many alike (OpenDocument 1.2, part 1, 9).
// Read tasks/files/workbook.h before.
#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/base.h"
#include "engine/strings.h"
#include "tasks/files/workbook.h"
#include "tasks/files/xml.h"

namespace files {

using engine::check;
using engine::parse_number;

namespace {

constexpr long kOdsRows = 1 << 20, kOdsColumns = 1 << 14;  // of a sheet, as LibreOffice has it

long repeats(const Attributes& a, std::string_view name) {
  return std::clamp(parse_number<long>(a[name]).value_or(1), 1L, kOdsRows);
}

// "PT26H05M00S" is 26:05:00; what is no duration stays.
std::string duration_text(std::string_view duration) {
  const auto part = [&](char unit) -> double {
    const size_t end = duration.find(unit), from = duration.find_last_not_of("0123456789.", end == 0 ? 0 : end - 1);
    return end == duration.npos || from == duration.npos
               ? 0
               : parse_number<double>(duration.substr(from + 1, end - from - 1)).value_or(0);
  };
  if (!duration.starts_with("PT")) return std::string(duration);
  duration.remove_prefix(1);
  return time_text(std::lround(part('H') * 3600 + part('M') * 60 + part('S')));
}

// What a cell that is no string holds, by its attributes; a string's is in its paragraphs.
std::string value_of(const Attributes& a) {
  const std::string_view type = a["value-type"];
  if (type == "float" || type == "percentage" || type == "currency") return number_text(a["value"]);
  if (type == "time") return duration_text(a["time-value"]);
  if (type == "boolean") return a["boolean-value"] == "true" ? "TRUE" : "FALSE";
  if (type == "string") return std::string(a["string-value"]);
  std::string day(a["date-value"]);
  if (day.ends_with("T00:00:00")) day.resize(day.size() - 9);
  return day;
}

// The cells of one sheet. Notes and drawings have paragraphs of their own, which are no cell's.
class OdsSheet {
 public:
  OdsSheet(const Archive& archive, const std::string& name, size_t sheet) : cells_(archive, name), sheet_(sheet) {}

  void start(std::string_view name, const Attributes& a) {
    if (name == "table" && depth_++ == 0) here_ = tables_++ == sheet_;
    if (!here_ || depth_ != 1) return;
    if (name == "annotation" || name == "frame" || name == "shapes" || name == "custom-shape") ++aside_;
    if (aside_ > 0) return;
    if (name == "table-row") {
      row_repeats_ = repeats(a, "number-rows-repeated");
      row_.clear();
      column_ = 0;
    } else if (name == "table-cell" || name == "covered-table-cell") {
      cell_repeats_ = repeats(a, "number-columns-repeated");
      value_ = value_of(a);
      text_.clear();
      paragraphs_ = 0;
    } else {
      start_text(name, a);
    }
  }

  void end(std::string_view name) {
    if (name == "table") --depth_;
    if (!here_ || depth_ != 1) return;
    if (name == "annotation" || name == "frame" || name == "shapes" || name == "custom-shape") --aside_;
    if (aside_ > 0) return;
    if (name == "p" || name == "h") in_paragraph_ = false;
    if (name == "table-cell" || name == "covered-table-cell") end_cell();
    if (name == "table-row") end_row();
  }

  // Blanks and line ends of the XML are one blank; more are written as elements.
  void text(std::string_view characters) {
    if (!here_ || !in_paragraph_ || aside_ > 0) return;
    for (const char c : characters) {
      const bool blank = c == ' ' || c == '\n' || c == '\t' || c == '\r';
      if (!blank || !blank_) text_ += blank ? ' ' : c;
      blank_ = blank;
    }
  }

  Sheet finish() { return cells_.finish(); }

 private:
  void start_text(std::string_view name, const Attributes& a) {
    if (name == "p" || name == "h") {
      if (paragraphs_++ > 0) text_ += '\n';
      in_paragraph_ = blank_ = true;
    }
    if (!in_paragraph_) return;
    if (name == "s") text_.append(size_t(std::min(parse_number<long>(a["c"]).value_or(1), 10'000L)), ' ');
    if (name == "tab") text_ += '\t';
    if (name == "line-break") text_ += '\n';
    if (name == "s" || name == "tab" || name == "line-break") blank_ = false;
  }

  void end_cell() {
    std::string value = value_.empty() ? std::exchange(text_, {}) : std::move(value_);
    if (!value.empty()) {
      check(column_ + cell_repeats_ <= kOdsColumns, "{}: a row with more than {} columns", cells_.where(), kOdsColumns);
      for (long i = 0; i < cell_repeats_; ++i) row_.emplace_back(column_ + i, value);
    }
    column_ += cell_repeats_;
  }

  void end_row() {
    check(row_.empty() || at_ + row_repeats_ <= kOdsRows, "{}: more than {} rows", cells_.where(), kOdsRows);
    if (!row_.empty())
      for (long r = 0; r < row_repeats_; ++r)
        for (const auto& [column, value] : row_) cells_.add(at_ + r, column, value);
    at_ += row_repeats_;
    row_.clear();
  }

  SheetBuilder cells_;
  const size_t sheet_;
  size_t tables_ = 0;
  int depth_ = 0, aside_ = 0, paragraphs_ = 0;
  bool here_ = false, in_paragraph_ = false, blank_ = false;
  long at_ = 0, column_ = 0, row_repeats_ = 1, cell_repeats_ = 1;
  std::vector<std::pair<long, std::string>> row_;  // the columns of a row that hold something
  std::string value_, text_;
};

void read_content(const Archive& archive, XmlEvents events) {
  if (archive.has("META-INF/manifest.xml"))
    check(archive.read("META-INF/manifest.xml").find("encryption-data") == std::string::npos,
          "{}: a workbook with a password: open it, take the password away and save it as .ods, .xlsx or CSV",
          archive.path());
  XmlReader reader(std::move(events), archive.path() + ": content.xml");
  archive.read("content.xml", [&](std::string_view bytes) { reader.feed(bytes); });
  reader.finish();
}

}  // namespace

std::vector<std::string> ods_sheets(const Archive& archive) {
  std::vector<std::string> names;
  int depth = 0;
  read_content(archive, {.start =
                             [&](std::string_view name, const Attributes& a) {
                               if (name == "table" && depth++ == 0) names.emplace_back(a["name"]);
                             },
                         .end = [&](std::string_view name) { depth -= name == "table"; }});
  return names;
}

Sheet read_ods(const Archive& archive, const std::string& name, size_t sheet) {
  OdsSheet cells(archive, name, sheet);
  read_content(archive, {.start = [&](std::string_view element, const Attributes& a) { cells.start(element, a); },
                         .end = [&](std::string_view element) { cells.end(element); },
                         .text = [&](std::string_view characters) { cells.text(characters); }});
  return cells.finish();
}

}  // namespace files
