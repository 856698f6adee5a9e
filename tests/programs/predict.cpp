// `predict` with files as its users run it: from a spreadsheet to the same spreadsheet with labels beside its rows.
#include "tasks/model/answers.h"
#include "tasks/model/directory.h"
#include "tasks/text/data.h"
#include "tasks/text/utf8.h"
#include "tests/support/programs.h"

using namespace test;
using nn::json;

namespace {

// A model of three moods in dir/run, and what it takes to call it.
std::string trained_model(const TemporaryDirectory& dir, const std::string& model = "pool") {
  const std::string size = model == "pool" ? "" : "--layers 1 --heads 2 ";
  const Result result = call("sentiment", "train --model " + model + " --hidden 16 --max-length 24 " + size +
                                              "--epochs 20 --lr 0.05 --batch-size 4 --data " + three_moods(dir) +
                                              " --out " + dir.path + "/run");
  REQUIRE_MESSAGE(result.status == 0, result.output);
  return "predict --model " + dir.path + "/run ";
}

std::string survey(int rows) {
  std::string csv = "id;answer;label\n";
  for (int i = 0; i < rows; ++i)
    csv += fmt::format("{};\"a {} thing; or{}{}\";old\n", i, i % 3 ? "good" : "bad", i % 7 ? " " : "\n", i);
  return csv;
}

}  // namespace

TEST_CASE("predict: a CSV comes back with its columns, its delimiter, and what the model says of each row") {
  const TemporaryDirectory dir;
  const std::string predict = trained_model(dir) + "--text-column answer --file " + dir.write("in.csv", survey(50));
  const Result written = call("sentiment", predict + " --out " + dir.path + "/out.csv");
  REQUIRE_MESSAGE(written.status == 0, written.output);
  CHECK(written.says("there is a column 'label' already; the predicted one is 'label_predicted'"));
  CHECK(written.says("out.csv: 50 rows, with label_predicted, probability, second_label, second_probability behind"));
  CHECK(nn::read_file(dir.path + "/out.csv").starts_with("id;answer;label;label_predicted;probability;second_label;"));
  const text::Table in = text::read_table(dir.path + "/in.csv"), out = text::read_table(dir.path + "/out.csv");
  const auto model = model::load_model(model::ModelDirectory(dir.path + "/run"));
  std::vector<text::Example> examples;
  for (const auto& row : in.rows) examples.push_back({.text = row[1]});
  const std::vector<nn::ordered_json> said = model::predictions(*model, examples, model->reading);
  REQUIRE(out.rows.size() == 50);
  for (size_t r = 0; r < 50; ++r) {
    const auto& row = out.rows[r];
    for (size_t c = 0; c < 3; ++c) CHECK(row[c] == in.rows[r][c]);
    CHECK(row[3] == said[r]["label"]);
    CHECK(row[4] == fmt::format("{:.4f}", said[r]["probabilities"][row[3]].get<double>()));
    CHECK(row[6] == fmt::format("{:.4f}", said[r]["probabilities"][row[5]].get<double>()));
    CHECK(std::stod(row[4]) >= std::stod(row[6]));
  }
}

TEST_CASE("predict: labels below the threshold are none of these, and the share is said; top says how many") {
  const TemporaryDirectory dir;
  const std::string predict = trained_model(dir) + "--text-column answer --file " + dir.write("in.csv", survey(30));
  const Result result =
      call("sentiment", predict + " --out " + dir.path + "/o.jsonl --top 3 --threshold 0.999 --none unsure");
  REQUIRE_MESSAGE(result.status == 0, result.output);
  CHECK(result.says("30 of 30 texts (100.0 %) have no label of probability 0.999 or more"));
  for (const json& line : lines_of(nn::read_file(dir.path + "/o.jsonl"))) {
    CHECK(line["label_predicted"] == "unsure");
    CHECK(line["label_3"].is_string());
    CHECK(line["probability"].get<double>() + line["second_probability"].get<double>() +
              line["probability_3"].get<double>() ==
          doctest::Approx(1).epsilon(1e-3));
  }
  const std::vector<json> screen = lines_of(call("sentiment", predict + " --top 1 --why", "2>/dev/null").output);
  REQUIRE(screen.size() == 30);
  for (const json& line : screen) {
    CHECK(line["probabilities"].size() == 1);
    CHECK(line["why"].get<std::string>().find(":") != std::string::npos);
  }
}

