// A model with int8 weights through the programs: written, used by every command that predicts, and not trained.
#include <filesystem>

#include "tests/support/programs.h"

using namespace test;
namespace fs = std::filesystem;

TEST_CASE("quantize: every command that predicts reads what it wrote and says nearly the same; training refuses it") {
  const TemporaryDirectory dir;
  const std::string data = three_moods(dir), run = dir.path + "/run", small = dir.path + "/small";
  const auto sentiment = [](const std::string& arguments) { return call("sentiment", arguments); };
  REQUIRE(sentiment("train --model bert --layers 2 --hidden 128 --heads 2 --max-length 16 --epochs 3 --batch-size 8 "
                    "--lr 0.002 --data " +
                    data + " --out " + run)
              .status == 0);
  const Result written = sentiment("quantize --model " + run + " --out " + small);
  REQUIRE_MESSAGE(written.status == 0, written.output);
  CHECK(written.last_line().starts_with("result task=quantize model=" + run + "/best out=" + small + " megabytes="));
  CHECK(double(fs::file_size(small + "/model.safetensors")) <
        0.3 * double(fs::file_size(run + "/best/model.safetensors")));
  for (const char* file : {"config.json", "vocab.txt", "tokenizer_config.json"}) CHECK(fs::exists(small + "/" + file));
  const std::string texts = " 'good thing' 'awful bad' 'noon train'";
  const auto before = call("sentiment", "predict --model " + run + texts, "2>/dev/null");
  const auto after = call("sentiment", "predict --model " + small + texts, "2>/dev/null");
  const auto alone = call("sentiment", "predict --model " + small + " 'awful bad'", "2>/dev/null");
  auto first = lines_of(before.output), then = lines_of(after.output);
  REQUIRE(then.size() == 3);
  CHECK(then[1] == lines_of(alone.output)[0]);
  for (size_t i = 0; i < 3; ++i)
    for (const auto& [label, p] : first[i]["probabilities"].items())
      CHECK(then[i]["probabilities"][label].get<double>() == doctest::Approx(p.get<double>()).epsilon(0.05));
  CHECK(sentiment("evaluate --model " + small + " --data " + data).status == 0);

  for (const std::string& again : {"train --epochs 1 --data " + data + " --out " + dir.path + "/more",
                                   "train --adapter lora --epochs 1 --data " + data + " --out " + dir.path + "/more"}) {
    const Result refused = sentiment(again + " --model " + small);
    CHECK(refused.status == 1);
    CHECK(refused.last_line() ==
          "error: " + small + ": its weights are int8, for predictions alone; train the model that it was made from");
  }
  const Result twice = sentiment("quantize --model " + small + " --out " + dir.path + "/twice");
  CHECK(twice.status == 1);
  CHECK(twice.last_line() == "error: " + small + ": its weights are int8 already");
}
