// Workbooks: what each kind of cell is as a text, where it stands, and what becomes of holes and of too much.
// Read tasks/files/workbook.h before.
#include "tasks/files/workbook.h"

#include <fmt/ranges.h>

#include "tasks/text/data.h"
#include "tests/support/packed.h"

using namespace files;
using test::error_of;
using test::ods_of;
using test::xlsx_of;

namespace {

// Rows as line:cell|cell, a space between two rows.
std::string rows_of(const Sheet& sheet) {
  std::vector<std::string> out;
  for (size_t r = 0; r < sheet.rows.size(); ++r)
    out.push_back(fmt::format("{}:{}", sheet.lines[r], fmt::join(sheet.rows[r], "|")));
  return fmt::format("{}", fmt::join(out, " "));
}

std::string rows(const std::string& bytes, size_t sheet = 0) {
  const Archive archive(bytes, "b.xlsx");
  REQUIRE(Workbook::is(archive));
  return rows_of(Workbook(archive).read(sheet));
}

std::string row(const std::string& cells) { return "<row>" + cells + "</row>"; }

}  // namespace

TEST_CASE("xlsx: shared and inline strings, in runs, without readings beside ideographs, escapes undone") {
  const std::string strings =
      "<sst xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><si><t>gut</t></si><si><r><t>sehr "
      "</t></r>"
      "<r><rPr><b/></rPr><t xml:space=\"preserve\">sch\u00F6n &amp; neu</t></r></si><si><t>\u6771\u4EAC</t><rPh "
      "sb=\"0\" "
      "eb=\"2\"><t>\u30C8\u30A6</t></rPh></si><si><t>a_x000D_\nb_x005F_x</t></si><si/></sst>";
  const std::string cells =
      "<c t=\"s\"><v>0</v></c><c t=\"s\"><v>1</v></c><c t=\"s\"><v>2</v></c><c t=\"s\"><v>3</v></c><c "
      "t=\"s\"><v>4</v></c>"
      "<c t=\"inlineStr\"><is><t>in</t><r><t>line</t></r></is></c><c t=\"str\"><f>A1&amp;\"x\"</f><v>gutx</v></c>";
  CHECK(rows(xlsx_of({{"S", row(cells)}}, {{"xl/sharedStrings.xml", strings}})) ==
        "1:gut|sehr sch\u00F6n & neu|\u6771\u4EAC|a\r\nb_x||inline|gutx");
  CHECK(error_of([&] {
          rows(xlsx_of({{"S", row("<c t=\"s\"><v>9</v></c>")}}, {{"xl/sharedStrings.xml", strings}}));
        }) == "b.xlsx: row 1 asks for string '9' of 5");
}

TEST_CASE("xlsx: numbers as short as they are exact, truth, errors, and holes where no cell is") {
  CHECK(rows(xlsx_of({{"S", row("<c><v>4</v></c><c><v>4.0</v></c><c><v>0.30000000000000004</v></c><c><v>1E-3</v></c>"
                                "<c><v>12345678901</v></c><c t=\"b\"><v>1</v></c><c t=\"b\"><v>0</v></c>"
                                "<c t=\"e\"><v>#N/A</v></c>")}})) == "1:4|4|0.3|0.001|12345678901|TRUE|FALSE|#N/A");
  CHECK(rows(xlsx_of({{"S",
                       "<row r=\"2\"><c r=\"B2\"><v>1</v></c><c r=\"D2\"><v>2</v></c></row><row r=\"3\"/>"
                       "<row r=\"7\"><c r=\"A7\" s=\"3\"/><c r=\"AA7\"><v>3</v></c><c><v>4</v></c></row>"}})) ==
        "2:|1||2|||||||||||||||||||||||| 7:||||||||||||||||||||||||||3|4");
  CHECK(error_of([] {
          rows(xlsx_of({{"S", row("<c r=\"XFE1\"><v>1</v></c>")}}));
        }).starts_with("b.xlsx: a cell 'XFE1' beyond the 1048576 rows"));
}

TEST_CASE("xlsx: a number in the style of a day is that day, of a time that time") {
  const std::string styles =
      "<styleSheet><numFmts><numFmt numFmtId=\"164\" formatCode=\"dd/mm\\ yyyy\"/><numFmt numFmtId=\"165\" "
      "formatCode=\"[h]:mm\"/><numFmt numFmtId=\"166\" "
      "formatCode=\"[Red]0.0&quot;days&quot;\"/></numFmts><cellStyleXfs>"
      "<xf numFmtId=\"14\"/></cellStyleXfs><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/><xf numFmtId=\"164\"/>"
      "<xf numFmtId=\"165\"/><xf numFmtId=\"166\"/><xf numFmtId=\"21\"/><xf numFmtId=\"22\"/></cellXfs></styleSheet>";
  const auto cell = [](int style, const char* value) { return fmt::format("<c s=\"{}\"><v>{}</v></c>", style, value); };
  const std::string cells = cell(0, "45352") + cell(1, "45352") + cell(2, "45352.5") + cell(3, "1.5") + cell(4, "2.5") +
                            cell(5, "0.604166666666667") + cell(6, "45352.604166666664") + cell(1, "59") +
                            cell(1, "61") + cell(1, "-1");
  CHECK(rows(xlsx_of({{"S", row(cells)}}, {{"xl/styles.xml", styles}})) ==
        "1:45352|2024-03-01|2024-03-01T12:00:00|36:00:00|2.5|14:30:00|2024-03-01T14:30:00|1900-02-28|1900-03-01|-1");
}

