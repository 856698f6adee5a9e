// The program translate: learned by heart, resumed to the bit, the directory's form, decoding options, scores, bad
// input.
#include <filesystem>
#include <regex>

#include "nn/format/files.h"
#include "nn/format/json_value.h"
#include "nn/format/safetensors.h"
#include "tests/support/translate.h"

using namespace test;

namespace {

// A tiny translator, and the options of an adapter over it that learns to begin every target with "rot".
struct BaseTranslator : Sides {
  std::string base = trained("base", "--lr 0.01 --epochs 120");
  std::string over_base() const {
    std::string turned = nn::read_file(target);
    for (size_t at = 0; (at = turned.find("dies ", at)) != std::string::npos;) turned.replace(at, 5, "rot ");
    const std::string file = dir.write("turned.de", turned);
    return "train --source " + source + " --target " + file + " --dev-source " + source + " --dev-target " + file +
           " --dropout 0.1 --label-smoothing 0 --average 2 --batch-size 60 --lr 0.02 --epochs 30 --model " + base +
           " --adapter lora --adapter-rank 4 --adapter-targets q_proj,v_proj,out_proj,fc1,fc2 --out ";
  }
};

// Takes a run's last checkpoint away, of that epoch, and resumes it from the one before; or is refused.
void resume_from_previous(const std::string& run, int last_epoch, const std::string& why_not = "") {
  std::filesystem::rename(run + "/previous.safetensors", run + "/last.safetensors");
  std::filesystem::remove(run + fmt::format("/epochs/epoch-{}.safetensors", last_epoch));
  const Result resumed = call("translate", "train --resume " + run);
  REQUIRE_MESSAGE((resumed.status == 0) == why_not.empty(), resumed.output);
  CHECK_MESSAGE(resumed.last_line().find(why_not) != std::string::npos, resumed.output);
}

}  // namespace

TEST_CASE("translate: twelve pairs are learned by heart; evaluate, translate and score agree about them") {
  const Sides f;
  const std::string out = f.trained("run", "--lr 0.01 --epochs 120"), best = out + "/best";
  const Result evaluated = call("translate", "evaluate --model " + out + " " + f.data() + " --beams 3");
  CHECK(evaluated.last_line().find("result task=translate bleu=100.0000") == 0);
  const std::string measured = out + ".json";
  REQUIRE(call("translate", "evaluate --model " + out + " " + f.data() + " --beams 3 --out " + measured).status == 0);
  CHECK(nn::json::parse(nn::read_file(measured))["chrf2pp"]["score"] == doctest::Approx(100));
  const std::string written = f.dir.path + "/written";
  REQUIRE(call("translate", "translate --model " + best + " --file " + f.source + " --out " + written + " --explain " +
                                written + ".html")
              .status == 0);
  CHECK(nn::read_file(written) == nn::read_file(f.target));
  const std::string page = nn::read_file(written + ".html");
  CHECK(page.find("<h2>this house is red.</h2><h3>dies Haus ist rot.</h3><p class=\"note\">words: ") !=
        std::string::npos);
  const std::string refs = " --references " + f.target;
  CHECK(call("translate", "score --hypotheses " + written + refs).says("BLEU|nrefs:1|case:mixed|eff:no|tok:13a|"));
  const Result compared = call("translate", "score --hypotheses " + written + refs + " --baseline " + f.source +
                                                " --resamples 100 --out " + written + ".json");
  const nn::json scores = nn::json::parse(nn::read_file(written + ".json"));
  CHECK(scores["bleu"]["score"] == doctest::Approx(100));
  CHECK(scores["chrf2"]["signature"].get<std::string>().find("nrefs:1|") == 0);
  CHECK(scores["compared"]["chrF2++"]["p"].get<double>() == doctest::Approx(1. / 101));
  CHECK(compared.says("chrF2++|nrefs:1|bs:100|seed:12345|"));
  CHECK_MESSAGE(compared.last_line().find(" p=0.0099") != std::string::npos, compared.output);  // 1 of 101
  const std::string ask = "translate --model " + best + " 'this house is old.' ";
  const Result several = call("translate", ask + "--n-best 3 --beams 4");
  CHECK(std::count(several.output.begin(), several.output.end(), '\n') == 3);
  CHECK(several.says("dies Haus ist alt.\n"));
  const std::string aligned = f.dir.path + "/aligned";
  REQUIRE(call("translate",
               "translate --model " + best + " 'this house is old.' ' ' 'this train is red.' --alignments " + aligned)
              .status == 0);
  const std::string pairs = nn::read_file(aligned);  // four words on either side; none
  CHECK_MESSAGE(
      std::regex_match(pairs, std::regex("([0-3]-0 [0-3]-1 [0-3]-2 [0-3]-3)\n\n([0-3]-0 [0-3]-1 [0-3]-2 [0-3]-3)\n")),
      pairs);
  CHECK(call("translate", ask + "--begin 'dies Buch'").output.starts_with("dies Buch"));
  const std::string draw = ask + "--sample --temperature 5 --n-best 4 --seed ";
  CHECK(call("translate", draw + "1").output == call("translate", draw + "1").output);
  CHECK(call("translate", draw + "1").output != call("translate", draw + "2").output);
}

