// A table read in pieces is the table read whole, wherever its bytes are cut.
#include "tasks/text/table_blocks.h"

#include "nn/format/files.h"
#include "tests/support/support.h"

using text::Table;
using text::TableBlocks;
using text::TableOptions;

namespace {

std::string shown(const Table& table) {
  std::string all;
  for (size_t r = 0; r < table.rows.size(); ++r) {
    all += fmt::format("{}:", table.lines[r]);
    for (size_t c = 0; c < table.rows[r].size(); ++c) {
      const auto nested = table.nested.find({r, c});
      all += "[" + table.rows[r][c] +
             (nested == table.nested.end() ? ""
              : nested->second.list        ? "array"
                                           : "object") +
             "]";
    }
    if (!table.objects.empty()) all += table.objects[r];
    all += "\n";
  }
  return all;
}

// Rows, columns and warnings of a file; or its error. bytes 0: whole.
std::string read(const std::string& path, const TableOptions& options, long rows, size_t bytes) {
  std::string all;
  const std::string error = test::error_of([&] {
    Table last;
    if (bytes == 0) {
      last = text::read_table(path, options);
      all = shown(last);
    } else {
      TableBlocks blocks(path, options, rows, bytes);
      long count = 0;
      while (blocks.next()) {
        last = blocks.table();
        all += shown(last);
        CHECK(long(last.rows.size()) <= rows);
        count += long(last.rows.size());
      }
      CHECK(blocks.total() == count);
    }
    for (const std::string& column : last.columns) all += column + ";";
    for (const text::Warning& warning : last.warnings) all += "\n" + text::to_string(warning);
  });
  return error.empty() ? all : error;
}

}  // namespace

TEST_CASE("table_blocks: rows, lines, columns, warnings and errors are those of the whole file, however it is cut") {
  const test::TemporaryDirectory dir;
  const std::string files[][2] = {
      {"a.csv", "\uFEFFtext,label\r\n\"two\r\nlines, \"\"quoted\"\"\",1\r\n\r\nna\xEFve,2\nb\xEF\n,3"},
      {"b.csv", "text;part, if any\n\"a\n;\";b\nc;\"d\n\"\n"},
      {"c.csv", "text,label (a;b;c)\na,x\n;,\"\"\n"},
      {"d.csv", "text,label\n\"a\",1\n\"said \\\"warm\\\"\",1\n"},
      {"e.csv", "text,label\n\"a\",1\n\"C:\\\",1\n\"D:\\\",2\n"},
      {"f.csv", "sep=|\ntext|label\na|x\n"},
      {"g.csv", "text,label\na,1\nb,\"2\nc,3\n"},
      {"h.csv", "text,label\na,1\nb,2,3\n"},
      {"i.csv", "text,label\ra,x\rb,y"},
      {"j.csv", "text,label\na,1\n\"b\" c,2\n"},
      {"k.tsv", "text\tlabel\na\t0\t\n\nb\t1\n"},
      {"l.tsv", "text\na\n\nb\n"},
      {"m.tsv", "text\tlabel\n"},
      {"n.jsonl", "{\"text\":\"a\",\"n\":1.50}\n\n{\"n\":[\"b\",2],\"text\":{\"c\":null},\"more\":\"\u00e9\"}"},
      {"o.jsonl", "{\"text\":\"a\"}\n{\"test\":\"b\"}\n"},
      {"p.jsonl", "{\"text\":\"a\"}\n[1]\n"},
      {"q.tsv", std::string("text\tlabel\na\t1\nb\0\t2\n", 20)},
      {"r.csv", ""},
      {"s.csv", "  \n<HTML><table><tr>a,b\n1,2\n"},
      {"t.tsv", "\uFEFF<?xml version\n1\n"},
      {"u.csv", "text,label\n<html>,1\n"},
      {"v.tsv", "\na%\t\t\r\r"},
      {"w.jsonl", "{\"text\":\"a\\ud83d\"}\n{\"id\":1,\"text\":\"b\"}\n{\"text\":\"\\ude00\",\"n\":2}\n"},
  };
  for (const auto& [name, bytes] : files) {
    const std::string path = dir.write(name, bytes);
    TableOptions options;
    for (const bool header : {true, false}) {
      options.header = options.keep_objects = header;
      const std::string whole = read(path, options, 0, 0);
      for (const size_t cut : {1, 2, 3, 5, 7, 16, 1000})
        for (const long rows : {1, 2, 1000})
          CHECK_MESSAGE(read(path, options, rows, cut) == whole, name, " in pieces of ", cut, ", ", rows, " rows");
    }
  }
}

TEST_CASE("table_blocks: lines are texts of one column, whatever they hold") {
  const test::TemporaryDirectory dir;
  const std::string path = dir.write("lines", "\uFEFFa\tb\n\n\"c\r\n,");
  for (const size_t cut : {1, 4, 100})
    CHECK(read(path, {.format = "txt"}, 2, cut) == "1:[a\tb]\n2:[]\n3:[\"c]\n4:[,]\ntext;");
}

TEST_CASE("table_blocks: a quote that nothing closes is named with its line, in many pieces, too") {
  const test::TemporaryDirectory dir;
  std::string rows = "text,label\n\"open,1\n";
  for (int i = 0; i < 40'000; ++i) rows += "a good thing and another one,1\n";  // 1.2 MB, 19,000 pieces
  const std::string path = dir.write("open.csv", rows);
  CHECK(read(path, {}, 1000, 64) == path + ":2: a quote opens a field and none closes it");
}

TEST_CASE(
    "table_blocks: a line or a quoted field beyond the longest is refused, whole and in pieces; the longest is not") {
  const test::TemporaryDirectory dir;
  const auto file = [&](const std::string& name, const std::string& bytes) {
    nn::write_file(dir.path + "/" + name, bytes);
    return dir.path + "/" + name;
  };
  const std::string longest(text::kLongestLine, 'a'),
      quoted = "text\n\"" + std::string(text::kLongestLine, '\n') + "\"\n";
  const std::string refused = file("a.csv", "text\ngood\n" + longest + "a\n"), open = file("b.csv", quoted);
  for (const size_t bytes : {size_t(0), size_t(1) << 20}) {
    CHECK(read(refused, {}, 1000, bytes) ==
          refused + ":3: a line of more than 16 MiB: no text, or a file without line ends");
    CHECK(read(open, {}, 1000, bytes) == open + ":2: a quoted field of more than 16 MiB");
    CHECK(read(file("c.csv", "text\n" + longest + "\n"), {}, 1000, bytes).size() > longest.size());
  }
}
