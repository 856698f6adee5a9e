// Data files: what each format reads, and the exact sentence for each way in which a file can be bad.
// Read tasks/text/data.h before.
#include "tasks/text/data.h"

#include <doctest/doctest.h>
#include <fmt/ranges.h>

#include "tasks/text/utf8.h"
#include "tests/support/support.h"

using namespace text;

namespace {

TableOptions headless(const std::string& format = "") { return {format, false, "utf-8", "", ""}; }

// Rows as line:field|field, a space between two rows.
std::string rows(const std::string& bytes, const std::string& path, const TableOptions& options = {}) {
  const Table table = parse_table(bytes, path, options);
  std::vector<std::string> out;
  for (size_t r = 0; r < table.rows.size(); ++r)
    out.push_back(fmt::format("{}:{}", table.lines[r], fmt::join(table.rows[r], "|")));
  return fmt::format("{}", fmt::join(out, " "));
}

std::string refused(const std::string& bytes, const std::string& path, const TableOptions& options = {}) {
  return test::error_of([&] { parse_table(bytes, path, options); });
}

Examples examples(const std::string& bytes, const Columns& columns = {}, const Labels& labels = {}) {
  return to_examples({{parse_table(bytes, "reviews.tsv"), columns}}, labels);
}

std::string refused_examples(const std::string& bytes, const Columns& columns = {}, const Labels& labels = {}) {
  return test::error_of([&] { examples(bytes, columns, labels); });
}

}  // namespace

TEST_CASE("utf8: one U+FFFD for each maximal subpart, as Python's errors='replace'") {
  const auto replaced = [](std::string_view bytes) { return repair_utf8(std::string(bytes)).invalid; };
  CHECK(replaced("a\xFF"
                 "b\xC3") == 2);
  CHECK(replaced("\xF0\x80\x80\x80") == 4);
  CHECK(replaced("\xE0\x80\xE2\x82") == 3);
  CHECK(replaced("\xED\xA0\x80") == 3);
  CHECK(replaced("\xF4\x90\x80\x80") == 4);
  CHECK(replaced("\xF0\x9F\x98") == 1);
  CHECK(replaced("é中😀\uFFFD") == 0);
  const Repaired repaired = repair_utf8(
      "ab\xE2\x82"
      "c\xFF");
  CHECK(repaired.text == "ab\uFFFDc\uFFFD");
  CHECK(repaired.first_invalid == 2);
}

TEST_CASE("utf8: every code point comes back from its bytes") {
  for (char32_t point = 0; point <= 0x10FFFF; ++point) {
    if (point >= 0xD800 && point <= 0xDFFF) continue;
    std::string bytes;
    append_utf8(bytes, point);
    const std::u32string back = decode_utf8(bytes);
    if (back.size() != 1 || back[0] != point) FAIL("code point " << long(point));
  }
}

TEST_CASE("tsv: tabs split, quotes do not, \\r\\n and a missing last line end are tolerated") {
  CHECK(rows("text\tlabel\r\na \"b\tpos\r\n\"c\tneg", "r.tsv") == "2:a \"b|pos 3:\"c|neg");
  CHECK(rows("a\tb\t\n\t\t\n", "r.txt", headless()) == "1:a|b| 2:||");
}

TEST_CASE("tsv: a carriage return inside a line stays in its field, and is said") {
  const Table table = parse_table("text\tlabel\r\na\rb\tx\r\n", "r.tsv");
  CHECK(table.rows[0] == std::vector<std::string>{"a\rb", "x"});
  REQUIRE(table.warnings.size() == 1);
  CHECK(to_string(table.warnings[0]) ==
        "r.tsv:2: a carriage return inside a line is no line end: it stays in its field (1 in all)");
}