TEST_CASE("translate: a stream of texts comes out in windows, its numbers and draws run through") {
  const Sides f;
  const std::string best = f.trained("run", "--lr 0.01 --epochs 40") + "/best";
  const auto translated = [&](const std::string& words) {
    return call("translate", "translate --model " + best + " --min-length 2 " + words).output;
  };
  std::string lines;
  for (int i = 0; i < 4096; ++i) lines += "\n";  // a window of nothing
  const std::string many = f.dir.write("many", lines + "this house is red.\r\nthis train is old.");
  for (const std::string& from : {" --file " + many, " --file - < " + many, " < " + many}) {
    CHECK(translated("--n-best 2" + from).find("\n4096\t0.0000\t\n4097\t-") != std::string::npos);
    const std::string best_alone = translated("'this house is red.' 'this train is old.'");
    CHECK(translated(from) == lines + best_alone);
  }
  const std::string draw = "--sample --temperature 5 --seed 3 ";
  const std::string drawn = translated(draw + "< " + many);
  CHECK(drawn == translated(draw + "--file " + many));
  CHECK(drawn != lines + translated(draw + "'this house is red.' 'this train is old.'"));  // as texts 1 and 2
  const std::string out = f.dir.path + "/out", far = f.dir.write("far", lines + std::string(9000, 'r') + "\n");
  refused("translate --model " + best + " --out " + out + " --file " + far, "text 4097 has ");
  refused("translate --model " + best + " --out " + out + " < " + far, "text 4097 has ");
  CHECK(!std::filesystem::exists(out));
  refused("translate --model " + best + " < " + f.dir.write("latin", "caf\xE9\n"),
          "input:1: the line is not valid UTF-8");
  refused("translate --model " + best + " < " + f.dir.write("second", "\uFFFD\ncaf\xE9\n"),
          "input:2: the line is not valid UTF-8");
  const std::string marked = f.dir.write("marked", "red \uFFFD\n");
  CHECK(call("translate", "translate --model " + best + " < " + marked).status == 0);
  CHECK(translated("--file " + marked) == translated("< " + marked));
}

TEST_CASE("translate: a student learns from its teacher alone: its distributions and attention, or what it writes") {
  const Sides f;
  const std::string teacher = f.trained("teacher", "--lr 0.01 --epochs 120"), junk = f.dir.write("junk", []() {
    std::string lines;
    for (int i = 0; i < 12; ++i) lines += "dies Weg ist rot.\n";
    return lines;
  }());
  const std::string student =
      "--layers 1 --hidden 24 --heads 2 --intermediate 32 --dropout 0 --average 1 "
      "--batch-size 400 --lr 0.01 --teacher " +
      teacher + " ";
  const auto bleu = [&](const std::string& run) {
    return call("translate", "evaluate --model " + run + " " + f.data() + " --beams 3").last_line();
  };
  const std::string soft = f.dir.path + "/soft", written = f.dir.path + "/written";
  const Result like = call("translate", "train " + f.data() + " " + student +
                                            "--hard 0 --soft-targets 1 --attention-kl 1 --epochs 200 --out " + soft);
  REQUIRE_MESSAGE(like.status == 0, like.output);
  CHECK(bleu(soft).find("result task=translate bleu=100.0000") == 0);
  const std::string log = nn::read_file(soft + "/log.jsonl");
  CHECK(log.find("\"attention_kl\":") != std::string::npos);
  // The files' targets are all one sentence; what is learned are the teacher's.
  const Result anew =
      call("translate", "train --source " + f.source + " --target " + junk + " " + student +
                            "--vocab-size 60 --teacher-beams 2 --label-smoothing 0 --epochs 120 --out " + written);
  REQUIRE_MESSAGE(anew.status == 0, anew.output);
  CHECK(bleu(written).find("result task=translate bleu=100.0000") == 0);
}

