// What a file is by its first bytes, and what is in it when it is packed.
#pragma once

#include <string>
#include <string_view>

namespace files {

struct Content {
  std::string name;       // by whose extension its format goes: reviews.csv of reviews.csv.gz
  std::string bytes;      // unpacked
  bool workbook = false;  // the bytes are a workbook: .xlsx or .ods
};

// Out of gzip (one member or several) and out of a zip archive with one file in it, one in the other if need be;
// anything else as it is. Neither asks the file's name. Error: several files in an archive (their names), a password,
// an end too soon, more bytes than most_unpacked(); kinds of files that are no text and no table: an old workbook, a
// document, other packers, each with what to do.
Content unpack(std::string bytes, const std::string& path);

// The last of these errors alone, for bytes that are not unpacked.
void check_kind(std::string_view bytes, const std::string& path);
// Error: the first kBeginning bytes begin a web page or other XML, which sites save as .xls or .csv.
inline constexpr size_t kBeginning = 4096;
void check_page(std::string_view bytes, const std::string& path);

}  // namespace files