TEST_CASE("predict: killed while it writes and resumed, a file has the bytes that it would have had") {
  const TemporaryDirectory dir;
  const std::string predict = trained_model(dir), csv = survey(2500), pipe = dir.path + "/pipe";
  const std::string in = dir.write("in.csv", csv), out = dir.path + "/out.csv", part = out + ".part";
  const std::string whole = dir.path + "/whole.csv", how = " --text-column answer --format csv --why ";
  REQUIRE(call("sentiment", predict + how + "--file " + in + " --out " + whole).status == 0);
  const std::string head = dir.write("head.csv", csv.substr(0, csv.size() / 2));  // more than a block of rows
  const std::string killed = "mkfifo " + pipe + "; { cat " + head + "; exec sleep 60; } > " + pipe + " & feeder=$!; " +
                             program("sentiment") + " " + predict + how + "--file " + pipe + " --out " + out +
                             " 2>/dev/null & victim=$!; for i in $(seq 1200); do [ -s " + part +
                             " ] && break; sleep 0.05; done; kill -9 $victim $feeder; wait 2>/dev/null; [ -s " + part +
                             " ] && [ ! -e " + out + " ]";
  REQUIRE(run_shell(killed).status == 0);
  const auto left = std::filesystem::file_size(part);
  CHECK(left < std::filesystem::file_size(whole));
  const Result refused = call("sentiment", predict + how + "--file " + in + " --out " + out);
  CHECK(refused.status == 1);
  CHECK(refused.says("--resume goes on after its last row"));
  const Result other = call("sentiment", predict + how + "--resume --top 3 --file " + in + " --out " + out);
  CHECK_MESSAGE(other.says("other settings: --top"), other.output);
  CHECK(std::filesystem::file_size(part) == left);
  const Result resumed = call("sentiment", predict + how + "--resume --file - --out " + out + " < " + in);
  REQUIRE_MESSAGE(resumed.status == 0, resumed.output);
  CHECK(resumed.says("of them from before"));
  CHECK(nn::read_file(out) == nn::read_file(whole));
  CHECK(!std::filesystem::exists(part));
  CHECK(!std::filesystem::exists(part + ".settings"));
}

TEST_CASE("predict: lines of standard input and texts of the command line go into files, too") {
  const TemporaryDirectory dir;
  const std::string predict = trained_model(dir, "bert");
  const std::string a = dir.path + "/a.tsv", b = dir.path + "/b.tsv";
  REQUIRE(call("sentiment", predict + "--why --out " + a, "2>&1 <<'END'\na good thing\nthe \"train\"\nEND").status ==
          0);
  REQUIRE(call("sentiment", predict + "--why --out " + b + " 'a good thing' 'the \"train\"'").status == 0);
  CHECK(nn::read_file(a) == nn::read_file(b));
  CHECK(
      nn::read_file(a).starts_with("text\tlabel\tprobability\tsecond_label\tsecond_probability\twhy\na good thing\t"));
  REQUIRE(call("sentiment", predict + "--out " + a + " < /dev/null").status == 0);
  CHECK(nn::read_file(a) == "text\tlabel\tprobability\tsecond_label\tsecond_probability\n");
}

TEST_CASE("predict: a wrong way to ask gets one line and leaves no file") {
  const TemporaryDirectory dir;
  const std::string predict = trained_model(dir), in = dir.write("in.csv", survey(5));
  const auto refused = [&](const std::string& arguments, const std::string& why) {
    const Result result = call("sentiment", predict + arguments);
    CHECK(result.status != 0);
    CHECK_MESSAGE(("\n" + result.output).find("\nerror: ") != std::string::npos, result.output);
    CHECK_MESSAGE(result.says(why), result.output);
  };
  refused("a --out " + dir.path + "/out.xls", "out.xls: the extension says what is written: .csv, .tsv or .jsonl");
  refused("--text-column answer --file " + in + " --out " + in, "the file of --file; name another");
  refused("--file " + in + " --text-column antwort --out " + dir.path + "/out.csv",
          "no column 'antwort'; the columns are id, answer, label");
  refused("--file " + dir.path + "/none.csv --out " + dir.path + "/out.csv", "none.csv: cannot be read");
  refused("a --resume", "--resume goes on with a file; name it with --out");
  refused("a --none x", "--none is what --threshold and --refuse say");
  refused("a --threshold 2", "--threshold");
  refused("a --top 0", "--top");
  refused("--file - < " + in, "--format tsv, csv, jsonl or txt says what it is");
  for (const auto& entry : std::filesystem::directory_iterator(dir.path))
    CHECK_MESSAGE(entry.path().filename().string().find("out.") != 0, entry.path().string());
  const std::string broken = dir.write("late.csv", survey(5000) + "1;\"open;x\n");
  refused("--text-column answer --file " + broken + " --out " + dir.path + "/out.csv", "a quote opens a field");
  CHECK(!std::filesystem::exists(dir.path + "/out.csv.part"));  // found before the first row
}