// What a run of one step logs.
nn::ordered_json first_step(const Sides& f, const std::string& name, const std::string& options) {
  const std::string log = nn::read_file(f.trained(name, "--max-steps 1 " + options) + "/log.jsonl");
  return nn::ordered_json::parse(log.substr(0, log.find('\n')));
}

TEST_CASE("translate: R-Drop's loss is the mean of two passes' and half of alpha times their distance") {
  const Sides f;
  const auto plain = first_step(f, "plain", ""), alike = first_step(f, "alike", "--r-drop 3"),
             apart = first_step(f, "apart", "--r-drop 3 --dropout 0.3");
  CHECK(alike["r_drop"] == 0);  // nothing is dropped
  CHECK(alike["cross_entropy"] == plain["loss"]);
  const double distance = apart["r_drop"], entropy = apart["cross_entropy"];
  CHECK(distance > 1e-4);
  CHECK(double(apart["loss"]) == doctest::Approx(entropy + 3 / 2. * distance).epsilon(1e-6));
}

TEST_CASE("translate: a student's run that is resumed ends in the bits of one that ran through") {
  const Sides f;
  const std::string teacher = f.trained("teacher", "--max-steps 5"), out = f.dir.path + "/a", again = f.dir.path + "/b";
  const std::string command = "train " + f.data() + f.held_out() + kTinyTranslator +
                              " --dropout 0.2 --vocab-size 50 --teacher " + teacher +
                              " --teacher-beams 2 --sort-window 3 --pieces wordpiece --epochs ";
  REQUIRE(call("translate", command + "6 --out " + out).status == 0);
  REQUIRE(call("translate", command + "6 --out " + again).status == 0);
  resume_from_previous(again, 6);
  const std::string last = "/epochs/epoch-6.safetensors";
  CHECK(nn::read_file(out + last) == nn::read_file(again + last));
}

TEST_CASE("translate: a student is not resumed beside another teacher than it began with") {
  const Sides f;
  const std::string teacher = f.trained("teacher", "--max-steps 2"),
                    other = f.trained("other", "--max-steps 2 --seed 5"), out = f.dir.path + "/a";
  const Result run =
      call("translate", "train " + f.data() + " --layers 1 --hidden 32 --heads 2 --batch-size 60 --teacher " + teacher +
                            " --soft-targets 1 --epochs 3 --out " + out);
  REQUIRE_MESSAGE(run.status == 0, run.output);
  std::filesystem::remove_all(teacher);
  std::filesystem::rename(other, teacher);
  resume_from_previous(out, 3, "the data has changed since: teacher; start a new run");
}

