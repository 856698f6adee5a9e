// curve, suggest and noise as their users run them, over texts that a tiny model can tell apart.
#include <filesystem>

#include "tasks/text/data.h"
#include "tests/support/programs.h"

using namespace test;

namespace {

// Complaints and thanks about sixteen things; every sixth label is the other one if `wrong`.
std::string desk(const TemporaryDirectory& dir, bool wrong, const std::string& name = "desk.csv") {
  const char* bad[] = {"came late", "is broken", "does not work", "was a mess"};
  const char* good[] = {"is lovely", "was a pleasure", "works well", "came early"};
  const char* things[] = {"my train",  "your shop", "this lamp", "the room",
                          "our guide", "the soup",  "that film", "his talk"};
  std::string csv = "id,text,label\n";
  for (int i = 0; i < 64; ++i) {
    const bool is_good = i % 2, turned = wrong && i % 13 == 6;
    csv += fmt::format("{},{} {},{}\n", i, things[i / 8], (is_good ? good : bad)[i / 2 % 4],
                       is_good != turned ? "thanks" : "complaint");
  }
  return dir.write(name, csv);
}

const std::string kModel = " --model pool --hidden 16 --max-length 16 --lr 0.02 --epochs 8 --batch-size 4 ";

}  // namespace

TEST_CASE("noise: labels that were turned are the first of the list, with the label that they had") {
  const TemporaryDirectory dir;
  const std::string data = desk(dir, true), out = dir.path + "/o.csv";
  const Result result = sentiment("noise --data " + data + kModel + "--out " + out);
  REQUIRE_MESSAGE(result.status == 0, result.output);
  const text::Table rows = text::read_table(out);
  REQUIRE(rows.rows.size() == 64);
  CHECK(rows.columns == std::vector<std::string>{"id", "text", "label", "rank", "suspected", "given_label",
                                                 "suggested_label", "probability", "given_probability"});
  int found = 0;
  for (int r = 0; r < 5; ++r) {
    found += std::stoi(rows.rows[size_t(r)][0]) % 13 == 6;
    CHECK(rows.rows[size_t(r)][2] == rows.rows[size_t(r)][5]);
    CHECK(rows.rows[size_t(r)][5] != rows.rows[size_t(r)][6]);
  }
  CHECK(found >= 4);  // of 6, 19, 32, 45, 58
  CHECK(nn::read_file(dir.path + "/o.svg").starts_with("<svg"));
  CHECK(!std::filesystem::exists(out + ".folds"));
  const Result again = sentiment("noise --data " + data + kModel + "--out " + dir.path + "/again.csv");
  CHECK(nn::read_file(out) == nn::read_file(dir.path + "/again.csv"));
}

TEST_CASE("noise: killed and begun again with the same words, it goes on; with others it says so") {
  const TemporaryDirectory dir;
  const std::string data = desk(dir, true), out = dir.path + "/o.csv", folds = out + ".folds";
  const std::string command = "noise --data " + data + kModel;
  REQUIRE(sentiment(command + "--out " + dir.path + "/whole.csv").status == 0);
  const std::string kill = program("sentiment") + " " + command + "--out " + out +
                           " 2>/dev/null & victim=$!; for i in $(seq 1200); do [ -e " + folds +
                           "/fold-1.json ] && break; sleep 0.02; done; kill -9 $victim; wait 2>/dev/null; [ -e " +
                           folds + "/fold-1.json ] && [ ! -e " + out + " ]";
  REQUIRE(run_shell(kill).status == 0);
  const Result other = sentiment(command + "--seed 7 --out " + out);
  CHECK(other.status == 1);
  CHECK(other.says("begun with other options"));
  const Result result = sentiment(command + "--out " + out);
  REQUIRE_MESSAGE(result.status == 0, result.output);
  CHECK(!result.says("fold 1 of 5"));
  CHECK(nn::read_file(out) == nn::read_file(dir.path + "/whole.csv"));
}

TEST_CASE("curve: killed and resumed it has the bytes that it would have had; all texts are what train makes of them") {
  const TemporaryDirectory dir;
  const std::string data = desk(dir, false), kill = dir.path + "/killed", whole = dir.path + "/whole";
  const std::string command = "curve --draws 2 --data " + data + " --model pool --hidden 16 --max-length 16 --out ";
  const Result result = sentiment(command + whole);
  REQUIRE_MESSAGE(result.status == 0, result.output);
  CHECK(result.says("is it worth labelling more?"));
  CHECK(result.says("macro_f1 of test, 6 texts; mean and standard deviation of 2 draws"));
  CHECK(nn::read_file(whole + "/curve.svg").starts_with("<svg"));
  REQUIRE(run_shell(program("sentiment") + " " + command + kill +
                    " 2>/dev/null & victim=$!; for i in $(seq 1200); do [ -e " + kill +
                    "/curve.csv ] && break; sleep 0.02; done; kill -9 $victim; wait 2>/dev/null; [ -e " + kill +
                    "/curve.csv ] && [ ! -e " + kill + "/curve.svg ]")
              .status == 0);
  const Result resumed = sentiment("curve --resume " + kill);
  REQUIRE_MESSAGE(resumed.status == 0, resumed.output);
  CHECK(resumed.says("of 8 runs are there"));
  for (const char* name : {"/curve.csv", "/curve.svg"})
    CHECK(nn::read_file(kill + name) == nn::read_file(whole + name));
  const Result trained =
      sentiment("train --data " + data + " --model pool --hidden 16 --max-length 16 --out " + dir.path + "/run");
  REQUIRE(trained.status == 0);
  const text::Table rows = text::read_table(whole + "/curve.csv");
  REQUIRE(rows.rows.size() == 8);  // 10, 20, 50, 100 %, twice
  for (const auto& row : rows.rows)
    if (row[0] == "1" && row[2] == "1")
      CHECK(std::stod(row[rows.column("loss")]) == doctest::Approx(result_of(dir.path + "/run")["loss"].get<double>()));
  dir.write("desk.csv", nn::read_file(data) + "99,one more lamp,thanks\n");
  const Result others = sentiment("curve --resume " + kill);
  CHECK(others.status == 1);
  CHECK(others.says("begun with other texts"));
}