TEST_CASE("csv: a delimiter that is only likely is one where the first line has it") {
  const auto likely = [](const std::string& bytes) {
    return parse_table(bytes, "r.csv", {.format = "", .likely_delimiter = "^"}).rows[0];
  };
  CHECK(likely("text^label\na,b^x\n") == std::vector<std::string>{"a,b", "x"});
  CHECK(likely("text;label\na,b;x\n") == std::vector<std::string>{"a,b", "x"});
}

TEST_CASE("tsv: an empty line is no row, unless the table has a single column") {
  CHECK(rows("text\tlabel\n\na\tb\n\n", "r.tsv") == "3:a|b");
  CHECK(rows("one\n\nthree\n", "r.txt", headless()) == "1:one 2: 3:three");
}

TEST_CASE("csv: quoted fields hold commas, quotes and line ends; rows know the line where they start") {
  CHECK(rows("text,label\r\n\"a, b\",1\r\n\"c\n\"\"d\"\"\n\",2\n\n e ,3", "r.csv") ==
        "2:a, b|1 3:c\n\"d\"\n|2 7: e |3");
  CHECK(rows("a,\"\"\n\"\",b\n", "r.csv", headless()) == "1:a| 2:|b");
  CHECK(rows("a,\"b\r\nc\"\r\n", "r.csv", headless()) == "1:a|b\r\nc");  // they stand in the field as in the file
  CHECK(rows("say \"hi\",1\n", "r.csv", headless()) == "1:say \"hi\"|1");
}

TEST_CASE("csv: text behind a closing quote is refused with the line where its field begins") {
  const std::string twice = ": a quote inside a quoted field is written twice (\"\")";
  CHECK(refused("text,label\n\"a\",1\n\"say \"hi\" now\",2\n", "r.csv") ==
        "r.csv:3: a quoted field begins, and behind its closing quote stands 'hi\" now\"'" + twice);
  CHECK(refused("text,label\n\"a,1\n\"b\",2\n", "r.csv") ==
        "r.csv:2: a quoted field begins, and behind its closing quote in line 3 stands 'b\"'" + twice);
  CHECK(refused("text,label\n\"a\" ,1\n", "r.csv").find("r.csv:2: a quoted field begins") == 0);
  CHECK(refused("text,label\na,1\n\"b\nc,2\n", "r.csv") == "r.csv:3: a quote opens a field and none closes it");
}

TEST_CASE("csv: quotes written with a backslash are read so when RFC 4180 fails or loses rows, and it is said") {
  const std::string bytes = "text,label\n\"said \\\"warm\\\"\",1\n\"a \\\\ \\n \"\"b\"\"\",2\n";
  CHECK(rows(bytes, "r.csv") == "2:said \"warm\"|1 3:a \\ \\n \"b\"|2");
  const Table table = parse_table(bytes, "r.csv");
  REQUIRE(table.warnings.size() == 1);
  CHECK(to_string(table.warnings[0]) == "r.csv: quotes inside quotes are written \\\" and read so");
  CHECK(rows("text,label\n\"a\\\"\",1\n\"\",2\n", "r.csv") == "2:a\"|1 3:|2");  // RFC 4180: one row less, no error
  CHECK(rows("text,label\n\"C:\\\",1\n\"D:\\\",2\n", "r.csv") == "2:C:\\|1 3:D:\\|2");  // RFC 4180 as it stands
  CHECK(refused("text,label\n\"a \\\"b\\\"\",1\n\"c \"d\"\",2\n", "r.csv").find("r.csv:2: a quoted field") == 0);
}

TEST_CASE("jsonl: the keys of the first object are the columns, in their order") {
  CHECK(rows("{\"text\":\"a\\n\\u00e9\",\"label\":1}\n\n{\"label\":null,\"text\":[true],\"more\":0}\n", "r.jsonl") ==
        "1:a\né|1 3:true|");
  CHECK(parse_table("{\"b\":1,\"a\":2}", "r.jsonl").columns == std::vector<std::string>{"b", "a"});
}

