// `answer train` with what makes its head of intents stand more: what has no strength changes nothing, a step in parts
// is one step, and a run that was stopped goes on. Read tasks/objective/robust.h before.
#include <filesystem>

#include "nn/format/safetensors.h"
#include "tests/support/programs.h"

using namespace test;
using nn::json;

namespace {

// Three intents of unequal size, one with a value, `marked` or not, and two articles.
std::string small_shop(const TemporaryDirectory& dir, bool marked = true) {
  const char* turns[] = {"please", "now", "today", "thanks", "again", "hello", "quickly", "sir", "friend", "soon"};
  std::string track = "# track\n## Questions\n", hours = "# hours\n## Questions\n", size = "# size\n## Questions\n";
  for (int i = 0; i < 10; ++i) {
    track += fmt::format("- {0} where is parcel {2}S-{1}{3}\n- {0} where did it go\n", turns[i], 10 + i,
                         marked ? "[" : "", marked ? "](order)" : "");
    hours += fmt::format("- {} when are you open\n", turns[i]);
    if (i < 6) size += fmt::format("- {} how big is this tent\n", turns[i]);
  }
  return dir.write("shop.md", track + "## Answer\n" + (marked ? "Parcel {order}" : "It") + " is under way.\n" + hours +
                                  "## Answer\nNine to five.\n" + size + "## Answer\nSmall.\n" +
                                  "# Sending things back\nReturns are free.\n# Cleaning a kettle\nBoil vinegar.\n");
}

const std::string kTiny =
    " --model bert --layers 1 --hidden 16 --heads 2 --intermediate 16 --dropout 0.2 --vocab-size 200 --split 60/30/10 "
    "--batch-size 8 --lr 0.01 --seed 1 ";

// The lines of the log of a run of so many steps.
std::vector<json> learned_by(const TemporaryDirectory& dir, const std::string& options, int steps = 2,
                             bool marked = true) {
  const Result result = call("answer", fmt::format("train --data {} --out {}/run --overwrite{} --max-steps {} {}",
                                                   small_shop(dir, marked), dir.path, kTiny, steps, options));
  REQUIRE_MESSAGE(result.status == 0, options, ": ", result.output);
  std::vector<json> lines = lines_of(nn::read_file(dir.path + "/run/log.jsonl"));
  REQUIRE(lines.size() >= size_t(steps));
  return lines;
}

void check_equal(const std::vector<json>& a, const std::vector<json>& b, int steps, const std::string& what) {
  INFO(what);
  for (int i = 0; i < steps; ++i)
    for (const char* key : {"loss", "intent", "slots", "contrast", "grad_norm"}) {
      if (!b[size_t(i)].contains(key)) continue;  // the slots, where nothing is marked
      CHECK(a[size_t(i)][key].get<double>() == doctest::Approx(b[size_t(i)][key].get<double>()).epsilon(1e-4));
    }
}

// What an adversary adds to a step's loss, where that has no articles and no contrast.
double adversarial_in(const json& line) {
  return line["loss"].get<double>() - line["intent"].get<double>() - line["slots"].get<double>();
}

std::string learned_questions(const TemporaryDirectory& dir) {
  return nn::SafeTensors(dir.path + "/run/questions.safetensors").metadata().at("learned");
}

}  // namespace

TEST_CASE("answer: a loss that is bent by nothing, and an adversary that goes nowhere, are the plain step") {
  const TemporaryDirectory dir;
  const std::vector<json> plain = learned_by(dir, "");
  for (const std::string none :
       {"--class-loss focal --focal-gamma 0", "--class-loss margins --margin 0", "--class-loss logit-adjusted --tau 0",
        "--adversarial freelb --adversarial-start 0 --adversarial-rate 0 --adversarial-steps 3",
        "--adversarial smart --smart-weight 1e-9 --smart-proximal 0"})
    check_equal(learned_by(dir, none), plain, 2, none);
  const json still = learned_by(dir, "--contrast 0 --articles-weight 0 --adversarial fgm --adversarial-size 0")[0];
  CHECK(adversarial_in(still) == doctest::Approx(still["intent"].get<double>()).epsilon(1e-5));
}

