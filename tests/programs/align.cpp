// What users do with parallel texts, from the command line; with good input and with bad.
#include "nn/format/files.h"
#include "nn/format/json_value.h"
#include "nn/format/safetensors.h"
#include "tests/programs/sentences.h"

using namespace test;
using nn::json;

TEST_CASE("align: a student of another width finds the translation of every sentence, both ways") {
  const TemporaryDirectory dir;
  const std::string en = lines_file(dir, "t.en", kEnglish), de = lines_file(dir, "t.de", kGerman);
  const std::string teacher = english_encoder(dir, "--epochs 5"), out = dir.path + "/student";
  const std::string common = "train --teacher " + teacher + " --source " + en + " --target " + de + " --dev-source " +
                             en + " --dev-target " + de + kSmallSteps + "--hidden 16 ";
  const Result trained = call("align", common + "--both --ranking 0.5 --epochs 150 --lr 3e-3 --out " + out);
  REQUIRE_MESSAGE(trained.status == 0, trained.output);
  CHECK(trained.last_line().find("result task=align source_to_target=1.0000 target_to_source=1.0000 n=8") == 0);
  CHECK(trained.says("\ndev: source to target"));  // there are no test pairs
  CHECK(json::parse(nn::read_file(out + "/result.json"))["measured_on"] == "dev");
  CHECK(nn::read_file(out + "/best/README.md").find("On the dev texts.") != std::string::npos);
  const nn::SafeTensors weights(out + "/best/model.safetensors");
  CHECK(weights.entry("projection.weight").shape == std::vector<long>{32, 16});
  const json config = json::parse(nn::read_file(out + "/best/config.json"));
  CHECK(config["architectures"] == json{"BertModel"});

  const std::string through = dir.path + "/through", again = dir.path + "/again";  // resuming
  const std::string brief = common + "--both --ranking 0.5 --dropout 0.1 --epochs 12 --test-source " + en +
                            " --test-target " + de + " --out ";
  REQUIRE(call("align", brief + through).status == 0);
  stop_and_resume("align", brief + again, again, "log.jsonl");
  CHECK(nn::read_file(again + "/log.jsonl") == nn::read_file(through + "/log.jsonl"));
  CHECK(json::parse(nn::read_file(again + "/result.json"))["measured_on"] == "test");
}

TEST_CASE("align: the loss is the weighted sum of its terms; bad input gets one clear line") {
  const TemporaryDirectory dir;
  const std::string en = lines_file(dir, "t.en", kEnglish), de = lines_file(dir, "t.de", kGerman);
  const std::string teacher = english_encoder(dir, "--epochs 1"), out = dir.path + "/student";
  const auto with = [&](const std::string& source, const std::string& target, const std::string& options) {
    return call("align", "train --teacher " + teacher + " --source " + source + " --target " + target +
                             " --test-source " + en + " --test-target " + de + kSmallSteps + "--overwrite --out " +
                             out + " " + options);
  };
  const Result weighted = with(en, de, "--mse 0.5 --ranking 2 --pooling cls --max-steps 1");
  REQUIRE_MESSAGE(weighted.status == 0, weighted.output);
  const json step =
      json::parse(nn::read_file(out + "/log.jsonl").substr(0, nn::read_file(out + "/log.jsonl").find('\n')));
  CHECK(step["loss"].get<double>() ==
        doctest::Approx(0.5 * step["mse"].get<double>() + 2 * step["ranking"].get<double>()).epsilon(1e-5));
  const auto refused = [&](const Result& result, const std::string& why) {
    CHECK_MESSAGE(result.status == 1, result.output);
    CHECK_MESSAGE(result.last_line().find(why) != std::string::npos, result.output);
  };
  refused(with(en, dir.write("short.de", "eins\nzwei\n"), ""), "t.en has 8 lines, " + dir.path + "/short.de has 2");
  refused(with(en, dir.write("gap.de", "eins\n\n3\n4\n5\n6\n7\n8\n"), ""), "gap.de:2: the line is empty");
  refused(with(dir.path + "/none", de, ""), "none: cannot be read");
  refused(with(en, de, "--mse 0"), "--mse and --ranking are both 0");
  refused(with(en, de, "--dev-source " + en), "--dev-source and --dev-target come together");
  refused(with(en, de, "--max-length 40"), "--max-length 40 is more than the 16 positions of");
  refused(with(en, de, "--patience 1"), "--patience needs --dev-source");
  CHECK(with(en, de, "--scale 0").status == 2);
  CHECK(with(en, de, "--pooling max").status == 2);
  CHECK(call("align", "train --source " + en + " --target " + de).status == 2);
}

TEST_CASE(
    "transfer: numbers out of range and a teacher that is none are refused with a line that says what to change") {
  const TemporaryDirectory dir;
  const std::string en = lines_file(dir, "t.en", kEnglish), de = lines_file(dir, "t.de", kGerman);
  const std::string data = dir.write("d.tsv", "label\ttext\na\tone\nb\ttwo\na\tthree\nb\tfour\n");
  const std::string common = " --train " + data + " --test " + data + " --labels a,b --split 1/0/0 --epochs 1 ";
  const std::string encoder = english_encoder(dir, "--max-steps 1"), pool = dir.path + "/pool";
  REQUIRE(call("sentiment", "train --hidden 8 --heads 1" + common + "--out " + pool).status == 0);
  const auto refused = [&](int status, const std::string& arguments, const std::string& why) {
    const Result result = call(arguments.find("--source") == std::string::npos ? "transfer" : "align", arguments);
    CHECK_MESSAGE(result.status == status, arguments, ": ", result.output);
    CHECK_MESSAGE(result.says(why), result.output);
  };
  const std::string train = "train --teacher " + pool + common + "--out " + dir.path + "/out ";
  refused(2, train + "--soft-targets 1 --temperature 0", "--temperature: must be from 0.001 to 1000; got '0'");
  refused(2, train + "--soft-targets -1", "--soft-targets: must be 0 or more; got '-1'");
  refused(2, train + "--soft-targets nan", "--soft-targets: must be 0 or more; got 'nan'");
  refused(1, "train --teacher " + encoder + common + "--max-length 16 --out " + dir.path + "/out",
          "an encoder without a trained classifier");
  refused(1,
          "train --pooling cls --teacher " + pool + " --source " + en + " --target " + de + " --test-source " + en +
              " --test-target " + de + " --out " + dir.path + "/out",
          "word embeddings alone have no [CLS] to read");
}