TEST_CASE("jsonl: a number stands as it was written, however many digits it has") {
  CHECK(rows("{\"id\":100000000000000000001,\"x\":1.10}\n{\"id\":18446744073709551615,\"x\":-1e2}\n", "r.jsonl") ==
        "1:100000000000000000001|1.10 2:18446744073709551615|-1e2");
}

TEST_CASE("table: columns go by name or by number from 1") {
  const Table table = parse_table("text\tlabel\t3\na\tb\tc\n", "reviews.tsv");
  CHECK(table.column("label") == 1);
  CHECK(table.column("1") == 0);
  CHECK(table.column("3") == 2);
  CHECK(test::error_of([&] { table.column("4"); }) == "reviews.tsv: no column '4'; the columns are text, label, 3");
  CHECK(test::error_of([&] { table.column("0"); }) == "reviews.tsv: no column '0'; the columns are text, label, 3");
  CHECK(test::error_of([&] { table.column("Lable"); }) ==
        "reviews.tsv: no column 'Lable'; the columns are text, label, 3");
  CHECK(test::error_of([&] { table.column("labels"); }) ==
        "reviews.tsv: no column 'labels'; the columns are text, label, 3 (did you mean 'label'?)");
  const Table twice = parse_table("a,a\n1,2\n", "r.csv");
  CHECK(test::error_of([&] { twice.column("a"); }) == "r.csv: two columns are called 'a'; give a number");
  CHECK(parse_table("a,b\n", "r.csv", headless()).columns == std::vector<std::string>{"1", "2"});
}

TEST_CASE("table: the format goes by the extension, unless it is named") {
  CHECK(rows("a,b\n", "r.data", headless("csv")) == "1:a|b");
  CHECK(rows("a,b\n", "r.csv", headless("tsv")) == "1:a,b");
  const std::string none =
      ": the extension is none of .tsv, .txt, .csv, .jsonl; --format tsv, csv, jsonl or txt says what it is";
  CHECK(refused("a", "r.xls") == "r.xls" + none);
  CHECK(refused("a", "dir.csv/r") == "dir.csv/r" + none);
  CHECK(rows("A,B\na,b\n", "R.CSV") == "2:a|b");
  CHECK(rows("dull , slow\tand \"long\n\nfine\n", "rt.neg", {.format = "txt"}) ==
        "1:dull , slow\tand \"long 2: 3:fine");
  CHECK(parse_table("a\n", "rt.neg", {.format = "txt"}).columns == std::vector<std::string>{"text"});
  CHECK(test::error_of([] { parse_table("dull , slow\nfine\n", "neg.txt").column("text"); }) ==
        "neg.txt: no column 'text'; the columns are dull , slow; its first line has another separator: --delimiter "
        "comma; "
        "if it is one text a line and nothing else: --format txt");
  CHECK(refused("a", "r.tsv", headless("xml")) == "format: tsv, csv, jsonl or txt; got 'xml'");
}

TEST_CASE("table: latin-1 is decoded, invalid UTF-8 is replaced, counted and located") {
  const Table latin = parse_table("caf\xE9\t1\n", "r.tsv", {"", false, "latin-1", "", ""});
  CHECK(latin.rows[0][0] == "café");
  CHECK(latin.warnings.empty());
  const Table broken = parse_table("ok\t1\ncaf\xE9\t2\nna\xEFve\t3\n", "r.tsv", headless());
  CHECK(broken.rows[1][0] == "caf\uFFFD");
  REQUIRE(broken.warnings.size() == 1);
  CHECK(to_string(broken.warnings[0]) == "r.tsv:2: invalid UTF-8 became U+FFFD (2 in all)");
  CHECK(refused("a", "r.tsv", {"", false, "latin", "", ""}) ==
        "encoding: auto, utf-8, utf-16, windows-1252, latin-1, or a name that `iconv -l` lists; got 'latin'");
}