TEST_CASE("answer: where an adversary has moved the embeddings the intents are told worse, and smart sees a distance") {
  const TemporaryDirectory dir;
  for (const std::string kind : {"fgm", "pgd"}) {
    const json first =
        learned_by(dir, "--contrast 0 --articles-weight 0 --adversarial-size 2 --adversarial " + kind)[0];
    INFO(first.dump());
    CHECK(adversarial_in(first) > first["intent"].get<double>() + 1e-3);
  }
  const std::vector<json> smart = learned_by(dir, "--adversarial smart");
  CHECK(smart[0]["smart"].get<double>() > 0);
  CHECK(smart[0]["proximal"].get<double>() < 1e-9);  // the slow average is the model itself
  CHECK(smart[1]["proximal"].get<double>() > 1e-9);
}

TEST_CASE("answer: an adversary's step in parts is that of one large batch") {
  const TemporaryDirectory dir;
  const std::string how = "--dropout 0 --articles-weight 0 --adversarial ";
  for (const std::string kind : {"fgm", "pgd", "freelb --adversarial-start 0 --adversarial-steps 3"}) {
    const std::vector<json> whole = learned_by(dir, how + kind + " --batch-size 12", 3, false),
                            parts = learned_by(dir, how + kind + " --batch-size 4 --accumulate 3", 3, false);
    check_equal(parts, whole, 3, kind);
  }
}

TEST_CASE("answer: further texts are the encoder's alone: what is nearest, and the wording, are of texts as written") {
  const TemporaryDirectory dir;
  learned_by(dir, "");
  const std::string written = learned_questions(dir), wording = nn::read_file(dir.path + "/run/wording.safetensors");
  const Result more = call("answer", "train --data " + small_shop(dir) + " --out " + dir.path + "/run --overwrite" +
                                         kTiny + "--max-steps 2 --no-hints --augment words --copies 2 --oversample 1");
  REQUIRE_MESSAGE(more.status == 0, more.output);
  CHECK(more.says(" texts in other words, of "));
  CHECK(json::parse(learned_questions(dir)).size() == 21);  // 12, 6 and 3 of 20, 10 and 6 questions
  learned_by(dir, "--augment words --copies 2 --oversample 1");
  CHECK(learned_questions(dir) == written);
  CHECK(nn::read_file(dir.path + "/run/wording.safetensors") == wording);
}

TEST_CASE("answer: what of robustness does not go together is one line") {
  const TemporaryDirectory dir;
  const std::string shop = small_shop(dir);
  dir.write("marked.md",
            "# a\n## Questions\n- one [b](c)\n- two [b](c)\n## Answer\n{c}\n"
            "# d\n## Questions\n- three [b](c)\n- four [b](c)\n## Answer\n{c}\n");
  const auto error = [&](const std::string& options) {
    const Result result = call("answer", "train --out " + dir.path + "/x " + options, "2>&1 >/dev/null");
    CHECK(result.status == 1);
    return result.output.substr(result.output.rfind("error: "));
  };
  CHECK(error("--data " + shop + " --class-loss focal --label-smoothing 0.1") ==
        "error: --class-loss focal has no label smoothing\n");
  CHECK(error("--data " + shop + " --r-drop 1 --mixup 1").starts_with("error: --r-drop compares two plain passes"));
  CHECK(error("--data " + dir.path + "/marked.md --split 1/0/0 --no-hints --augment words") ==
        "error: --augment changes words, and every text to learn from has a marked value\n");
  CHECK(error("--data " + shop + kTiny + "--lr 1e25 --clip 0 --warmup 0 --adversarial pgd")
            .find("; --on-nan skip goes on") != std::string::npos);
}

TEST_CASE("answer: a run with copies, an adversary and a slow average, stopped and resumed, ends in the same bits") {
  const TemporaryDirectory dir;
  const std::string shop = small_shop(dir), through = dir.path + "/through", again = dir.path + "/again";
  for (const std::string kind : {"freelb --mixup 0.5 --accumulate 2", "smart --class-loss focal"}) {
    const std::string how = "train --data " + shop + kTiny +
                            "--max-steps 60 --augment characters --oversample 1 --overwrite --adversarial " + kind +
                            " --out ";
    const Result ran = call("answer", how + through);
    REQUIRE_MESSAGE(ran.status == 0, ran.output);
    std::filesystem::remove_all(again);
    stop_early("answer", how + again, again);
    CHECK(!std::filesystem::exists(again + "/answer.json"));
    const Result resumed = call("answer", "train --resume " + again);
    REQUIRE_MESSAGE(resumed.status == 0, resumed.output);
    for (const char* file : {"/log.jsonl", "/best/model.safetensors", "/questions.safetensors"})
      CHECK(nn::read_file(again + file) == nn::read_file(through + file));
  }
}
