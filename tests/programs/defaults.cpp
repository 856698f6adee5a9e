// The program as a person uses it who leaves everything open: what it decides, what it finds wrong, ratings.
#include <fmt/core.h>

#include "tests/support/programs.h"

using namespace test;
using nn::json;

namespace {

// Ratings from 1 to 5 that a text's words tell.
std::string ratings(const TemporaryDirectory& dir) {
  const char* words[] = {"awful broken", "poor slow", "plain fair", "good nice", "great superb"};
  std::string rows = "rating,text\n";
  for (int i = 0; i < 100; ++i) rows += fmt::format("{},the {} thing number {}\n", i % 5 + 1, words[i % 5], i / 5);
  return dir.write("ratings.csv", rows);
}

}  // namespace

TEST_CASE("defaults: what was left open is decided and said in one line, recorded, and not decided again by --resume") {
  const TemporaryDirectory dir;
  const std::string data = three_moods(dir), run = dir.path + "/run";
  const Result trained = sentiment("train --max-steps 2 --data " + data + " --out " + run);
  REQUIRE_MESSAGE(trained.status == 0, trained.output);
  CHECK(trained.says("left open, so: --model mini (18 texts, and it knows "));
  CHECK(trained.says(", --lr 0.0003\n"));
  const std::string options = nn::read_file(run + "/options.ini");
  CHECK(options.find("\nmodel=mini\n") != std::string::npos);
  CHECK(options.find("\nlr=0.0003\n") != std::string::npos);
  const Result resumed = sentiment("train --resume " + run);
  REQUIRE_MESSAGE(resumed.status == 0, resumed.output);
  CHECK_FALSE(resumed.says("left open"));
  const Result sized = sentiment("train --hidden 8 --data " + data + " --out " + dir.path + "/pool");
  REQUIRE_MESSAGE(sized.status == 0, sized.output);
  CHECK(sized.says("--model pool (--hidden is given), --lr 0.002, --epochs 50 (100 steps), --patience 75"));
  CHECK(sized.says("epoch 1, dev (the best so far): loss "));  // many epochs: a line each, no report
}

TEST_CASE("defaults: --head ordinal and regression learn ratings; saved, loaded, measured and predicted") {
  const TemporaryDirectory dir;
  const std::string data = ratings(dir), columns = " --label-column rating --data " + data;
  for (const std::string model : {"pool", "bert --layers 1 --heads 2"})
    for (const std::string head : {"ordinal", "regression"}) {
      const std::string run = dir.path + "/" + head + model.substr(0, 4);
      const Result trained =
          sentiment("train --model " + model + " --hidden 32 --lr 5e-3 --epochs 30 --metric mae --head " + head +
                    columns + " --out " + run);
      REQUIRE_MESSAGE(trained.status == 0, trained.output);
      const json result = result_of(run);
      CHECK_MESSAGE(result["quadratic_kappa"].get<double>() > 0.8, head, " ", model, ": ", trained.last_line());
      CHECK(result["mae"].get<double>() < 0.5);
      CHECK(result["best_dev"]["mae"].get<double>() >= 0);  // an error, though less is better
      CHECK(result["best_dev"]["mae"].get<double>() < 0.5);
      const Result measured = sentiment("evaluate --model " + run + columns);
      CHECK_MESSAGE(measured.says("quadratic_kappa"), measured.output);
      const Result said = call("sentiment", "predict --model " + run + " 'the great superb thing'", "2>/dev/null");
      const json line = json::parse(said.output);
      if (head == "ordinal") {
        CHECK(line["label"] == "5");
        double sum = 0;
        for (const auto& [label, p] : line["probabilities"].items()) sum += p.get<double>();
        CHECK(sum == doctest::Approx(1).epsilon(3e-4));  // four digits each
      } else {
        CHECK(line["value"].get<double>() == doctest::Approx(5).epsilon(0.2));
      }
    }
  // Trained further, the regression begins where it was: in the unit of the ratings.
  const std::string from = dir.path + "/regressionpool";
  const Result further = sentiment("train --model " + from + " --head regression --lr 1e-12 --max-steps 1" + columns +
                                   " --out " + dir.path + "/further");
  REQUIRE_MESSAGE(further.status == 0, further.output);
  CHECK(result_of(dir.path + "/further")["mae"].get<double>() ==
        doctest::Approx(result_of(from)["mae"].get<double>()).epsilon(1e-3));
}

