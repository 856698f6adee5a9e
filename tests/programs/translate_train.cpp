// The program translate: held-out texts that are too long, long pairs in short steps, going on from a directory.
#include "nn/format/files.h"
#include "nn/format/json_value.h"
#include "tests/support/translate.h"

using namespace test;

namespace {

const std::string kLong = "this house is red this house is red this house is red this house is red this house is red\n";

// Held-out texts, the first source of which has these lines in front, and the first target those.
std::string held_out_behind(const Sides& f, const std::string& source, const std::string& target) {
  return " --dev-source " + f.dir.write("dev.en", source + nn::read_file(f.source)) + " --dev-target " +
         f.dir.write("dev.de", target + nn::read_file(f.target)) + " ";
}

}  // namespace

TEST_CASE(
    "translate: held-out sources beyond the positions are left out before the first step, and a target costs nothing") {
  const Sides f;
  const std::string train = "train " + f.data() + " " + kTinyTranslator + "--positions 20 --epochs 1 --events auto";
  for (const auto& [source, target] : {std::pair{kLong, std::string("rot\n")}, {std::string("red\n"), kLong}}) {
    const std::string out = f.dir.path + (source == kLong ? "/source" : "/target");
    const Result run = call("translate", train + held_out_behind(f, source, target) + " --out " + out);
    CHECK_MESSAGE(run.status == 0, run.output);
    CHECK_MESSAGE(run.says("left out: 1 held-out pairs whose source has more than 20 pieces") == (source == kLong),
                  run.output);
    CHECK(nn::read_file(out + "/best/README.md").find(source == kLong ? "12" : "13") != std::string::npos);
  }
  const std::string all = f.dir.write("long", kLong);
  const Result none =
      call("translate", train + " --dev-source " + all + " --dev-target " + all + " --out " + f.dir.path + "/none");
  CHECK(none.status != 0);
  CHECK(none.last_line() == "error: every held-out source has more than 20 pieces, the model's positions");
}

TEST_CASE("translate: every step learns from a pair, though one pair is longer than many steps") {
  const Sides f;
  const std::string both[] = {f.dir.write("long.en", "red\n" + kLong + "old\nhouse\ntrain\nbook\n"),
                              f.dir.write("long.de", "rot\n" + kLong + "alt\nHaus\nZug\nBuch\n")};
  const std::string out = f.dir.path + "/run";
  const Result run = call("translate", "train --source " + both[0] + " --target " + both[1] + " " + kTinyTranslator +
                                           "--dev-share 0 --batch-size 4 --epochs 2 --out " + out);
  REQUIRE_MESSAGE(run.status == 0, run.output);
  const std::string log = nn::read_file(out + "/log.jsonl");
  CHECK(log.find("\"loss\":0.0,") == std::string::npos);
  CHECK(std::count(log.begin(), log.end(), '\n') >= 10);
}

TEST_CASE("translate: a directory that is gone on from keeps the dropouts that are not given") {
  const Sides f;
  const std::string from = f.trained("from", "--dropout 0.2 --attention-dropout 0.1 --max-steps 1");
  const auto after = [&](const std::string& name, const std::string& options) {
    const std::string out = f.dir.path + "/" + name;
    const Result run = call("translate", "train " + f.data() + " --batch-size 60 --max-steps 1 --model " + from +
                                             options + " --out " + out);
    REQUIRE_MESSAGE(run.status == 0, run.output);
    return nn::json::parse(nn::read_file(out + "/best/config.json"));
  };
  const nn::json kept = after("kept", ""), one = after("one", " --attention-dropout 0.3");
  CHECK((kept["dropout"] == 0.2 && kept["attention_dropout"] == 0.1 && kept["activation_dropout"] == 0.0));
  CHECK((one["dropout"] == 0.2 && one["attention_dropout"] == 0.3));
  const Result fresh = call("translate", "train " + f.data() +
                                             " --layers 1 --hidden 16 --heads 2 --vocab-size 60 "
                                             "--max-steps 1 --out " +
                                             f.dir.path + "/fresh");
  REQUIRE_MESSAGE(fresh.status == 0, fresh.output);
  const nn::json config = nn::json::parse(nn::read_file(f.dir.path + "/fresh/best/config.json"));
  CHECK((config["dropout"] == 0.3 && config["attention_dropout"] == 0.0));
}
