// Which kind of workbook an archive is, and the cells of either kind as rows. Read tasks/files/archive.h before.
#include "tasks/files/workbook.h"

#include <cmath>
#include <utility>

#include "engine/base.h"
#include "engine/strings.h"

namespace files {

using engine::check;

namespace {

// What makes an archive an OpenDocument sheet: its kind stands in a file of its own.
bool is_ods(const Archive& archive) {
  return archive.has("mimetype") &&
         archive.read("mimetype").starts_with("application/vnd.oasis.opendocument.spreadsheet");
}

}  // namespace

bool Workbook::is(const Archive& archive) {
  if (is_ods(archive)) return true;
  if (!archive.has("[Content_Types].xml")) return false;
  const std::string types = archive.read("[Content_Types].xml");
  for (const char* main : {"spreadsheetml.sheet.main+xml", "spreadsheetml.template.main+xml",
                           "ms-excel.sheet.macroEnabled.main+xml", "ms-excel.template.macroEnabled.main+xml"})
    if (types.find(main) != types.npos) return true;
  return false;
}

Workbook::Workbook(const Archive& archive) : archive_(archive), ods_(is_ods(archive)) {
  if (ods_) {
    names_ = ods_sheets(archive);
  } else {
    for (SheetPart& sheet : xlsx_sheets(archive)) {
      names_.push_back(std::move(sheet.name));
      parts_.push_back(std::move(sheet.part));
    }
  }
  check(!names_.empty(), "{}: a workbook without a sheet", archive.path());
}

Sheet Workbook::read(size_t sheet) const {
  const std::string& name = names_.at(sheet);
  return ods_ ? read_ods(archive_, name, sheet) : read_xlsx(archive_, name, parts_[sheet]);
}

SheetBuilder::SheetBuilder(const Archive& archive, const std::string& sheet)
    : where_(fmt::format("{}: sheet '{}'", archive.path(), engine::shown(sheet))), most_(archive.most()) {}

void SheetBuilder::charge(size_t bytes) {
  bytes_ += bytes;
  check(bytes_ <= most_,
        "{}: more cells than a workbook of this size should have, {} columns in {} rows and more: save the rows and "
        "columns that you need as CSV",
        where_, width_, out_.rows.size());
}

void SheetBuilder::add(long row, long column, std::string value) {
  if (value.empty()) return;
  if (out_.lines.empty() || out_.lines.back() != row + 1) {
    check(out_.lines.empty() || out_.lines.back() <= row, "{}: row {} stands behind row {}", where_, row + 1,
          out_.lines.empty() ? 0 : out_.lines.back());
    out_.lines.push_back(row + 1);
    out_.rows.emplace_back();
  }
  std::vector<std::string>& cells = out_.rows.back();
  const size_t wide = std::max(cells.size(), size_t(column) + 1);
  width_ = std::max(width_, wide);
  charge(value.size() + (wide - cells.size()) * sizeof(std::string));
  cells.resize(wide);
  cells[size_t(column)] = std::move(value);
}

Sheet SheetBuilder::finish() {
  for (std::vector<std::string>& cells : out_.rows) {
    charge((width_ - cells.size()) * sizeof(std::string));
    cells.resize(width_);
  }
  return std::move(out_);
}

std::string number_text(std::string_view number) {
  const std::optional<double> x = engine::parse_number<double>(number);
  if (!x || !std::isfinite(*x)) return std::string(number);
  if (*x == std::floor(*x) && std::abs(*x) < 1e15) return fmt::format("{}", long(*x));
  return fmt::format("{:.15g}", *x);
}

std::string time_text(long seconds) {
  return fmt::format("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

}  // namespace files