TEST_CASE(
    "translate: an adapter is trained over a base that stays, is small, says what it says merged, and is resumed") {
  const BaseTranslator f;
  const std::string lora = f.dir.path + "/lora", again = f.dir.path + "/again", plain = f.dir.path + "/plain";
  const std::string base = f.base, weights = nn::read_file(base + "/best/model.safetensors"), command = f.over_base();
  const Result run = call("translate", command + lora);
  REQUIRE_MESSAGE(run.status == 0, run.output);
  CHECK(run.says("adapter lora over "));
  CHECK(nn::read_file(base + "/best/model.safetensors") == weights);
  CHECK(!std::filesystem::exists(lora + "/best/model.safetensors"));
  const nn::SafeTensors file(lora + "/best/adapter_model.safetensors");
  CHECK(file.has("base_model.model.model.decoder.layers.0.encoder_attn.q_proj.lora_A.weight"));
  const std::string asked = " --file " + f.source + " --beams 2";
  const Result said = call("translate", "translate --model " + lora + asked);
  CHECK_MESSAGE(said.says("rot Haus ist alt."), said.output);
  CHECK(call("translate", "translate --model " + base + asked).says("dies Haus ist alt."));
  REQUIRE(call("translate", "merge --model " + lora + " --out " + plain).status == 0);
  CHECK(call("translate", "translate --model " + plain + asked).output == said.output);
  CHECK(call("translate", "quantize --model " + lora + " --out " + plain + "-int8").status == 0);

  REQUIRE(call("translate", command + again).status == 0);
  resume_from_previous(again, 30);
  const std::string best = "/best/adapter_model.safetensors", last = "/epochs/epoch-30.safetensors";
  CHECK(nn::read_file(lora + best) == nn::read_file(again + best));
  CHECK(nn::read_file(lora + last) == nn::read_file(again + last));

  const std::string other = f.trained("other", "--seed 5 --max-steps 2"), x = f.dir.path + "/x";
  refused("translate --model " + lora + " --base " + other + " red", "is of another base: it was trained on one with");
  refused("translate --model " + base + " --base " + other + " red", "--base is for an adapter directory");
  refused("merge --model " + base + " --out " + x, "is a model, not an adapter: there is nothing to be merged");
  refused("train " + f.data() + " --adapter lora --out " + x, "--adapter is for --model DIR");
  refused("train " + f.data() + " --model " + lora + " --adapter lora --out " + x, "is an adapter already");
  refused("train " + f.data() + " --model " + base + " --adapter prefix --out " + x,
          "'prefix' is for a BERT; a translator takes lora and bitfit");
  refused("train " + f.data() + " --model " + base + " --adapter lora --adapter-targets query --out " + x,
          "no module fits the target 'query'; modules end in q_proj, k_proj, v_proj, ");
  std::filesystem::rename(base, f.dir.path + "/moved");
  CHECK(call("translate", "translate --model " + lora + " --base " + f.dir.path + "/moved" + asked).output ==
        said.output);
}

TEST_CASE("translate: a run that was stopped and resumed ends in the bits of one that ran through") {
  const Sides f;
  const std::string command =
      "train " + f.data() + f.held_out() +
      "--layers 1 --hidden 32 --heads 2 --intermediate 48 --vocab-size 60 --dropout 0.2 --average 3 --epochs 40 "
      "--batch-size 60 --accumulate 2 --patience 0 --pieces bpe --piece-dropout 0.2 --optimizer muon --r-drop 1";
  const std::string out = f.dir.path + "/a", again = f.dir.path + "/b";
  REQUIRE(call("translate", command + " --out " + out).status == 0);
  stop_and_resume("translate", command + " --out " + again, again, "last.safetensors");
  for (const char* file : {"best/model.safetensors", "best/vocab.json", "epochs/epoch-40.safetensors"})
    CHECK_MESSAGE(nn::read_file(out + "/" + file) == nn::read_file(again + "/" + file), file);
}

TEST_CASE("translate: train says of how many texts the pieces lose blanks") {
  const Sides f;
  const std::string blanks = f.dir.write("blanks", " " + nn::read_file(f.source)), x = f.dir.path + "/x";
  const std::string command = " --target " + f.target + " " + kTinyTranslator + "--max-steps 1 --out " + x;
  CHECK(!call("translate", "train --source " + f.source + command).says("come back as they were"));
  CHECK(call("translate", "train --source " + blanks + command + "2")
            .says("pieces: 23 of 24 texts come back as they were"));
}

TEST_CASE("translate: options that contradict each other are refused before a model is looked for") {
  const std::string red = "translate --model nowhere red ";
  CHECK(call("translate", red + "--min-length 9 --max-length 3").output ==
        "error: --min-length 9 and the end are more than --max-length 3\n");
  CHECK(call("translate", red + "--min-length 3 --max-length 3").output ==
        "error: --min-length 3 and the end are more than --max-length 3\n");
  CHECK(
      call("translate", red + "--begin 'caf\xE9'").output.starts_with("error: --begin: the text is not valid UTF-8\n"));
  CHECK(call("translate", red + "--sample --beams 4").output == "error: --beams 4 is of a search; --sample draws\n");
  CHECK(call("translate", red + "--sample --stop first").output ==
        "error: --stop first is of a search; --sample draws\n");
  for (const char* draws : {"--temperature 2", "--top-k 3", "--top-p 0.5", "--seed 7"}) {
    const std::string name = std::string(draws).substr(0, std::string(draws).find(' '));
    CHECK(call("translate", red + draws).output.starts_with("error: " + name + " is for --sample"));
  }
}

