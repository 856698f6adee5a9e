// Files as people have them, through a whole program: trained on once, read again without a word about columns.
// Read tasks/spec/data_options.h first.

#include "nn/format/json_value.h"
#include "tests/support/packed.h"

using namespace test;

namespace {

Result on_one_thread(const std::string& arguments) {
  return run_shell("OMP_NUM_THREADS=1 " + program("sentiment") + " " + arguments + " 2>&1");
}

// Twenty-four answers in German, semicolons between, in windows-1252.
std::string answers(const std::string& names) {
  const char* const words[] = {"sehr sch\xF6n und ruhig",
                               "gro\xDF"
                               "artig, gern wieder hier",
                               "leider viel zu laut",
                               "\xFC"
                               "berall Staub und M\xFCll"};
  std::string bytes = names + "\r\n";
  for (int i = 0; i < 24; ++i)
    bytes += fmt::format("{};{} {};{}\r\n", 100 + i, words[i % 4], i, i % 4 < 2 ? "gut" : "schlecht");
  return bytes;
}

}  // namespace

TEST_CASE(
    "files: a packed CSV in windows-1252 with its own names trains, and evaluate and predict need not be told again") {
  const TemporaryDirectory dir;
  const std::string packed = dir.write("answers.csv.gz", gzip_of(answers("Nr;Was war gut?;Urteil"))),
                    run = dir.path + "/run";
  const Result trained =
      on_one_thread("train --model pool --hidden 8 --heads 2 --max-steps 3 --out " + run + " --data " + packed);
  REQUIRE_MESSAGE(trained.status == 0, trained.output);
  CHECK(trained.says("note: " + packed +
                     ": the texts are column 'Was war gut?', the labels are column 'Urteil', as it seems"));
  CHECK(trained.says("warning: " + packed +
                     ":2: not UTF-8: read as windows-1252, 'sch\u00F6n'; --encoding names another"));
  const std::string book =
      dir.write("book.xlsx",
                xlsx_of({{"A",
                          "<row><c t=\"str\"><v>Urteil</v></c><c t=\"str\"><v>Was war gut?</v></c></row><row r=\"5\">"
                          "<c t=\"str\"><v>gut</v></c><c t=\"str\"><v>sch\u00F6n ruhig</v></c></row>"}}));
  const Result evaluated = on_one_thread("evaluate --model " + run + " --data " + book);
  CHECK_MESSAGE(evaluated.status == 0, evaluated.output);
  CHECK(evaluated.last_line().ends_with("n=1"));
  const Result predicted = on_one_thread("predict --model " + run + " --file - < " + book);
  CHECK_MESSAGE(predicted.status == 0, predicted.output);
  CHECK(predicted.says("{\"text\":\"sch\u00F6n ruhig\",\"label\":"));
  const Result other = on_one_thread("predict --model " + run + " --text-column Urteil --file " + book);
  CHECK(other.says("note: column 'Urteil' is read as the text; the model was made with 'Was war gut?'"));
  CHECK(other.says("{\"text\":\"gut\""));
}

TEST_CASE("files: lists of JSON are the labels of a text and the tags of its words") {
  const TemporaryDirectory dir;
  std::string lines;
  for (int i = 0; i < 20; ++i)
    lines +=
        fmt::format("{{\"text\":[\"soup\",\"was\",\"n{0}\"],\"topics\":[{1}],\"tags\":[\"B-x\",\"O\",\"O\"]}}\n", i,
                    i % 3 == 0   ? ""
                    : i % 3 == 1 ? "\"food, drink\""
                                 : "\"food, drink\",\"room\"");
  const std::string data = dir.write("lists.jsonl", lines);
  const std::string tasks = dir.write(
      "tasks.json",
      fmt::format("{{\"tasks\":{{\"topics\":{{\"data\":\"{0}\",\"label_column\":\"topics\",\"head\":\"labels\"}},"
                  "\"tags\":{{\"data\":\"{0}\",\"label_column\":\"tags\",\"head\":\"tokens\"}}}}}}",
                  data));
  const Result trained = run_shell("OMP_NUM_THREADS=1 " + program("multitask") +
                                   " train --model pool --hidden 8 --heads 2 "
                                   "--max-steps 2 --tasks " +
                                   tasks + " --out " + dir.path + "/run 2>&1");
  REQUIRE_MESSAGE(trained.status == 0, trained.output);
  const auto saved = nn::json::parse(nn::read_file(dir.path + "/run/best/tasks.json"))["tasks"];
  CHECK(saved["topics"]["labels"] == nn::json{"food, drink", "room"});
  CHECK(saved["tags"]["labels"] == nn::json{"B-x", "O"});
}

TEST_CASE("files: no program writes over a file that it reads, or one file twice") {
  const TemporaryDirectory dir;
  const std::string text = "text,label\ngood,1\nbad,0\n";
  const std::string file = dir.write("in.csv", text), link = dir.path + "/link.csv";
  std::filesystem::create_hard_link(file, link);
  const std::pair<const char*, std::string> calls[] = {
      {"sentiment", "evaluate --model none --data {0} --out {1}"},
      {"sentiment", "evaluate --model none --data 1={0} --out {1}"},
      {"sentiment", "analyze --model none --file {0} --out {1}"},
      {"sentiment", "predict --model none --file {0} --out {1}"},
      {"sentiment", "check {0} --out {1}"},
      {"explain", "text --model none --file {0} --out {1}"},
      {"explain", "text --model none --file {0} --page {1}"},
      {"attack", "run --model none --data {0} --out {1}"},
      {"answer", "evaluate --model none --data {0} --out {1}"},
      {"few_shot", "evaluate --model none --data {0} --out {1}"},
      {"translate", "evaluate --model none --source {0} --target {0} --out {1}"},
      {"translate", "score --hypotheses {0} --references {0} --out {1}"},
      {"multitask", "evaluate --model none --task a --data {0} --out {1}"},
      {"explain", "compare --model none --data {0} --out {1}"},
      {"explain", "text --model none --out {0} --page {1}"},
      {"explain", "patch --model none --out {0} --page {1}"},
      {"translate", "translate --model none --file {0} --out {1}"},
      {"translate", "translate --model none --file {0} --explain {1}"},
      {"translate", "translate --model none --out {0} --alignments {1}"},
      {"monitor", "run --model none --metrics {0} --state {1}"},
      {"monitor", "serve {0} --model none --log {1}"},
      {"sentiment", "suggest --model none --file - --without {0} --out {1}"},
      {"tune", "report {0} --html {1}"},
      {"vocab", "train {0} --size 100 --out {1}"},
      {"monitor", "run {0} --model none --metrics {1}"}};
  for (const auto& [name, arguments] : calls)
    for (const std::string& out : {file, link}) {
      const Result said = run_shell(program(name) + " " + fmt::format(fmt::runtime(arguments), file, out) + " 2>&1");
      CHECK_MESSAGE(said.status != 0, name, " ", arguments);
      CHECK_MESSAGE((said.says(": the file of ") && said.says("; name another")), name, " ", arguments, ": ",
                    said.output);
      CHECK_MESSAGE(nn::read_file(file) == text, name, " ", arguments);
    }
}
