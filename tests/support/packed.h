// Packed files as a test needs them: gzip by zlib, archives by libzip.
#pragma once

#include <zip.h>
#include <zlib.h>

#include <map>

#include "nn/format/files.h"
#include "tests/support/support.h"

namespace test {

inline std::string gzip_of(const std::string& text) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = uInt(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = uInt(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

using Files = std::vector<std::pair<std::string, std::string>>;  // name, content

inline std::string zip_of(const Files& files, const char* password = nullptr) {
  const TemporaryDirectory dir;
  const std::string path = dir.path + "/archive.zip";
  zip_t* archive = zip_open(path.c_str(), ZIP_CREATE, nullptr);
  REQUIRE(archive != nullptr);
  for (const auto& [name, content] : files) {
    zip_source_t* source = zip_source_buffer(archive, content.data(), content.size(), 0);
    const zip_int64_t at = zip_file_add(archive, name.c_str(), source, ZIP_FL_ENC_UTF_8);
    REQUIRE(at >= 0);
    if (password) REQUIRE(zip_file_set_encryption(archive, zip_uint64_t(at), ZIP_EM_AES_256, password) == 0);
  }
  REQUIRE(zip_close(archive) == 0);
  return nn::read_file(path);
}

// An .xlsx with these sheets, each the rows of its sheetData; `more` replaces or adds parts.
inline std::string xlsx_of(const Files& sheets, const std::map<std::string, std::string>& more = {}) {
  std::map<std::string, std::string> parts;
  const std::string office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
  const std::string main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
  parts["[Content_Types].xml"] =
      "<Types><Override PartName=\"/xl/workbook.xml\" "
      "ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml\"/></Types>";
  parts["_rels/.rels"] = fmt::format(
      "<Relationships><Relationship Id=\"a\" Type=\"{}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>",
      office);
  std::string list, relations;
  for (size_t i = 0; i < sheets.size(); ++i) {
    list += fmt::format("<sheet name=\"{}\" sheetId=\"{}\" r:id=\"s{}\"/>", sheets[i].first, 7 - i, i);
    relations +=
        fmt::format("<Relationship Id=\"s{}\" Type=\"{}/worksheet\" Target=\"worksheets/{}.xml\"/>", i, office, i);
    parts[fmt::format("xl/worksheets/{}.xml", i)] =
        fmt::format("<worksheet xmlns=\"{}\"><sheetData>{}</sheetData></worksheet>", main, sheets[i].second);
  }
  parts["xl/workbook.xml"] =
      fmt::format("<workbook xmlns=\"{}\" xmlns:r=\"{}\"><sheets>{}</sheets></workbook>", main, office, list);
  for (const char* part : {"sharedStrings", "styles"})
    if (more.contains(fmt::format("xl/{}.xml", part)))
      relations +=
          fmt::format("<Relationship Id=\"{}\" Type=\"{}/{}\" Target=\"/xl/{}.xml\"/>", part, office, part, part);
  parts["xl/_rels/workbook.xml.rels"] = "<Relationships>" + relations + "</Relationships>";
  for (const auto& [name, content] : more) parts[name] = content;
  return zip_of(Files(parts.begin(), parts.end()));
}

// An .ods whose content.xml holds these tables.
inline std::string ods_of(const std::string& tables, const std::string& manifest = "") {
  const std::string urn = "urn:oasis:names:tc:opendocument:xmlns:";
  Files files{{"mimetype", "application/vnd.oasis.opendocument.spreadsheet"},
              {"content.xml",
               fmt::format("<office:document-content xmlns:office=\"{0}office:1.0\" xmlns:table=\"{0}table:1.0\" "
                           "xmlns:text=\"{0}text:1.0\"><office:body><office:spreadsheet>{1}</office:spreadsheet>"
                           "</office:body></office:document-content>",
                           urn, tables)}};
  if (!manifest.empty()) files.emplace_back("META-INF/manifest.xml", manifest);
  return zip_of(files);
}

}  // namespace test
