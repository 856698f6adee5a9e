// What users do with attention from the command line: shape it, look at it, hand it over; with good input and with bad.
#include <algorithm>
#include <sstream>

#include "nn/format/json_value.h"
#include "nn/format/pretrained.h"
#include "tests/support/programs.h"

using namespace test;
using nn::json;

namespace {

const std::string kTwoHeads = " --hidden 16 --heads 2 --max-length 24 --epochs 2 --batch-size 6 ";

// The last step's figures of a run.
json last_step(const std::string& run) {
  json last;
  for (const json& line : lines_of(nn::read_file(run + "/log.jsonl")))
    if (line.contains("loss")) last = line;
  return last;
}

}  // namespace

TEST_CASE("adjustments: each term is in the log, in the loss with its weight, and nowhere unless asked for") {
  const TemporaryDirectory dir;
  const std::string data = three_moods(dir), lexicon = dir.write("lexicon.txt", "bad\ngood\t2\nzz\xE2\x98\x83\n");
  const std::string common =
      "train --model bert --layers 2" + kTwoHeads + "--dropout 0 --no-shuffle --lr 1e-12 --data " + data;
  const auto trained = [&](const std::string& options) {
    const Result result = call("sentiment", common + " --overwrite --out " + dir.path + "/run " + options);
    REQUIRE_MESSAGE(result.status == 0, result.output);
    return last_step(dir.path + "/run");
  };
  const json plain = trained("");
  CHECK(!plain.contains("entropy"));
  const double loss = plain["loss"];
  struct {
    const char *option, *term;
    double weight;
  } cases[] = {{"--entropy-penalty -0.5", "entropy", -0.5},
               {"--target-entropy 1 --target-entropy-weight 3", "entropy_distance", 3},
               {"--head-disagreement 2", "head_overlap", 2},
               {"--rationale-column why --guide-weight 0.25", "rationale", 0.25}};
  for (const auto& c : cases) {
    const json step = trained(c.option);
    const double term = step[c.term];
    CHECK_MESSAGE(term > 0, c.option);
    CHECK_MESSAGE(step["loss"].get<double>() == doctest::Approx(loss + c.weight * term).epsilon(1e-5), c.option);
  }
  const json guided = trained("--guide " + lexicon);
  CHECK(guided["loss"].get<double>() == doctest::Approx(loss + guided["guide"].get<double>()).epsilon(1e-5));
  CHECK(trained("--r-drop 3")["r_drop"].get<double>() == doctest::Approx(0));  // no dropout: both passes are the same
  CHECK(trained("--r-drop 3 --dropout 0.3")["r_drop"].get<double>() > 1e-6);
}

TEST_CASE("adjustments: temperature and normaliser travel with the model") {
  const TemporaryDirectory dir;
  const std::string data = three_moods(dir), run = dir.path + "/run";
  for (const std::string model : {"pool", "bert --layers 2"}) {
    REQUIRE(call("sentiment", "train --model " + model + kTwoHeads +
                                  "--attention-normaliser entmax15 --attention-temperature " +
                                  "0.01 --lr 1e-2 --overwrite --data " + data + " --out " + run)
                .status == 0);
    const nn::Config config = nn::read_config(run + "/best/config.json");
    CHECK(config.attention_normaliser == "entmax15");
    CHECK(config.attention_temperature == doctest::Approx(0.01));
    const Result seen =
        call("sentiment", "analyze --model " + run + " --out " + dir.path + "/maps.jsonl 'a good thing'");
    REQUIRE_MESSAGE(seen.status == 0, seen.output);
    const json maps = lines_of(nn::read_file(dir.path + "/maps.jsonl"))[0];
    for (const json& layer : maps["layers"])
      for (const json& head : layer["heads"])
        for (const json& row : head["probabilities"]) {
          double total = 0;
          for (const json& p : row) total += p.get<double>();
          CHECK(total == doctest::Approx(1).epsilon(1e-4));
          CHECK(row.size() == maps["tokens"].size());
        }
  }
}