TEST_CASE("table: a bad file is refused with its name, and the line where there is one") {
  CHECK(refused("text\tlabel\n", "r.tsv") == "r.tsv: no data rows below the header");
  CHECK(refused("a fine film\n", "r.txt") ==
        "r.txt: no data rows below the header; if it is one text a line and nothing else: --format txt");
  CHECK(refused("\n\n", "r.csv", headless()) == "r.csv: no data rows");
  CHECK(refused("\n", "r.jsonl") == "r.jsonl: no data rows");
  CHECK(refused("a\tb\nc\td\ne\n", "r.tsv") == "r.tsv:3: a row of 1 fields; line 1 has 2");
  CHECK(refused("a,b\n\"c\nd\",e,f\n", "r.csv", headless()) == "r.csv:2: a row of 3 fields; line 1 has 2");
  CHECK(refused("a,b\nc,\"d\n1,2\n", "r.csv") == "r.csv:2: a quote opens a field and none closes it");
  CHECK(refused("{\"a\":1}\n{\"a\":}\n", "r.jsonl")
            .starts_with("r.jsonl:2: not JSON: parse error at column 6: syntax error"));
  CHECK(refused("[1]\n", "r.jsonl") == "r.jsonl:1: one JSON object a line; got a JSON array");
  CHECK(refused("{\"text\":1,\"label\":2}\n{\"text\":1}\n", "r.jsonl") == "r.jsonl:2: no 'label', which line 1 has");
  CHECK(refused(std::string("a\0b", 3), "r.tsv") == "r.tsv: not a text file: a NUL at byte 1");
}

TEST_CASE("table: of JSON lines an object may lack a key that is optional, the first one, too") {
  TableOptions o;
  o.optional_keys = {"note"};
  const Table t = parse_table("{\"text\":\"a\"}\n{\"note\":[1,2],\"text\":\"b\"}\n", "r.jsonl", o);
  CHECK(t.columns == std::vector<std::string>{"text", "note"});
  CHECK(t.rows == std::vector<std::vector<std::string>>{{"a", ""}, {"b", "1 2"}});
  CHECK(t.nested.count({1, 1}) == 1);
  CHECK(test::error_of([&] { parse_table("{\"text\":\"a\"}\n{\"note\":\"b\"}\n", "r.jsonl", o); }) ==
        "r.jsonl:2: no 'text', which line 1 has");
}

TEST_CASE("read_file: a missing file, a directory and an empty file are refused, a byte-order mark is dropped") {
  const test::TemporaryDirectory directory;
  const auto refused_file = [](const std::string& path) { return test::error_of([&] { read_file(path); }); };
  CHECK(refused_file("no/such.tsv") == "no/such.tsv: cannot be read: No such file or directory");
  CHECK(refused_file(directory.path) == directory.path + ": a directory, not a file");
  const std::string empty = directory.write("empty.tsv", "");
  CHECK(refused_file(empty) == empty + ": the file is empty");
  CHECK(
      refused("a\tb\n", "cut.xlsx").starts_with("cut.xlsx: its name says that it is a workbook, its bytes that it is"));
  CHECK(refused("\uFEFF", "mark.tsv") == "mark.tsv: the file is empty");
  const std::string marked = directory.write("marked.csv", "\uFEFFtext,label\na,x\nb,y\n");
  CHECK(read_table(marked).columns[0] == "text");
  CHECK(to_examples({{read_table(marked), {}}}).rows[1].where == marked + ":3");
}

TEST_CASE("examples: text, label, split and line of every row") {
  const Examples out =
      examples("label\ttext\tpart\nneg\tbad film\ttrain\npos\tgood film\ttest\n", {"text", "1", "part"});
  REQUIRE(out.rows.size() == 2);
  CHECK(out.rows[1].text == "good film");
  CHECK(out.rows[1].label == 1);
  CHECK(out.rows[1].split == "test");
  CHECK(out.rows[1].where == "reviews.tsv:3");
  CHECK(out.labels.names() == std::vector<std::string>{"neg", "pos"});
  CHECK(out.warnings.empty());
}