TEST_CASE("suggest: rows with all their columns, each text once, none that is blank or has a label already") {
  const TemporaryDirectory dir;
  const std::string data = desk(dir, false), run = dir.path + "/run", out = dir.path + "/o.csv";
  REQUIRE(sentiment("train --data " + data + kModel + "--out " + run).status == 0);
  const std::string in =
      dir.write("in.csv",
                "n;text;rank\n1;my train came late;a\n2;the moon is lovely and late;b\n3;THE moon is  lovely "
                "and late;c\n4;;d\n5;a soup;e\n");
  const Result result = sentiment("suggest --model " + run + " --file " + in + " --without " + data + " --out " + out);
  REQUIRE_MESSAGE(result.status == 0, result.output);
  CHECK(result.says("3 of 5 texts are left out"));
  CHECK(nn::read_file(out).starts_with("n;text;rank;rank_predicted;uncertainty;label;probability\n"));
  const text::Table rows = text::read_table(out);
  REQUIRE(rows.rows.size() == 2);
  CHECK(rows.rows[0][3] == "1");
  CHECK(std::stod(rows.rows[0][4]) >= std::stod(rows.rows[1][4]));
  CHECK(rows.rows[0][0] != rows.rows[1][0]);
  for (const auto& row : rows.rows) CHECK((row[0] == "2" || row[0] == "5"));
  CHECK(nn::read_file(dir.path + "/o.svg").starts_with("<svg"));
  const Result by = sentiment("suggest --by entropy --top 1 --diversity 0 --model " + run + " --file " + in +
                              " --out " + dir.path + "/p.jsonl");
  REQUIRE_MESSAGE(by.status == 0, by.output);
  CHECK(lines_of(nn::read_file(dir.path + "/p.jsonl")).size() == 1);
}

TEST_CASE("curve, suggest and noise: what cannot be done is refused in one line") {
  const TemporaryDirectory dir;
  const std::string out = " --out " + dir.path + "/o.csv", desk_file = desk(dir, false);
  const std::string one =
      dir.write("one.csv", "text,label\na b,x\nc d,x\ne f,x\ng h,x\ni j,x\nk l,x\nm n,x\no p,x\nq r,x\ns t,x\n");
  const std::string few = dir.write("few.csv", "text,label\na b,x\nc d,y\ne f,x\ng h,y\ni j,x\nk l,y\n");
  const std::string bare = dir.write("bare.csv", "text\na b\nc d\n");
  const auto refuses = [&](const std::string& command, const std::string& what) {
    const Result result = sentiment(command);
    CAPTURE(command);
    CHECK(result.status == 1);
    CHECK_MESSAGE(result.last_line().starts_with("error: "), result.output);
    CHECK_MESSAGE(result.says(what), result.output);
  };
  refuses("noise --data " + one + out, "column 'label' holds one label only, 'x'");
  refuses("noise --labels x,y --data " + one + out, "all 10 texts have the label 'x'");
  refuses("noise --split 50/50/0 --folds 7 --data " + few + out, "7 folds need as many texts; there are 6");
  refuses("noise --data " + bare + out, "label");
  refuses("noise --head regression --data " + few + out, "--head regression has none");
  refuses("noise --data " + desk_file + " --out " + desk_file, "the file of --data; name another");
  refuses("noise --data " + desk_file + " --out " + dir.path + "/o.xls", ".csv, .tsv or .jsonl");
  refuses("curve --labels x,y --data " + one + " --out " + dir.path + "/c",
          "have the label 'x'; there is nothing to learn");
  refuses("curve --split 50/50/0 --data " + few + " --out " + dir.path + "/c", "texts to train on are too few");
  std::string numbers = "text,label\n";
  for (int i = 0; i < 40; ++i) numbers += fmt::format("the lamp is {} out of five,{}.5\n", i % 5, i % 5);
  REQUIRE(sentiment("train --head regression --data " + dir.write("numbers.csv", numbers) + kModel + "--out " +
                    dir.path + "/n")
              .status == 0);
  const Result curve = sentiment("curve --head regression --draws 2 --data " + dir.path + "/numbers.csv" + kModel +
                                 "--out " + dir.path + "/of-numbers");
  CHECK_MESSAGE(curve.says("pearson of test"), curve.output);
  refuses("suggest --model " + dir.path + "/n --file " + bare + out, "this model predicts 'regression'");
}
