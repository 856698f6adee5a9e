// The program translate: what it scores, and what it refuses to.
#include "tests/support/translate.h"

using namespace test;

namespace {

std::string times(int count, const std::string& line) {
  std::string lines;
  for (int i = 0; i < count; ++i) lines += line + "\n";
  return lines;
}

}  // namespace

TEST_CASE("translate: tokenised text is refused in every file that is scored, by its name") {
  const Sides f;
  const std::string many = f.dir.write("many", times(100, "So .")), raw = f.dir.write("raw", times(100, "So."));
  const std::string says = "many: 100 lines end in ' .': tokenised text, which 13a would tokenise again";
  refused("score --hypotheses " + many + " --references " + raw, says);
  refused("score --hypotheses " + raw + " --references " + many, says);
  refused("score --hypotheses " + raw + " --references " + raw + " " + many, says);
  const std::string compared = "score --hypotheses " + raw + " --references " + raw + " --resamples 10 --baseline ";
  refused(compared + many, says);
  CHECK(call("translate", compared + many + " --force").status == 0);
  CHECK(call("translate", compared + many + " --tokenize none").status == 0);

  const std::string evaluate = "evaluate --model " + f.trained("run", "--max-steps 1") + " --source " + raw;
  refused(evaluate + " --target " + many, says);
  for (const char* all_the_same : {" --force", " --tokenize none"}) {
    const Result result = call("translate", evaluate + " --target " + many + all_the_same);
    CHECK_MESSAGE(result.status == 0, result.output);
  }
  CHECK(call("translate", evaluate + " --target " + raw).status == 0);
  const std::string pairs = f.dir.write("many.tsv", times(100, "So.\tSo ."));
  refused("evaluate --model " + f.dir.path + "/run --data " + pairs, "many.tsv: 100 lines end in ' .'");
}

TEST_CASE("translate: a model that writes tokenised text is refused where it is evaluated, not where it learns") {
  const Sides f;
  const std::string source = f.dir.write("source", times(120, "so it is.")),
                    target = f.dir.write("target", times(120, "so ist es .")),
                    raw = f.dir.write("raw", times(120, "so ist es."));
  const std::string files = " --source " + source + " --target " + target, out = f.dir.path + "/run";
  const Result run = call("translate", "train " + files + " --dev-source " + source + " --dev-target " + target + " " +
                                           kTinyTranslator + " --vocab-size 30 --lr 0.02 --epochs 40 --out " + out);
  REQUIRE_MESSAGE(run.status == 0, run.output);
  const std::string evaluate = "evaluate --model " + out + " --source " + source + " --target " + raw;
  refused(evaluate, "the translations: 120 lines end in ' .'");
  CHECK(call("translate", evaluate + " --force").status == 0);
}

TEST_CASE("translate: evaluate takes one translation of a text, and both files or one") {
  const Sides f;
  CHECK(call("translate", "evaluate --model x --data y --n-best 3").says("--n-best"));
  CHECK(call("translate", "evaluate --model x --data y --target z").last_line() ==
        "error: --source and --target belong together");
  CHECK(call("translate", "evaluate --model x --source z").last_line() ==
        "error: --source and --target belong together");
  CHECK(call("translate", "evaluate --model x").last_line() == "error: --source and --target are needed, or --data");
}

TEST_CASE("translate: a run without held-out texts has no figure of them") {
  const Sides f;
  const std::string out = f.dir.path + "/run", command = "train " + f.data() + " " + kTinyTranslator + "--max-steps 1 ";
  const Result run = call("translate", command + "--dev-share 0 --out " + out);
  REQUIRE_MESSAGE(run.status == 0, run.output);
  CHECK_MESSAGE(run.last_line().starts_with("result task=translate seconds="), run.output);
  CHECK(!result_of(out).contains("dev_bleu"));
  const Result measured = call("translate", command + f.held_out() + "--out " + out + "2");
  CHECK_MESSAGE(measured.last_line().starts_with("result task=translate dev_bleu="), measured.output);
  CHECK(result_of(out + "2").contains("dev_bleu"));
}
