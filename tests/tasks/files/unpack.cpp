// Packed files: what comes out, whatever they are called, and the sentence for each that holds no table.
// Read tasks/files/unpack.h before.
#include "tasks/files/unpack.h"

#include <doctest/doctest.h>

#include "tests/support/packed.h"

using namespace files;
using test::error_of;
using test::gzip_of;
using test::zip_of;

namespace {

std::string unpacked(const std::string& bytes, const std::string& path) { return unpack(bytes, path).bytes; }
std::string refused(const std::string& bytes, const std::string& path = "r.csv") {
  return error_of([&] { unpack(bytes, path); });
}

}  // namespace

TEST_CASE("unpack: gzip goes by its first bytes, its members are one file, and the name behind .gz says the format") {
  const std::string text = "text,label\nfine,1\n" + std::string(200'000, 'x');
  const Content content = unpack(gzip_of(text), "reviews.csv.gz");
  CHECK(content.bytes == text);
  CHECK(content.name == "reviews.csv");
  CHECK(!content.workbook);
  CHECK(unpack(gzip_of(text), "reviews.csv").name == "reviews.csv");
  CHECK(unpacked(gzip_of("a,b\n") + gzip_of("") + gzip_of("c,d\n"), "r.csv") == "a,b\nc,d\n");
  CHECK(unpacked(gzip_of("a") + std::string(100, '\0'), "r.csv") == "a");
  CHECK(unpacked("text,label\n", "r.csv.gz") == "text,label\n");
}

TEST_CASE("unpack: a gzip that is cut off, damaged or followed by something else is refused") {
  const std::string whole = gzip_of(std::string(1000, 'a') + "and more");
  CHECK(refused(whole.substr(0, whole.size() - 3)) ==
        "r.csv: compressed by gzip, and ends in the middle: was it copied whole?");
  std::string damaged = whole;
  damaged[damaged.size() - 6] ^= 1;  // of the checksum
  CHECK(refused(damaged) == "r.csv: compressed by gzip, and damaged");
  CHECK(refused(whole + "text") == "r.csv: compressed by gzip, and something else stands behind it");
}

TEST_CASE("unpack: a zip archive with one file is that file, one in the other too; of several the names are said") {
  const Content content = unpack(zip_of({{"survey/answers.csv", "a,b\n"}, {"__MACOSX/._answers.csv", "x"}}), "r.zip");
  CHECK(content.name == "survey/answers.csv");
  CHECK(content.bytes == "a,b\n");
  CHECK(unpack(zip_of({{"r.csv.gz", gzip_of("a,b\n")}}), "r.zip").name == "r.csv");
  CHECK(refused(zip_of({{"a.csv", "a"}, {"b.csv", "b"}}), "r.zip") ==
        "r.zip: a zip archive with 2 files (a.csv, b.csv): unzip it and name those that you mean");
  CHECK(refused(zip_of({{".hidden", "a"}}), "r.zip") == "r.zip: an empty zip archive");
  CHECK(refused(zip_of({{"a.csv", "a,b\n"}}, "secret"), "r.zip") ==
        "r.zip: a.csv: has a password: unpack it and name the file in it");
  CHECK(refused(zip_of({{"a.csv", "a,b\n"}}).substr(0, 60), "r.zip").starts_with("r.zip: begins like a zip archive"));
  CHECK(refused(gzip_of(gzip_of(gzip_of(gzip_of(gzip_of("a")))))) ==
        "r.csv: packed more than 3 times: unpack it first");
}

TEST_CASE("unpack: a small file that unpacks to gigabytes is refused before they are there") {
  const std::string bomb = gzip_of(std::string(size_t{300} << 20, 'a'));
  REQUIRE(bomb.size() < 1 << 20);
  CHECK(refused(bomb).starts_with("r.csv: unpacks to more than 2"));
  CHECK(refused(zip_of({{"a.csv", std::string(size_t{300} << 20, 'a')}}), "r.zip")
            .starts_with("r.zip: a.csv: unpacks to more than 2"));
}

TEST_CASE("unpack: what is neither text nor table is named, with what to do") {
  const auto wide = [](const std::string& ascii) {
    std::string out;
    for (const char c : ascii) out += {c, '\0'};
    return out;
  };
  const std::string office = "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1" + std::string(500, '\0');
  CHECK(refused(office + wide("Workbook"), "r.xls") ==
        "r.xls: an old Excel workbook (.xls): open it and save it as .xlsx, or as \"CSV UTF-8\"");
  CHECK(refused(office + wide("EncryptedPackage"), "r.xlsx") ==
        "r.xlsx: a workbook with a password: open it, take the password away and save it as .xlsx or as CSV");
  CHECK(refused(office + wide("WordDocument"), "r.doc").starts_with("r.doc: an old Office document, no table"));
  CHECK(refused(zip_of({{"word/document.xml", "<x/>"}}), "r.docx") ==
        "r.docx: a Word document: save its table as .xlsx or as CSV");
  CHECK(refused("\xEF\xBB\xBF\n<HTML><body>", "r.xls") ==
        "r.xls: a web page (HTML), whatever its name says: open it and save it as .xlsx or as CSV");
  CHECK(refused("%PDF-1.7") == "r.csv: a PDF, no table: save the table that it was made from");
  CHECK(refused("BZh91AY&SY").find("bunzip2") != std::string::npos);
  CHECK(refused("<3 this film,1\n").empty());
  CHECK(refused("BZh, PAR1 and Rar! are words,1\n").empty());
}