TEST_CASE("ods: numbers, days, truth, paragraphs, blanks; notes are no text") {
  const auto table = [](const std::string& cells) {
    return ods_of("<table:table table:name=\"S\"><table:table-row>" + cells + "</table:table-row></table:table>");
  };
  CHECK(rows(table(
            "<table:table-cell office:value-type=\"float\" office:value=\"4\"><text:p>4,00</text:p></table:table-cell>"
            "<table:table-cell office:value-type=\"date\" office:date-value=\"2024-03-01\"/>"
            "<table:table-cell office:value-type=\"time\" office:time-value=\"PT26H05M00S\"/>"
            "<table:table-cell office:value-type=\"boolean\" office:boolean-value=\"true\"/>"
            "<table:table-cell office:value-type=\"string\"><office:annotation><text:p>note</text:p>"
            "</office:annotation><text:p>a<text:s text:c=\"2\"/><text:span>b</text:span>\n  c</text:p><text:p>d"
            "</text:p></table:table-cell>")) == "1:4|2024-03-01|26:05:00|TRUE|a  b c\nd");
}

TEST_CASE("ods: repeated cells and rows are as many, and empty ones at the end none") {
  const std::string cell = "<table:table-cell office:value-type=\"string\"><text:p>x</text:p></table:table-cell>";
  const std::string twice = "<table:table-cell table:number-columns-repeated=\"2\"";
  CHECK(rows(ods_of("<table:table table:name=\"S\"><table:table-row table:number-rows-repeated=\"3\">" + twice + "/>" +
                    twice + " office:value-type=\"float\" office:value=\"1\"/></table:table-row><table:table-row>" +
                    cell +
                    "<table:table-cell table:number-columns-repeated=\"16383\"/></table:table-row><table:table-row "
                    "table:number-rows-repeated=\"1048572\"><table:table-cell/></table:table-row></table:table>")) ==
        "1:||1|1 2:||1|1 3:||1|1 4:x|||");
  CHECK(error_of([&] {
          rows(
              ods_of("<table:table table:name=\"S\"><table:table-row table:number-rows-repeated=\"1000000\">"
                     "<table:table-cell table:number-columns-repeated=\"16000\" office:value-type=\"float\" "
                     "office:value=\"1\"/></table:table-row></table:table>"));
        }).starts_with("b.xlsx: sheet 'S': more cells than a workbook of this size should have"));
}

TEST_CASE("workbook: a sheet goes by name or number, a wrong one is answered by the sheets there are") {
  const auto sheet = [](const char* text, const char* label) {
    return fmt::format(
        "<row r=\"1\"><c t=\"str\"><v>text</v></c><c t=\"str\"><v>label</v></c></row>"
        "<row r=\"4\"><c t=\"str\"><v>{}</v></c><c><v>{}</v></c></row>",
        text, label);
  };
  const std::string book =
      xlsx_of({{"Antworten", sheet("gut", "5")}, {"Alt &amp; leer", ""}, {"2023", sheet("alt", "1")}});
  const auto read = [&](const std::string& name) {
    return text::parse_table(book, "b.csv", {.format = "", .sheet = name});  // the name is wrong; it does not matter
  };
  const text::Table first = read("");
  CHECK(first.columns == std::vector<std::string>{"text", "label"});
  CHECK(first.rows[0] == std::vector<std::string>{"gut", "5"});
  CHECK(first.lines[0] == 4);
  REQUIRE(first.warnings.size() == 1);
  CHECK(to_string(first.warnings[0]) ==
        "b.csv: the first of 3 sheets is read, 'Antworten' (Antworten, Alt & leer, 2023); --sheet names another");
  CHECK(read("3").rows[0][0] == "alt");
  CHECK(read("2023").rows[0][0] == "alt");
  CHECK(error_of([&] { read("Antwort"); }) ==
        "b.csv: no sheet 'Antwort'; the sheets are Antworten, Alt & leer, 2023 (did you mean 'Antworten'?)");
  CHECK(error_of([&] { read("2"); }) ==
        "b.csv: sheet 'Alt & leer' is empty; the sheets are Antworten, Alt & leer, 2023");
  CHECK(error_of([&] { text::parse_table("a\n", "r.csv", {.format = "", .sheet = "1"}); }) ==
        "r.csv: a sheet is of a workbook; this is csv");
}

TEST_CASE("workbook: one with a password, one that is damaged and one that is another kind are refused in a line") {
  const auto refused = [](const std::string& bytes) { return error_of([&] { text::parse_table(bytes, "b.xlsx"); }); };
  CHECK(refused(ods_of("<table:table table:name=\"S\"/>", "<m><encryption-data/></m>")).find("password") !=
        std::string::npos);
  CHECK(refused(xlsx_of({{"S", "<row><c>"}})).find("b.xlsx: xl/worksheets/0.xml: not well-formed XML in line 1") == 0);
  CHECK(refused(xlsx_of({})) == "b.xlsx: a workbook without a sheet");
  CHECK(refused(xlsx_of({{"S", "<row r=\"3\"><c><v>1</v></c></row><row r=\"2\"><c><v>1</v></c></row>"}})) ==
        "b.xlsx: sheet 'S': row 2 stands behind row 3");
  CHECK(refused(xlsx_of({{"S", "<row><c t=\"str\"><v>text</v></c></row>"}})) ==
        "b.xlsx: no data rows below the header");
}