TEST_CASE("defaults: heads refuse what does not go with them, in one line") {
  const TemporaryDirectory dir;
  const std::string moods = " --max-steps 1 --data " + three_moods(dir) + " --out " + dir.path + "/run";
  const auto refused = [&](const std::string& arguments, const std::string& why) {
    const Result result = sentiment("train " + arguments + moods);
    CHECK(result.status != 0);
    CHECK_MESSAGE(result.last_line().find(why) != std::string::npos, result.output);
  };
  refused("--model pool --head ordinal", "the head 'ordinal' needs an order, and negative, neutral, positive are not");
  refused("--model pool --head regression", "'negative' is not a number");
  refused("--model pool --head ordinal --labels negative,neutral,positive --class-weights balanced",
          "--label-smoothing and --class-weights are for --head label");
  refused("--model pool --head regression --metric accuracy", "'accuracy' is not one of pearson, spearman, mse, mae");
  refused("--model auot", "auot: no such directory; the models that ship: mini, sentiment");
}

TEST_CASE("defaults: what is wrong is said in one line each, after training and before") {
  const TemporaryDirectory dir;
  std::string rows = "text,label\n";
  for (int i = 0; i < 60; ++i) rows += fmt::format("the same words again {},{}\n", i % 6, i % 6 ? "yes" : "no");
  rows += "the same words again 0,yes\n";
  const Result trained = sentiment("train --model pool --hidden 8 --lr 1e-12 --epochs 1 --max-length 4 --data " +
                                   dir.write("same.csv", rows) + " --out " + dir.path + "/run");
  REQUIRE_MESSAGE(trained.status == 0, trained.output);
  CHECK(trained.says("warning: never predicted: "));
  CHECK(trained.says("warning: no better than always saying 'yes'"));
  CHECK(trained.says("texts are cut to 4 tokens"));
  CHECK(trained.says("macro_f1 counts classes alike, but 'yes' has"));
  CHECK(result_of(dir.path + "/run")["warnings"].size() == 2);
}

TEST_CASE("check: rows, classes, equal texts, what train would choose and the command to run next, in words and JSON") {
  const TemporaryDirectory dir;
  const std::string data = ratings(dir), out = dir.path + "/check.json";
  std::ofstream(data, std::ios::app) << "5,the awful broken thing number 0\n1,ok\n";
  const Result checked = sentiment("check " + data + " --label-column rating --out " + out);
  REQUIRE_MESSAGE(checked.status == 0, checked.output);
  CHECK(checked.says("102 texts in 'text', labels in 'rating'"));
  CHECK(checked.says("5 labels: 1 21, 2 20, 3 20, 4 20, 5 21"));
  CHECK(checked.says("warning: texts with more than one label: 1, first " + data + ":2 (1) and " + data + ":102 (5)"));
  CHECK(checked.says("train would take --model mini: 82 texts, and it knows"));
  CHECK(checked.says(" train --data " + data + " --label-column rating --head ordinal\n"));
  const json found = json::parse(nn::read_file(out));
  CHECK(found["texts"] == 102);
  CHECK(found["classes"]["5"] == 21);
  CHECK(found["contradictions"] == 1);
  CHECK(found["nearly_empty"] == 1);
  CHECK(found["model"] == "mini");
  CHECK(found["warnings"].size() == 3);
  std::string many = "text,rating\n";
  for (int i = 0; i < 1200; ++i) many += fmt::format("word {0},{0}.5\n", i);
  CHECK(sentiment("check " + dir.write("many.csv", many) + " --label-column rating")
            .says("1200 different values, more than the 1000 that labels may be; numbers are learned with the head "
                  "regression"));
}
