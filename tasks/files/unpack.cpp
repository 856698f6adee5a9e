// Magic bytes decide. Read tasks/files/gunzip.h and tasks/files/archive.h before.
#include "tasks/files/unpack.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include "engine/base.h"
#include "engine/strings.h"
#include "tasks/files/archive.h"
#include "tasks/files/gunzip.h"
#include "tasks/files/workbook.h"

namespace files {

using engine::check;
using engine::fail;

namespace {

constexpr std::string_view kZip = "PK\x03\x04", kEmptyZip = "PK\x05\x06", kOffice = "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";

// "Book" as a compound file writes the names of its streams: UTF-16.
std::string wide(std::string_view ascii) {
  std::string out;
  for (const char c : ascii) out += {c, '\0'};
  return out;
}

[[noreturn]] void refuse_old_office(std::string_view bytes, const std::string& path) {
  if (bytes.find(wide("EncryptedPackage")) != bytes.npos)
    fail("{}: a workbook with a password: open it, take the password away and save it as .xlsx or as CSV", path);
  if (bytes.find(wide("Book")) != bytes.npos || bytes.find(wide("Workbook")) != bytes.npos)
    fail("{}: an old Excel workbook (.xls): open it and save it as .xlsx, or as \"CSV UTF-8\"", path);
  fail("{}: an old Office document, no table: save its table as .xlsx or as CSV", path);
}

std::string gunzip(std::string_view bytes, const std::string& path) {
  Gunzip gunzip(path);
  const size_t most = most_unpacked(bytes.size());
  std::string out, block(1 << 16, '\0');
  for (size_t got = block.size(); got == block.size();) {
    got = gunzip.unpack(bytes, block.data(), block.size());
    out.append(block, 0, got);
    check(out.size() <= most, "{}: unpacks to more than {} MB, far more than a text of this size does: gunzip it first",
          path, most / 1'000'000);
  }
  gunzip.finish();
  return out;
}

// What systems put into archives beside the user's files.
bool is_of_the_system(const std::string& name) {
  const std::string file = std::filesystem::path(name).filename();
  return name.starts_with("__MACOSX/") || file.starts_with(".") || file == "Thumbs.db" || file == "desktop.ini";
}

std::string only_file(const Archive& archive) {
  const std::string& path = archive.path();
  for (const auto& [part, what] : {std::pair{"word/document.xml", "a Word document"},
                                   {"ppt/presentation.xml", "a PowerPoint presentation"},
                                   {"xl/workbook.bin", "a binary Excel workbook (.xlsb)"},
                                   {"Index/Document.iwa", "an Apple Numbers or Pages document"},
                                   {"mimetype", "an OpenDocument file that is no sheet"}})
    check(!archive.has(part), "{}: {}: save its table as .xlsx or as CSV", path, what);
  std::vector<std::string> names;
  for (const std::string& name : archive.names())
    if (!is_of_the_system(name)) names.push_back(name);
  check(!names.empty(), "{}: an empty zip archive", path);
  if (names.size() == 1) return names[0];
  std::vector<std::string> shown;
  for (size_t i = 0; i < std::min<size_t>(names.size(), 8); ++i) shown.push_back(engine::shown(names[i], 60));
  fail("{}: a zip archive with {} files ({}{}): unzip it and name those that you mean", path, names.size(),
       fmt::format("{}", fmt::join(shown, ", ")), names.size() > shown.size() ? ", ..." : "");
}

std::string without_gz(const std::string& name) {
  const std::filesystem::path path(name);
  return path.extension() == ".gz" || path.extension() == ".gzip" ? std::string(path.stem()) : name;
}

}  // namespace

void check_kind(std::string_view bytes, const std::string& path) {
  constexpr std::pair<std::string_view, const char*> kOthers[] = {
      {kZip, "a zip archive or a workbook: unzip it, or save the sheet as CSV"},
      {kEmptyZip, "an empty zip archive"},
      {"\xFD"
       "7zXZ",
       "compressed by xz: unxz it first"},
      {"\x28\xB5\x2F\xFD", "compressed by zstd: unzstd it first"},
      {"7z\xBC\xAF\x27\x1C", "a 7z archive: unpack it first"},
      {"Rar!\x1A\x07", "a rar archive: unpack it first"},
      {"%PDF-", "a PDF, no table: save the table that it was made from"},
      {"{\\rtf1", "rich text (RTF), no table: save it as plain text or as CSV"},
      {"PAR1\x15", "a Parquet file: save it as CSV or JSONL"},
      {"SQLite format 3", "an SQLite database: export the table as CSV"}};
  check(!Gunzip::is(bytes), "{}: compressed by gzip: gunzip it first", path);
  for (const auto& [start, what] : kOthers) check(!bytes.starts_with(start), "{}: {}", path, what);
  check(!(bytes.size() > 4 && bytes.starts_with("BZh") && bytes.substr(4).starts_with("1AY&SY")),
        "{}: compressed by bzip2: bunzip2 it first", path);
  if (bytes.starts_with(kOffice)) refuse_old_office(bytes, path);
}

void check_page(std::string_view bytes, const std::string& path) {
  bytes = bytes.substr(0, kBeginning);
  const std::string start = engine::ascii_lower(
      std::string(bytes.substr(std::min(bytes.find_first_not_of(" \t\r\n\xEF\xBB\xBF"), bytes.size()), 14)));
  for (const char* page : {"<!doctype html", "<html", "<table", "<?xml"})
    check(!start.starts_with(page), "{}: {}, whatever its name says: open it and save it as .xlsx or as CSV", path,
          start.starts_with("<?xml") ? "an XML file" : "a web page (HTML)");
}

Content unpack(std::string bytes, const std::string& path) {
  Content content{path, std::move(bytes)};
  constexpr int kDeepest = 4;  // an .xlsx in a zip in a gzip
  for (int depth = 0; depth < kDeepest; ++depth) {
    if (Gunzip::is(content.bytes)) {
      content.bytes = gunzip(content.bytes, path);
      content.name = without_gz(content.name);
    } else if (content.bytes.starts_with(kZip)) {
      std::string file;
      {
        const Archive archive(content.bytes, path);
        if ((content.workbook = Workbook::is(archive))) return content;
        content.name = only_file(archive);
        file = archive.read(content.name);
      }
      content.bytes = std::move(file);
    } else {
      check_kind(content.bytes, path);
      check_page(content.bytes, path);
      return content;
    }
  }
  fail("{}: packed more than {} times: unpack it first", path, kDeepest - 1);
}

}  // namespace files