TEST_CASE(
    "transfer: every term is learned from, the student is a model, and a resumed run ends as one that ran through") {
  const TemporaryDirectory dir;
  const std::string data = three_moods(dir), teacher = dir.path + "/teacher", out = dir.path + "/student";
  REQUIRE(
      call("sentiment", "train --model bert --layers 3" + kTwoHeads + "--lr 1e-3 --data " + data + " --out " + teacher)
          .status == 0);
  const std::string common =
      "train --teacher " + teacher + " --data " + data + kTwoHeads + " --layers 2 --overwrite --out ";
  const char* all[] = {"soft-targets", "soft-cross-entropy", "score-mse",  "attention-cross-entropy", "attention-kl",
                       "minilm",       "relations",          "hidden-mse", "hidden-cosine",           "activation-map",
                       "patient"};
  std::string options;
  for (const char* term : all) options += fmt::format(" --{} 0.5", term);
  const Result trained = call("transfer", common + out + options + " --hidden 32 --lr 1e-3");
  REQUIRE_MESSAGE(trained.status == 0, trained.output);
  const json step = last_step(out);
  double sum = step["hard"];
  for (std::string term : all) {
    std::replace(term.begin(), term.end(), '-', '_');
    REQUIRE_MESSAGE(step.contains(term), term);
    CHECK_MESSAGE(step[term].get<double>() > 0, term);
    sum += 0.5 * step[term].get<double>();
  }
  CHECK(step["loss"].get<double>() == doctest::Approx(sum).epsilon(1e-4));
  CHECK(call("sentiment", "evaluate --model " + out + " --data " + data).status == 0);
  const std::string again = dir.path + "/again";
  REQUIRE(call("transfer", "train --config " + out + "/options.ini --out " + again).status == 0);
  REQUIRE(call("transfer", "train --resume " + again).status == 0);
  CHECK(nn::read_file(again + "/log.jsonl") == nn::read_file(out + "/log.jsonl"));
}

TEST_CASE("transfer: a student that begins as the teacher's layers gives the teacher's logits when it has them all") {
  const TemporaryDirectory dir;
  const std::string data = three_moods(dir), teacher = dir.path + "/teacher", out = dir.path + "/student";
  REQUIRE(
      call("sentiment", "train --model bert --layers 2" + kTwoHeads + "--lr 1e-3 --data " + data + " --out " + teacher)
          .status == 0);
  const Result copied =
      call("transfer", "train --teacher " + teacher + " --data " + data + kTwoHeads +
                           "--layers 2 --from-layers 0,1 --soft-targets 1 --dropout 0 --lr 1e-12 --max-steps 1 --out " +
                           out);
  REQUIRE_MESSAGE(copied.status == 0, copied.output);
  CHECK(last_step(out)["soft_targets"].get<double>() == doctest::Approx(0).epsilon(1e-6));
}

TEST_CASE("transfer: a student that begins as its teacher has nothing to follow, whatever else stands in the batch") {
  const TemporaryDirectory dir;
  const std::string data = three_moods(dir), teacher = dir.path + "/teacher", out = dir.path + "/student";
  REQUIRE(call("sentiment", "train --model bert --layers 2 --dropout 0.3" + kTwoHeads + "--lr 5e-2 --data " + data +
                                " --out " + teacher)
              .status == 0);
  const std::vector<std::string> terms{"soft-targets", "score-mse", "attention-kl", "minilm", "relations"};
  const auto first_step = [&](const std::string& map) {
    std::string options = "train --teacher " + teacher + " --data " + data + kTwoHeads +
                          "--layers 2 --from-layers 0,1 --dropout 0 --max-steps 1 --overwrite --layer-map " + map;
    for (const std::string& term : terms) options += " --" + term + " 1";
    const Result result = call("transfer", options + " --out " + out);
    REQUIRE_MESSAGE(result.status == 0, result.output);
    return last_step(out);
  };
  for (const char* map : {"last", "0,1"}) {
    const json step = first_step(map);
    for (std::string term : terms) {
      std::replace(term.begin(), term.end(), '-', '_');
      CHECK_MESSAGE(std::abs(step.at(term).get<double>()) < 1e-5, term, " with ", map);
    }
  }
  CHECK(first_step("1,0").at("minilm").get<double>() > 1e-2);  // the wrong layers are far away
}