TEST_CASE("examples: given labels decide the ids, and a file without labels is read too") {
  const std::string bytes = "text\tlabel\na\t1\nb\t0\n";
  const Examples named = examples(bytes, {}, Labels::parse("1=good,0=bad"));
  CHECK(named.rows[0].label == 0);
  CHECK(named.labels.name(0) == "good");
  CHECK(examples(bytes, {"text", "", ""}).rows[0].label == -1);
  CHECK(examples("text\nonly text\n", {"text", "", ""}).rows[0].text == "only text");
}

TEST_CASE("examples: an empty text is kept and counted") {
  const Examples out = examples("text\tlabel\na\t0\n\t1\n  \t1\n");
  CHECK(out.rows.size() == 3);
  REQUIRE(out.warnings.size() == 1);
  CHECK(to_string(out.warnings[0]) == "reviews.tsv:3: an empty text (2 in all)");
  CHECK(examples("text\tlabel\n\xFF\t0\n\t1\n").warnings.size() == 2);  // with the table's own
}

TEST_CASE("examples: a text of other spaces and of characters that nobody sees is empty, too: it has no pieces") {
  const std::string no_break = "\u00A0", zero_width = "\u200B", ideographic = "\u3000", soft_hyphen = "\u00AD";
  const Examples out = examples("text\tlabel\na\t0\n" + no_break + "\t1\n" + zero_width + "\t0\n" + ideographic +
                                " \u2003\t1\n" + soft_hyphen + "\t0\n\u4E2D\t1\n" + no_break + ".\t1\n");
  CHECK(out.rows.size() == 7);
  REQUIRE(out.warnings.size() == 1);
  CHECK(to_string(out.warnings[0]) == "reviews.tsv:3: an empty text (4 in all)");
  for (const char* text : {"", " \t\r\n", "\x01\x7F", "\uFEFF", "\u2028\u2029", "\uFFFD", "\xFF"})
    CHECK(is_blank(text));
  for (const char* text : {"a", " . ", "\u00E9", "\u4E2D", "\u00A0\U0001F600"}) CHECK(!is_blank(text));
}

TEST_CASE("examples: a label that is none is refused with file, line and suggestion") {
  const Labels labels = Labels::parse("negative,positive,neutral");
  CHECK(refused_examples("text\tlabel\na\tpositive\nb\tpostive\n", {}, labels) ==
        "reviews.tsv:3: label 'postive' is not one of negative, positive, neutral (did you mean 'positive'?)");
  CHECK(refused_examples("text\tlabel\na\t\n", {}, labels) ==
        "reviews.tsv:2: label '' is not one of negative, positive, neutral; --labels names others, --labels auto takes "
        "those of the file");
  CHECK(refused_examples("text\tlabel\na\tx\nb\tx\n") ==
        "reviews.tsv: column 'label' holds one label only, 'x'; two classes at least");
  CHECK(refused_examples("text\tlabel\na\tx\nb\t\n") == "reviews.tsv:3: an empty label in column 'label'");
  CHECK(refused_examples("text\tlabel\na\tx\n", {"sentence", "label", ""}) ==
        "reviews.tsv: no column 'sentence'; the columns are text, label");
}

TEST_CASE("examples: errors of formulas are said and counted, as texts and as labels") {
  const Examples out = examples("text\tlabel\na\t#N/A\n#VALUE!\tgood\nc\tgood\n");
  CHECK(out.labels.size() == 2);
  REQUIRE(out.warnings.size() == 1);
  CHECK(to_string(out.warnings[0]) ==
        "reviews.tsv:2: '#N/A' is a formula's error; it is taken as a text or label like others (2 in all)");
}

TEST_CASE("examples: labels that are one number are said") {
  const Examples out = examples("text\tlabel\na\t1\nb\t1.0\nc\t2\nd\tgood\n");
  CHECK(out.labels.size() == 4);
  std::string said;
  for (const Warning& warning : out.warnings) said += to_string(warning) + "\n";
  CHECK(said.find("labels '1' and '1.0' are the same number: two classes") != std::string::npos);
}