TEST_CASE("translate: bad input gets one clear line") {
  const Sides f;
  const std::string run = " " + kTinyTranslator + "--max-steps 1 --out ";
  const std::string longer = f.dir.write("longer", nn::read_file(f.target) + "mehr\n");
  const std::string holes = f.dir.write("holes", "a\n\nb\n"), three = f.dir.write("three", "a\nb\nc\n");
  const std::string latin = f.dir.write("latin", "a\ncaf\xE4 zu\nb\n");
  const std::string x = f.dir.path + "/x";
  refused("train --source " + f.source + " --target " + longer + run + x, "has 12 lines");
  refused("train --source " + holes + " --target " + three + run + x, "holes:2: the line is empty");
  refused("train --source " + latin + " --target " + three + run + x, "latin:2: the line is not valid UTF-8");
  refused("train --data " + three + run + x, "three:1: a pair is two texts with a tab between; the line has 1 columns");
  refused("train --source " + f.source + run + x, "--source and --target belong together");
  refused("train " + f.data() + " --vocab-size 20 --out " + x, "--vocab-size 20: the texts have ");
  refused("train " + f.data() + " --soft-targets 1" + run + x, "need a --teacher");
  refused("train " + f.data() + " --teacher " + x + run + x, "--teacher hands over nothing without");
  refused("train " + f.data() + " --hard 0" + run + x, "--hard 0 leaves nothing to learn");
  refused("score --hypotheses " + three + " --references " + longer, "they are not parallel");
  std::string tokenised;
  for (int i = 0; i < 100; ++i) tokenised += "So .\n";
  const std::string many = f.dir.write("many", tokenised);
  refused("score --hypotheses " + many + " --references " + many, "100 lines end in ' .': tokenised text");
  CHECK(call("translate", "score --tokenize none --hypotheses " + many + " --references " + many).status == 0);
  const std::string model = f.dir.path + "/run", best = model + "/best";
  REQUIRE(call("translate", "train " + f.data() + run + model + " --positions 30").status == 0);
  const std::string small = f.dir.path + "/small";
  const Result quantized = call("translate", "quantize --model " + model + " --out " + small);
  REQUIRE_MESSAGE(quantized.status == 0, quantized.output);
  CHECK(call("translate", "translate --model " + small + " 'this house is red'").status == 0);
  refused("quantize --model " + model + " --out " + small, "is there already");
  refused("translate --model " + f.dir.path + "/none hello", "/none: no such directory");
  refused("train " + f.data() + " --model " + small + " --max-steps 1 --out " + x, "its weights are int8");
  const std::string far =
      f.dir.write("far", "this house is red this house is red this house is red this house is red\n");
  refused("translate --model " + best + " --file " + far, "text 1 has ");
  refused("evaluate --model " + best + " --data " + three, "three:1: a pair");
  refused("translate --model " + best + " 'caf\xE9'", "text 1 is not valid UTF-8");
  refused("translate --model " + best + " red --file " + far, "texts and --file exclude each other");
  const Result nothing = call("translate", "translate --model " + best + " < /dev/null");
  CHECK((nothing.status == 0 && nothing.output.empty()));
  refused("translate --model " + best + " < " + f.dir.write("nul", std::string("r\0e\0d\0", 6)), "not a text file");
  std::filesystem::remove(best + "/manifest.json");  // the change is ours
  const std::string vocabulary = nn::read_file(best + "/vocab.json");
  const size_t close = vocabulary.rfind('}');
  nn::write_file(best + "/vocab.json",
                 vocabulary.substr(0, close) +
                     fmt::format(",\"one more\":{}}}", std::count(vocabulary.begin(), vocabulary.end(), ':')));
  refused("translate --model " + best + " hello", " pieces, the model ");
  nn::write_file(best + "/vocab.json", std::string("{\"</s>\": 0, \"<unk>\": 1, \"<pad>\": 2}"));
  refused("translate --model " + best + " hello", "source.spm: vocab.json knows 1 of its ");
}