TEST_CASE("transfer: what cannot be matched gets one clear line; a cache is believed only for its teacher and texts") {
  const TemporaryDirectory dir;
  const std::string data = three_moods(dir), teacher = dir.path + "/teacher", other = dir.path + "/other";
  const std::string bert = "train --model bert --layers 2" + kTwoHeads + "--data " + data + " --out ";
  REQUIRE(call("sentiment", bert + teacher).status == 0);
  REQUIRE(call("sentiment", bert + other + " --seed 3").status == 0);
  const auto with = [&](const std::string& t, const std::string& options) {
    const char* layers = options.starts_with("--model pool") ? "" : " --layers 1";
    return call("transfer", "train --teacher " + t + layers + " --data " + data + kTwoHeads + "--overwrite --out " +
                                dir.path + "/student " + options);
  };
  const auto refused = [&](const std::string& options, const std::string& why) {
    const Result result = with(teacher, options);
    CHECK_MESSAGE(result.status == 1, options, ": ", result.output);
    CHECK_MESSAGE(result.last_line().find(why) != std::string::npos, result.output);
  };
  refused("--score-mse 1 --layer-map 7", "the teacher's layers are 0 to 1; got 7");
  refused("--score-mse 1 --layer-map 0,1", "2 layers for a student of 1");
  refused("--minilm 1 --heads 4", "--minilm needs equal heads, the teacher has 2, the student 4");
  refused("--relations 1 --relation-heads 3", "--relation-heads 3 must divide both widths");
  refused("--model pool --score-mse 1", "only --soft-targets and --soft-cross-entropy fit");
  refused("--from-layers last --hidden 32", "a student of the teacher's widths is needed");
  refused("--hard 0", "all weights are 0");
  refused("--vocab " + dir.write("v.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\ngood\n") + " --soft-targets 1",
          "read other vocabularies");
  refused("--labels negative,positive,neutral,mixed", "the teacher knows the labels negative, neutral, positive");
  refused("--max-length 100", "--max-length 100 is more than the 24 positions of " + teacher);
  const std::string cache = "--soft-targets 1 --teacher-cache " + dir.path + "/cache.safetensors";
  REQUIRE(with(teacher, cache).status == 0);
  const std::string first = nn::read_file(dir.path + "/student/log.jsonl");
  const Result cached = with(teacher, cache);
  CHECK(cached.output.find("teacher: logits of 18 texts from") != std::string::npos);
  CHECK(nn::read_file(dir.path + "/student/log.jsonl") == first);
  CHECK(with(other, cache).last_line().find("a cache of another teacher") != std::string::npos);
  refused(cache + " --max-length 5", "a cache for other texts");
  CHECK(call("transfer", "train --data " + data).status == 2);
  CHECK(with(teacher, "--max-steps 1 --soft-targets 1").output.find("note: no term") == std::string::npos);
  CHECK(with(teacher, "--max-steps 1").output.find("note: no term has a weight: the student has") != std::string::npos);
}

TEST_CASE("transfer: where layers alone are learned, the last epoch is kept, whatever the classifier says on dev") {
  const TemporaryDirectory dir;
  const std::string data = three_moods(dir), teacher = dir.path + "/teacher";
  REQUIRE(
      call("sentiment", "train --model bert --layers 2" + kTwoHeads + "--data " + data + " --out " + teacher).status ==
      0);
  const auto student = [&](const std::string& out, const std::string& options) {
    const Result result = call("transfer", "train --teacher " + teacher + " --lr 1e-3 --train " + data + " " + options +
                                               " --out " + dir.path + "/" + out);
    REQUIRE_MESSAGE(result.status == 0, result.output);
    return result;
  };
  const auto kept = [&](const std::string& out) {
    return nn::read_file(dir.path + "/" + out + "/best/model.safetensors");
  };
  const std::string layers = kTwoHeads + "--layers 2 --hard 0 --minilm 1 --layer-map last ", dev = "--dev " + data;
  const Result measured = student("measured", layers + dev);
  student("blind", layers + "--split 1/0/0 --test " + data);
  CHECK(kept("measured") == kept("blind"));
  CHECK(!measured.says("the best so far"));
  CHECK_MESSAGE(measured.says("the classifier stays as it is"), measured.output);
  CHECK_MESSAGE(measured.says("--model " + dir.path + "/measured learns the labels afterwards"), measured.output);
  CHECK(student("soft", kTwoHeads + "--layers 1 --hard 0 --soft-targets 1 " + dev).says("the best so far"));
  CHECK(student("then", "--max-length 24 --epochs 2 --model " + dir.path + "/measured " + dev).says("the best so far"));
}

TEST_CASE("prune: heads by their share; only of a BERT") {
  const TemporaryDirectory dir;
  const std::string data = three_moods(dir), run = dir.path + "/run";
  REQUIRE(call("sentiment", "train --model bert --layers 2" + kTwoHeads + "--lr 1e-2 --data " + data + " --out " + run)
              .status == 0);
  const Result pruned =
      call("sentiment", "prune --model " + run + " --data " + data + " --heads 0.5 --out " + dir.path + "/small");
  REQUIRE_MESSAGE(pruned.status == 0, pruned.output);
  CHECK(pruned.last_line().find("result task=prune accuracy=") == 0);
  CHECK(call("sentiment", "evaluate --model " + dir.path + "/small --data " + data).status == 0);
  REQUIRE(
      call("sentiment", "train --model pool" + kTwoHeads + "--data " + data + " --out " + dir.path + "/pool").status ==
      0);
  CHECK(
      call("sentiment", "prune --heads 0.5 --model " + dir.path + "/pool --data " + data + " --out " + dir.path + "/x")
          .last_line() == "error: heads and neurons are pruned in a BERT; this model's type is attention_pool");
}