TEST_CASE("examples: labels that look like one are one, and it is said; letter case is only said") {
  const Examples out = examples("text\tlabel\na\tn\u00E9g\nb\tne\u0301g\nc\tn\u00E9g\u00A0\nd\tpos\ne\tPos\n");
  CHECK(out.labels.names() == std::vector<std::string>{"Pos", "n\u00E9g", "pos"});
  for (int row : {1, 2}) CHECK(out.rows[size_t(row)].label == out.rows[0].label);
  std::string said;
  for (const Warning& warning : out.warnings) said += to_string(warning) + "\n";
  CHECK(said.find("labels 'Pos' and 'pos' differ in letter case only: two classes") != std::string::npos);
  CHECK(said.find("reviews.tsv:4: label 'n\u00E9g\u00A0' is read as 'n\u00E9g' (1 in all)") != std::string::npos);
}

TEST_CASE("table: carriage returns alone end lines where no line feed does, two byte-order marks are dropped") {
  CHECK(rows("text\tlabel\ra\tx\r", "r.tsv") == "2:a|x");
  CHECK(rows("text,label\ra,x\rb,y", "r.csv") == "2:a|x 3:b|y");
  const test::TemporaryDirectory directory;
  CHECK(read_table(directory.write("two.csv", "\uFEFF\uFEFFtext,label\na,x\n")).columns[0] == "text");
}

TEST_CASE("csv: the separator is what the header has, what sep= says, or what is asked for") {
  CHECK(rows("text;label\r\na, b;x\r\nc, d;y\r\n", "r.csv") == "2:a, b|x 3:c, d|y");
  CHECK(rows("text\tlabel\n\"a\tb\"\tx\n", "r.csv") == "2:a\tb|x");
  CHECK(rows("sep=|\ntext|label\na|x\n", "r.csv") == "3:a|x");
  CHECK(rows("text,label (a;b;c)\na,x\n", "r.csv") == "2:a|x");
  CHECK(rows("text;part, if any;label\na;b;x\n", "r.csv") == "2:a|b|x");
  CHECK(rows("a;b\n", "r.csv", headless()) == "1:a;b");
  CHECK(rows("a;b\n", "r.csv", {"", false, "utf-8", "semicolon", ""}) == "1:a|b");
  CHECK(refused("text;label\na, b;x\n", "r.csv", {"", true, "utf-8", ",", ""}) ==
        "r.csv:2: a row of 2 fields; line 1 has 1; its first line has another separator: --delimiter semicolon");
  CHECK(refused("a\tb\n", "r.tsv", {"", true, "utf-8", ";;", ""}) ==
        "delimiter: comma, semicolon, tab, pipe or one ASCII character; got ';;'");
}

TEST_CASE("jsonl: a list of words is a text; an array or an object is refused where one value is expected") {
  const auto read = [](const std::string& line) {
    return to_examples({{parse_table(line, "r.jsonl"), {}}}, Labels::parse("a,b")).rows[0].text;
  };
  CHECK(read("{\"text\":[\"lovely\",\"soup\",2],\"label\":\"a\",\"other\":{}}") == "lovely soup 2");
  CHECK(test::error_of([&] { read("{\"text\":{\"a\":1},\"label\":\"a\"}"); }) ==
        "r.jsonl:1: a JSON object or array of more than words in column 'text', where a text is expected");
  CHECK(test::error_of([&] {
          read("{\"text\":\"t\",\"label\":[\"a\"]}");
        }).starts_with("r.jsonl:1: a JSON array in column 'label', where a string"));
  const auto targets = [](const std::string& line) {
    return to_examples({{parse_table(line, "r.jsonl"), {.label = "", .target = "label"}}}).rows[0].targets;
  };
  CHECK(targets("{\"text\":\"t\",\"label\":[\"a, b\",2]}") == std::vector<std::string>{"a, b", "2"});
  CHECK(targets("{\"text\":\"t\",\"label\":[]}") == std::vector<std::string>{});
  CHECK(!targets("{\"text\":\"t\",\"label\":\"a,b\"}"));
  CHECK(test::error_of([&] {
          targets("{\"text\":\"t\",\"label\":[[\"a\"]]}");
        }).starts_with("r.jsonl:1: a JSON object or array of more than words in column 'label'"));
  CHECK(test::error_of([&] {
          targets("{\"text\":\"t\",\"label\":[\"a\",null]}");
        }).starts_with("r.jsonl:1: a JSON object or"));
  CHECK(test::error_of([&] {
          read("{\"text\":[\"a\",null],\"label\":\"a\"}");
        }).starts_with("r.jsonl:1: a JSON object or"));
}

