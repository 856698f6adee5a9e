// Rows with predictions beside them: cells are what they were, and a file cut off anywhere is continued to its bytes.
#include "tasks/command/prediction_file.h"

#include "nn/format/files.h"
#include "tests/support/support.h"

using command::PredictionFile;
using test::error_of;

namespace {

const std::vector<std::string> kPredicted{"label", "probability"};

text::Table table_of(const std::string& bytes, const std::string& name) {
  text::TableOptions options;
  options.keep_objects = true;
  return text::parse_table(bytes, name, options);
}

std::vector<model::Cell> cells(size_t row) {
  const double p = double(row + 1) / 16;
  return {{row % 2 ? "so, so" : "good", row % 2 ? "so, so" : "good"}, {fmt::format("{:.4f}", p), p}};
}

// Writes as `predict` does, in blocks of `rows`; at most `most` of them, then as if killed.
void write(const std::string& path, const text::Table& table, bool resume = false,
           const std::string& settings = "a 1\n", long rows = 2, size_t most = 1000, char separator = ',') {
  PredictionFile file(path, table, kPredicted, separator, settings, resume);
  for (size_t at = 0; at < table.rows.size(); at += size_t(rows)) {
    text::Table block = table;
    const auto part = [&](auto& all) {
      if (all.empty()) return;
      all = {all.begin() + long(at), all.begin() + std::min(long(all.size()), long(at) + rows)};
    };
    part(block.rows);
    part(block.objects);
    part(block.lines);
    for (size_t i = size_t(file.there(block)); i < block.rows.size(); ++i) {
      if (at + i >= most) return file.flush();
      file.append(block, i, cells(at + i));
    }
    file.flush();
  }
  file.finish();
}

const std::string kCsv =
    "id,text,label,=sum\n1,\"a, b\",x,=1+2\n2,\"say \"\"no\"\"\nor "
    "yes\",,+3\n3,caf\u00E9,-,@me\n4,d,y,-\n5,\"\",z,\t\n";

}  // namespace

TEST_CASE("prediction_file: the columns of a CSV stay what they were, quoted as RFC 4180 says, in their order") {
  const test::TemporaryDirectory dir;
  const text::Table in = table_of(kCsv, "in.csv");
  for (const auto& [name, separator] :
       {std::pair{"/o.csv", ','}, std::pair{"/s.csv", ';'}, std::pair{"/t.csv", '\t'}}) {
    write(dir.path + name, in, false, "a 1\n", 2, 1000, separator);
    const text::Table out = text::read_table(dir.path + name);
    CHECK(out.columns == std::vector<std::string>{"id", "text", "label", "=sum", "label_predicted", "probability"});
    REQUIRE(out.rows.size() == in.rows.size());
    for (size_t r = 0; r < in.rows.size(); ++r) {
      CHECK(std::vector<std::string>(out.rows[r].begin(), out.rows[r].begin() + 4) == in.rows[r]);
      CHECK(out.rows[r][4] == cells(r)[0].text);
    }
    CHECK(!std::filesystem::exists(dir.path + name + ".part"));
    CHECK(!std::filesystem::exists(dir.path + name + ".part.settings"));
  }
  CHECK(nn::read_file(dir.path + "/o.csv").find("1,\"a, b\",x,=1+2,good,0.0625\n") != std::string::npos);
}

TEST_CASE("prediction_file: a TSV has blanks for what it cannot hold, JSON lines keep each object as it is written") {
  const test::TemporaryDirectory dir;
  write(dir.path + "/o.tsv", table_of(kCsv, "in.csv"));
  const text::Table tsv = text::read_table(dir.path + "/o.tsv");
  CHECK(tsv.rows[1][1] == "say \"no\" or yes");
  CHECK(tsv.rows.size() == 5);
  write(dir.path + "/o.jsonl",
        table_of("{\"text\":\"a\", \"n\":1.50, \"x\":{\"b\":[]} }\n{\"n\":null,\"text\":\"c\",\"x\":0}\n", "in.jsonl"));
  CHECK(nn::read_file(dir.path + "/o.jsonl") ==
        "{\"text\":\"a\", \"n\":1.50, \"x\":{\"b\":[]},\"label\":\"good\",\"probability\":0.0625}\n"
        "{\"n\":null,\"text\":\"c\",\"x\":0,\"label\":\"so, so\",\"probability\":0.125}\n");
  write(dir.path + "/c.jsonl", table_of("a,a,label\n1,2,\"x\ny\"\n", "in.csv"));
  CHECK(nn::read_file(dir.path + "/c.jsonl") ==
        "{\"a\":\"1\",\"a_2\":\"2\",\"label\":\"x\\ny\",\"label_predicted\":\"good\",\"probability\":0.0625}\n");
}

