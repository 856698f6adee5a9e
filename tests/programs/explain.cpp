// What users do with `explain` from the command line: a text, a pair, many texts; with good input and with bad.
#include <algorithm>

#include "nn/format/json_value.h"
#include "tests/support/programs.h"

using namespace test;
using nn::json;

namespace {

const std::string kExplained = " --hidden 16 --heads 2 --max-length 24 --epochs 2 --batch-size 6 --lr 1e-2 ";

const json* share_of(const json& method, const std::string& word) {
  for (const json& w : method["words"])
    if (w["word"] == word) return &w["share"];
  return nullptr;
}

}  // namespace

TEST_CASE("explain: the classifier that ships is for `lovely` and against `awful`, by every method that has a sign") {
  const TemporaryDirectory dir;
  const std::string page = dir.path + "/why.html", out = dir.path + "/why.jsonl";
  const Result told =
      call("explain", "'A lovely hotel, awful staff.' --class positive --method all --page " + page + " --out " + out);
  REQUIRE_MESSAGE(told.status == 0, told.output);
  CHECK(told.says("the logit of positive is "));
  const json found = lines_of(nn::read_file(out)).at(0);
  CHECK(found["class"] == "positive");
  CHECK(found["methods"].size() == 6);
  for (const char* method : {"shapley", "integrated-gradients", "occlusion", "gradient-x-input"}) {
    const json& m = found["methods"][method];
    CHECK_MESSAGE(share_of(m, "lovely")->get<double>() > 0, method);
    CHECK_MESSAGE(share_of(m, "awful")->get<double>() < 0, method);
    CHECK(m["value"].get<double>() == doctest::Approx(found["value"].get<double>()).epsilon(1e-4));
  }
  for (const char* method : {"shapley", "integrated-gradients"}) {
    const json& m = found["methods"][method];
    double sum = 0;
    for (const json& w : m["words"]) sum += w["share"].get<double>();
    const double moved = m["value"].get<double>() - m["baseline"].get<double>();
    CHECK(std::abs(sum - moved) <= 1e-3 * std::abs(moved) + 1e-4);
  }
  CHECK(found["methods"]["shapley"]["exact"] == true);
  CHECK(found["methods"]["shapley"]["runs"] == 128);  // 7 words and marks
  const std::string html = nn::read_file(page);
  CHECK(html.find("://") == std::string::npos);  // it asks nobody else
  CHECK(html.find("/* viewer") == std::string::npos);
  CHECK(html.find("\"lovely\"") != std::string::npos);
  CHECK(html.size() < 300'000);
}

TEST_CASE("explain: a text that would end the page's script does not; --out - is JSON and nothing else") {
  const TemporaryDirectory dir;
  const std::string page = dir.path + "/why.html";
  REQUIRE(call("explain", "'a </script><b>good</b> day' --method attention --page " + page).status == 0);
  const std::string html = nn::read_file(page);
  const size_t first = html.find("</script>");
  CHECK(first != std::string::npos);
  CHECK(html.find("</script>", first + 1) == std::string::npos);
  const Result lines = call("explain", "text 'good' 'bad' --method attention --out -", "2>/dev/null");
  CHECK(lines_of(lines.output).size() == 2);
}

TEST_CASE(
    "explain: every kind of model: word embeddings, own attention, pairs, ordered classes, numbers, several tasks") {
  const TemporaryDirectory dir;
  const std::string data = three_moods(dir), pool = dir.path + "/pool";
  REQUIRE(call("sentiment", "train --model pool" + kExplained + "--data " + data + " --out " + pool).status == 0);
  const Result words = call("explain", "--model " + pool + " 'the train at noon' --method all");
  REQUIRE_MESSAGE(words.status == 0, words.output);
  CHECK(words.says("absent words removed"));
  std::string rows = "a\tb\tclass\tstars\tsplit\n";
  for (int i = 0; i < 24; ++i)
    rows += fmt::format("good {} thing\tas {} was\t{}\t{}\t{}\n", i, i % 3, i % 3, 0.5 * (i % 5),
                        i < 18 ? "train" : "test");
  const std::string files =
      "\"train\": \"" + dir.write("pairs.tsv", rows) + "\", \"text_column\": \"a\", \"pair_column\": \"b\"";
  const std::string tasks =
      dir.write("tasks.json", "{\"tasks\": {\"order\": {" + files +
                                  ", \"label_column\": \"class\", \"head\": \"ordinal\"}, \"stars\": {" + files +
                                  ", \"label_column\": \"stars\", \"head\": \"regression\"}}}");
  const std::string run = dir.path + "/multi";
  const Result trained = call("multitask", "train --tasks " + tasks +
                                               " --model bert --layers 1 --hidden 16 --heads 2 "
                                               "--max-length 24 --max-steps 4 --batch-size 6 --out " +
                                               run);
  REQUIRE_MESSAGE(trained.status == 0, trained.output);
  for (const std::string& options : {std::string("--task order --class 1"),
                                     std::string("--task order --of probability"), std::string("--task stars")}) {
    const Result told = call("explain", "'good 3 thing' --pair 'as 1 was' --method all --model " + run + " " + options);
    CHECK_MESSAGE(told.status == 0, options, told.output);
    CHECK(told.says("| was"));  // of the second text
  }
  const auto refused = [&](const std::string& options, const std::string& why) {
    const Result told = call("explain", "good --model " + run + " " + options);
    CHECK_MESSAGE(told.status == 1, options);
    CHECK_MESSAGE(told.last_line().find(why) != std::string::npos, told.output);
  };
  refused("--task stars --class 1", "predicts a number, which has no classes");
  refused("--task stars --of probability", "a number has no probability");
  refused("--task star", "did you mean 'stars'?");
}

TEST_CASE("explain: what cannot be explained gets one clear line") {
  const TemporaryDirectory dir;
  const auto refused = [&](const std::string& arguments, const std::string& why, int status = 1) {
    const Result told = call("explain", arguments);
    CHECK_MESSAGE(told.status == status, arguments, ": ", told.output);
    CHECK_MESSAGE(told.last_line().find(why) != std::string::npos, told.output);
  };
  refused("good --class positve", "'positve' is not one of negative, neutral, positive (did you mean 'positive'?)");
  refused("good --method shaply", "(did you mean 'shapley'?)");
  refused("''", "text 1: there is no word in it to explain");
  refused("good ' '", "text 2: there is no word in it to explain");
  refused("'good bad good bad good' --max-length 5 --long error", "a text of 7 tokens, more than the 5");
  refused("good bad --pair x", "--pair is the second text of one argument");
  refused("good --model mini", "an encoder without a trained classifier");
  refused("good --task mood",
          "task: 'mood': this model does one task, which has no name (its labels are negative, neutral, positive)");
  refused("patch good", "two texts are patched; got 1", 2);
  refused("patch 'a good day' 'a day'", "both texts must have as many tokens");
  refused("patch 'a day' 'a day'", "no difference to hand over");
  refused("compare --model sentiment --data " + dir.write("short.tsv", "text\na\nb\nc\n"), "no text has three words");
  const Result nothing = run_shell("printf '' | " + program("explain") + " --out " + dir.path + "/none --page " +
                                   dir.path + "/page 2>/dev/null");
  CHECK((nothing.status == 0 && nothing.output.empty() && nn::read_file(dir.path + "/none").empty()));
  CHECK(!std::filesystem::exists(dir.path + "/page"));
  const Result cut = call("explain", "'good bad good bad good' --max-length 5 --method attention");
  CHECK(cut.status == 0);
  CHECK(cut.says("longer than the 5 tokens that are read: 3 of 5 words are explained"));
  const std::string small = dir.path + "/int8";
  REQUIRE(call("sentiment", "quantize --model sentiment --out " + small).status == 0);
  refused("good --method integrated-gradients --model " + small, "this model's weights are int8");
  CHECK(call("explain", "good --method shapley,occlusion,attention --model " + small).status == 0);
}

TEST_CASE("explain compare: Shapley beats a random order; the figures are in the file, and the same at every call") {
  const TemporaryDirectory dir;
  std::string texts = "text\n";
  for (const char* text : {"What a lovely hotel this is", "I hate this awful phone", "The food was cold and bad",
                           "Such a happy day for us", "The worst film I have seen", "We love the new park",
                           "A terrible noise all night", "Great price and good shoes"})
    texts += fmt::format("{}\n", text);
  const std::string data = dir.write("texts.tsv", texts), out = dir.path + "/figures.json";
  const std::string command = "compare --model sentiment --seeds 2 --texts 4 --data " + data + " --out " + out;
  const Result told = call("explain", command);
  REQUIRE_MESSAGE(told.status == 0, told.output);
  CHECK(told.says("Does attention explain? "));
  CHECK(told.last_line().starts_with("result task=compare texts=8 attention="));
  const std::string first = nn::read_file(out);
  const json found = json::parse(first);
  CHECK(found["texts"] == 8);
  CHECK(found["methods"].size() == 8);
  CHECK(found["methods"]["shapley"]["over_random"]["mean"].get<double>() > 0.1);
  CHECK(found["methods"]["shapley"]["rank_correlation"]["mean"] == doctest::Approx(1));
  CHECK(found["methods"]["random"]["over_random"]["mean"] == doctest::Approx(0));
  CHECK(found["complete"] == 8);
  REQUIRE(call("explain", command).status == 0);
  CHECK(nn::read_file(out) == first);
}

TEST_CASE("explain patch: the word that differs carries all before the first layer, [CLS] all behind the last") {
  const TemporaryDirectory dir;
  const std::string out = dir.path + "/patch.json", page = dir.path + "/patch.html";
  const Result told = call("explain", "patch 'The film was good' 'The film was bad' --out " + out + " --page " + page);
  REQUIRE_MESSAGE(told.status == 0, told.output);
  CHECK(told.says("good / bad             1.00"));
  const json found = json::parse(nn::read_file(out));
  CHECK(found["contrast"] == "the logit of positive less that of negative");
  CHECK(found["clean_value"].get<double>() > found["corrupted_value"].get<double>());
  const json& residual = found["effects"][0]["denoising"];
  CHECK(residual[0][4].get<double>() == doctest::Approx(1).epsilon(1e-3));
  CHECK(residual[2][0].get<double>() == doctest::Approx(1).epsilon(1e-3));
  CHECK(nn::read_file(page).find("\"noising\"") != std::string::npos);
  CHECK(call("explain", "patch good bad --class neutral --against neutral").last_line() ==
        "error: --against neutral: the same class as --class");
}