TEST_CASE("data: JSON nested beyond reason, a bare carriage return and a thousand labels are refused") {
  const std::string deep = "{\"text\":" + std::string(300'000, '[') + std::string(300'000, ']') + "}\n";
  CHECK(refused(deep, "x.jsonl").find("x.jsonl:1: JSON nested more than 64 deep") == 0);
  CHECK(refused("text,label\ngood,a\ngood,b\r\"unclosed,c", "x.csv")
            .find("x.csv:3: a carriage return without a line feed") == 0);
  CHECK(refused("text,label\ngood,a\n\"unclosed,c\n", "x.csv").find("x.csv:3: a quote opens a field") == 0);
  std::string many = "text\tlabel\n";
  for (int i = 0; i < 1001; ++i) many += fmt::format("a\tlabel {}\n", i);
  CHECK(refused_examples(many).find("holds 1001 different values") != std::string::npos);
}

TEST_CASE("tsv: without a header, fields past those of the first row are left out, and counted unless empty") {
  const Table table = parse_table("1\tpos\tgood\n2\tneg\tbad\t\n3\tpos\tfine\tMon Aug 24\n", "r.txt", headless());
  CHECK(table.rows[1] == std::vector<std::string>{"2", "neg", "bad"});
  CHECK(table.rows[2] == std::vector<std::string>{"3", "pos", "fine"});
  REQUIRE(table.warnings.size() == 1);
  CHECK(to_string(table.warnings[0]) == "r.txt:3: fields past the 3 of the first row are left out (1 in all)");
  CHECK(refused("1\tpos\tgood\n2\tneg\n", "r.txt", headless()) == "r.txt:2: a row of 2 fields; line 1 has 3");
  CHECK(rows("text\tlabel\na\t0\t\n", "r.tsv") == "2:a|0");
  CHECK(refused("text\tlabel\na\t0\tmore\n", "r.tsv") == "r.tsv:2: a row of 3 fields; line 1 has 2");
}

TEST_CASE("examples: several files are one, a file may hold one class, and a second text goes with the first") {
  const Table good = parse_table("7_9\tgood film\n8_10\tgreat\n", "pos.tsv", headless());
  const Table bad = parse_table("7_1\tbad film\n", "neg.tsv", headless());
  const Examples out =
      to_examples({{good, {.text = "2", .every_label = "pos"}}, {bad, {.text = "2", .every_label = "neg"}}});
  REQUIRE(out.rows.size() == 3);
  CHECK(out.labels.names() == std::vector<std::string>{"neg", "pos"});
  CHECK(out.rows[1].label == 1);
  CHECK(out.rows[2].label == 0);
  CHECK(out.rows[2].where == "neg.tsv:1");
  const Examples pairs = examples("title\ttext\tlabel\nT\tA\t0\nU\tB\t1\n", {.text = "title", .pair = "text"});
  CHECK(pairs.rows[1].text == "U");
  CHECK(pairs.rows[1].pair == "B");
  CHECK(refused_examples("text\tlabel\na\tx\n", {.pair = "body"}) ==
        "reviews.tsv: no column 'body'; the columns are text, label");
}