TEST_CASE("prediction_file: a key that only a later object has is not written twice: the line that has it is named") {
  const test::TemporaryDirectory dir;
  const std::string two = "{\"text\":\"a\"}\n\n{\"text\":\"b\",\"more\":1}\n";
  write(dir.path + "/o.jsonl", table_of(two, "in.jsonl"));
  CHECK(nn::read_file(dir.path + "/o.jsonl").find("\"more\":1,\"label\":\"so, so\"") != std::string::npos);
  const text::Table late = table_of(two + "{\"text\":\"c\",\"l\\u0061bel\":\"mine \\ud83d\"}\n", "in.jsonl");
  CHECK(error_of([&] { write(dir.path + "/l.jsonl", late); }) ==
        "in.jsonl:4: it has a key 'label', which the first object has not and which what is predicted is called; "
        "rename it");
  write(dir.path + "/l.csv", late);  // which has the columns of the first object alone
}

TEST_CASE("prediction_file: a line end inside of quotes stays as it is written") {
  const test::TemporaryDirectory dir;
  write(dir.path + "/o.csv", table_of("text\r\n\"a\r\nb\"\r\n\"c\nd\"\r\n", "in.csv"));
  CHECK(nn::read_file(dir.path + "/o.csv") ==
        "text,label,probability\n\"a\r\nb\",good,0.0625\n\"c\nd\",\"so, so\",0.1250\n");
}

TEST_CASE("prediction_file: a NUL of JSON lines is a blank in a CSV and a TSV, which are read again") {
  const test::TemporaryDirectory dir;
  const text::Table in = table_of("{\"a\\u0000\":\"b\\u0000\\u0000c\"}\n", "in.jsonl");
  for (const std::string name : {"/o.csv", "/o.tsv"}) {
    write(dir.path + name, in);
    const text::Table out = text::read_table(dir.path + name);
    CHECK(out.columns[0] == "a ");
    CHECK(out.rows[0][0] == "b  c");
  }
}

TEST_CASE("prediction_file: a mark at the beginning of the input stands at the beginning of the output") {
  const test::TemporaryDirectory dir;
  write(dir.path + "/o.csv", table_of("\uFEFFtext\na\n", "in.csv"));
  CHECK(nn::read_file(dir.path + "/o.csv") == "\uFEFFtext,label,probability\na,good,0.0625\n");
}

TEST_CASE("prediction_file: cut off at any byte and continued, it ends in the same bytes") {
  const test::TemporaryDirectory dir;
  for (const std::string name : {"o.csv", "o.tsv", "o.jsonl"}) {
    const text::Table in = table_of(kCsv, "in.csv");
    const std::string path = dir.path + "/" + name;
    write(path, in);
    const std::string whole = nn::read_file(path);
    for (size_t bytes = 0; bytes <= whole.size(); ++bytes)
      for (const long rows : {1, 2, 100}) {
        std::filesystem::remove(path);
        dir.write(name + ".part", whole.substr(0, bytes));
        dir.write(name + ".part.settings", "a 1\n");
        write(path, in, true, "a 1\n", rows);
        CHECK_MESSAGE(nn::read_file(path) == whole, name, " cut at ", bytes);
      }
    dir.write(name + ".part", whole.substr(0, whole.size() - 1) + std::string(100, 'x'));  // a row without its end
    dir.write(name + ".part.settings", "a 1\n");
    write(path, in, true);
    CHECK(nn::read_file(path) == whole);
  }
}

TEST_CASE("prediction_file: other settings, other columns, other rows and a rest nobody asked for are refused") {
  const test::TemporaryDirectory dir;
  const std::string path = dir.path + "/o.csv", part = path + ".part";
  const text::Table in = table_of(kCsv, "in.csv");
  write(path, in, false, "model 1\ntop 2\n", 2, 3);
  REQUIRE(std::filesystem::exists(part));
  const std::string left = nn::read_file(part);
  const auto refused = [&](const text::Table& table, bool resume, const std::string& settings) {
    const std::string error = error_of([&] { write(path, table, resume, settings); });
    CHECK(nn::read_file(part) == left);
    return error;
  };
  CHECK(refused(in, false, "model 1\ntop 2\n") ==
        part + ": a run that did not end has left it; --resume goes on after its last row, or remove it");
  CHECK(refused(in, true, "model 1\ntop 3\n") ==
        part + ": it was begun with other settings: top; give the same or remove it");
  text::Table other = in;
  other.rows[2][0] = "7";
  CHECK(refused(other, true, "model 1\ntop 2\n").find("it does not go on as this input does") != std::string::npos);
  other = in;
  other.columns[0] = "nr";
  CHECK(refused(other, true, "model 1\ntop 2\n").find("it does not go on as this input does") != std::string::npos);
  other = in;
  other.rows.resize(2);
  CHECK(refused(other, true, "model 1\ntop 2\n").find("it has more rows than the input") != std::string::npos);
  CHECK(!std::filesystem::exists(path));
  write(path, in, true, "model 1\ntop 2\n");
  CHECK(text::read_table(path).rows.size() == 5);
  CHECK(error_of([&] { PredictionFile::kind_of("a.xlsx"); }) ==
        "--out a.xlsx: the extension says what is written: .csv, .tsv or .jsonl");
}