TEST_CASE("predict: how many texts are cut is said, unless they are read through windows") {
  const TemporaryDirectory dir;
  std::string lines = "a good thing\n";
  for (int word = 0; word < 40; ++word) lines += "bad ";
  const std::string predict = trained_model(dir), texts = " < " + dir.write("texts", lines + "\n");
  CHECK(call("sentiment", predict + texts)
            .says("note: 1 of 2 texts are cut to 24 tokens, their ends are not read; --long window reads all\n"));
  CHECK(!call("sentiment", predict + "--long window" + texts).says("tokens"));
}

TEST_CASE("predict: what a CSV cannot have of JSON lines is said; a file of JSON lines has all of it") {
  const TemporaryDirectory dir;
  const std::string in =
      dir.write("in.jsonl", "{\"text\":\"a\\u0000 good thing\"}\n{\"text\":\"bad thing\",\"id\":7}\n");
  const std::string left_out =
      "in.jsonl:2: keys that the first object does not have are left out, first 'id' (1 in all)";
  const Result csv = sentiment("predict --file " + in + " --out " + dir.path + "/o.csv");
  REQUIRE_MESSAGE(csv.status == 0, csv.output);
  CHECK(csv.says("warning: " + in.substr(0, in.size() - 8) + left_out));
  CHECK(csv.says("note: 1 cells had NULs, which a .csv cannot hold; they are blanks there\n"));
  CHECK(text::read_table(dir.path + "/o.csv").rows[0][0] == "a  good thing");
  CHECK(sentiment("predict --file " + in + " --out " + dir.path + "/o.tsv")
            .says("note: 1 cells had tabs, line ends or NULs, which a .tsv cannot hold; they are blanks there\n"));
  const Result jsonl = sentiment("predict --file " + in + " --out " + dir.path + "/o.jsonl");
  CHECK(jsonl.status == 0);
  CHECK(!jsonl.says("left out"));
  CHECK(!jsonl.says("NULs"));
  CHECK(lines_of(nn::read_file(dir.path + "/o.jsonl"))[1]["id"] == 7);
  CHECK(!sentiment("predict --file " + in).says("left out"));
}

TEST_CASE("predict: options of a table are refused where the texts stand in none") {
  for (const char* option : {"--format csv", "--text-column text", "--pair-column b", "--delimiter tab", "--sheet 2",
                             "--encoding utf-16", "--no-header"}) {
    const std::string name = std::string(option).substr(0, std::string(option).find(' '));
    const std::string why = "error: " + name + " is of a table: --file names one, --file - is standard input\n";
    CHECK(sentiment(std::string("predict ") + option + " </dev/null").output == why);
    CHECK(sentiment(std::string("predict 'a text' ") + option).output == why);
    CHECK(call("explain", std::string("'a text' ") + option).last_line() + "\n" == why);
  }
  const TemporaryDirectory dir;
  const std::string table = " < " + dir.write("t.csv", "id,text\n1,lovely\n");
  CHECK(lines_of(sentiment("predict --file - --format csv" + table, "2>/dev/null").output).size() == 1);
}

TEST_CASE("evaluate: --errors lists the wrong ones, the surest first, with the words that led there") {
  const TemporaryDirectory dir;
  trained_model(dir);
  const std::string data =
      dir.write("test.tsv",
                "text\tlabel\na bad thing\tpositive\na good thing\tnegative\nthe train\tneutral\n"
                "fine and good, really good and as long as a line of a terminal is, or longer than it\tneutral\n");
  const Result result =
      call("sentiment", "evaluate --model " + dir.path + "/run --errors 2 --data " + data, "2>/dev/null");
  REQUIRE_MESSAGE(result.status == 0, result.output);
  CHECK(result.says(" wrong, the surest 2 of them\n"));
  std::vector<double> p;
  for (const std::string& line : engine::split(result.output, '\n')) {
    if (!line.starts_with("result ")) CHECK_MESSAGE(text::columns_of(line) <= 80, line);
    if (line.find(", true ") != std::string::npos) p.push_back(std::stod(line.substr(0, 6)));
  }
  REQUIRE(p.size() == 2);
  CHECK(p[0] >= p[1]);
  CHECK(result.says("[["));
}
