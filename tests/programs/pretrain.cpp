// What users do with texts without labels, from the command line; with good input and with bad.
#include "nn/format/files.h"
#include "nn/format/json_value.h"
#include "nn/format/safetensors.h"
#include "tests/programs/sentences.h"
#include "tests/support/nn.h"

using namespace test;
using nn::json;

namespace {

json last_dev(const std::string& run) {
  json last;
  for (const json& line : lines_of(nn::read_file(run + "/log.jsonl")))
    if (line.contains("dev")) last = line["dev"];
  return last;
}

// log.jsonl without what depends on the clock.
std::string timeless(const std::string& path) {
  std::string all;
  for (json line : lines_of(nn::read_file(path))) {
    line.erase("tokens_per_second");
    all += line.dump() + "\n";
  }
  return all;
}

void check_same_bits(const std::string& run, const std::string& other) {
  CHECK(timeless(run + "/log.jsonl") == timeless(other + "/log.jsonl"));
  CHECK(nn::read_file(run + "/best/model.safetensors") == nn::read_file(other + "/best/model.safetensors"));
}

// The same texts, yet others, byte for byte: to measure on what was learned.
std::string with_space(const TemporaryDirectory& dir, const std::string& name, const char* const (&lines)[8]) {
  return lines_file(dir, name, lines, " \n");
}

}  // namespace

TEST_CASE("pretrain: eight sentences are learned by heart; a classifier and a further pre-training begin from them") {
  const TemporaryDirectory dir;
  const std::string texts = lines_file(dir, "t.txt", kEnglish), dev = with_space(dir, "dev.txt", kEnglish);
  const std::string sizes = kPretrain + "--max-length 48 --weight-decay 0 ", out = dir.path + "/run";
  const Result trained = call("pretrain", "train --train " + texts + "=20 --dev " + dev + sizes +
                                              "--epochs 20 --lr 1e-2 --out " + out);  // 400 masks of each
  REQUIRE_MESSAGE(trained.status == 0, trained.output);
  CHECK(trained.last_line().find("result task=pretrain loss=") == 0);
  const json result = json::parse(nn::read_file(out + "/result.json"));
  CHECK(result["accuracy"].get<double>() > 0.9);
  CHECK(result["perplexity"].get<double>() == doctest::Approx(std::exp(result["loss"].get<double>())));
  const nn::SafeTensors weights(out + "/best/model.safetensors");
  for (const char* name : {"bias", "transform.dense.weight", "transform.LayerNorm.bias"})
    CHECK(weights.has(std::string("cls.predictions.") + name));
  const json config = json::parse(nn::read_file(out + "/best/config.json"));
  CHECK(config["architectures"] == json{"BertForMaskedLM"});
  CHECK(!config.contains("id2label"));

  const std::string labelled =
      dir.write("d.tsv", "label\ttext\na\ta dog runs\nb\ttwo women\na\tthe boy\nb\tan old man\n");
  const Result tuned =
      call("sentiment", "train --model " + out + " --train " + labelled + " --test " + labelled +
                            " --labels a,b --split 1/0/0 --max-length 16 --epochs 1 --out " + dir.path + "/tuned");
  REQUIRE_MESSAGE(tuned.status == 0, tuned.output);
  CHECK(tuned.says("newly initialised     4"));  // pooler and classifier
  const std::string half = dir.path + "/half";
  REQUIRE(call("pretrain", "export --model " + out + " --out " + half).status == 0);
  CHECK(std::filesystem::file_size(half + "/model.safetensors") <
        std::filesystem::file_size(out + "/best/model.safetensors") * 0.6);
  const Result more = call("pretrain", "train --model " + half + " --train " + texts + " --dev " + dev +
                                           " --max-length 48 --max-steps 1 --lr 1e-9 --out " + dir.path + "/more");
  REQUIRE_MESSAGE(more.status == 0, more.output);
  CHECK(last_dev(dir.path + "/more")["accuracy"].get<double>() > 0.9);  // the head came along
}

TEST_CASE("pretrain: ELECTRA and Muon find replaced tokens; what is saved is an encoder that classifiers begin from") {
  const TemporaryDirectory dir;
  const std::string texts = lines_file(dir, "t.txt", kEnglish), dev = with_space(dir, "dev.txt", kEnglish);
  const std::string out = dir.path + "/run";
  const Result trained = call("pretrain", "train --objective rtd --optimizer muon --train " + texts + "=20 --dev " +
                                              dev + kPretrain + "--max-length 48 --epochs 10 --lr 1e-2 --out " + out);
  REQUIRE_MESSAGE(trained.status == 0, trained.output);
  const json figures = last_dev(out);
  CHECK(figures["found"].get<double>() > 0.3);  // one that has learned nothing finds none
  CHECK(figures["false_alarms"].get<double>() < 0.1);
  CHECK(figures["loss"].get<double>() ==
        doctest::Approx(figures["generator"].get<double>() + 50 * figures["detection"].get<double>()));
  const json config = json::parse(nn::read_file(out + "/best/config.json"));
  CHECK(config["architectures"] == json{"BertModel"});
}

TEST_CASE(
    "pretrain: a run that was killed and resumed ends in the bits of one that ran through, with both objectives") {
  for (const char* objective : {"mlm --hide span --optimizer adamw", "rtd --optimizer muon"}) {
    const TemporaryDirectory dir;
    const std::string texts = lines_file(dir, "t.txt", kEnglish), out = dir.path + "/run", again = dir.path + "/again";
    const std::string common = "train --train " + texts + "=2.5 --dev " + with_space(dir, "dev.txt", kEnglish) +
                               kPretrain +
                               "--dropout 0.1 --batch-size 40 --accumulate 2 --first-step-tokens 30 --seed 3 "
                               "--max-tokens 2500 "
                               "--eval-every 7 --objective " +
                               objective;
    REQUIRE(call("pretrain", common + " --out " + out).status == 0);
    stop_and_resume("pretrain", common + " --out " + again, again, "log.jsonl");
    check_same_bits(again, out);

    const Result over = call("pretrain", "train --resume " + out);
    CHECK(over.status == 1);
    CHECK_MESSAGE(over.last_line().find("its budget is used up") != std::string::npos, over.output);
    dir.write("t.txt", nn::read_file(texts) + "one more text\n");
    const Result other = call("pretrain", "train --resume " + again);
    CHECK(other.status == 1);
    CHECK_MESSAGE(other.says("corpus"), other.output);
  }
}

TEST_CASE(
    "pretrain: a student learns beside a teacher; killed and resumed it has the same bits, also with a projection") {
  const TemporaryDirectory dir;
  const std::string teacher = english_encoder(dir, "--lr 1e-2 --epochs 20"), texts = dir.path + "/t.txt";
  const std::string common = "train --train " + texts + "=3 --dev " + with_space(dir, "dev.txt", kEnglish) +
                             " --teacher " + teacher +
                             " --soft-targets 0.5 --temperature 2 --relations 1 --hidden-mse 1 --layers 1 --hidden 16 "
                             "--heads 2 --layer-map last --max-length 16 --batch-size 40 --accumulate 2 --seed 3 "
                             "--epochs 12 --lr 1e-2";
  const std::string out = dir.path + "/run", again = dir.path + "/again";
  const Result through = call("pretrain", common + " --out " + out);
  REQUIRE_MESSAGE(through.status == 0, through.output);
  const std::vector<json> lines = lines_of(nn::read_file(out + "/log.jsonl"));
  CHECK(lines[0]["loss"].get<double>() ==
        doctest::Approx(lines[0]["masked"].get<double>() + 0.5 * lines[0]["soft_targets"].get<double>() +
                        lines[0]["relations"].get<double>() + lines[0]["hidden_mse"].get<double>()));
  json last;
  for (const json& line : lines)
    if (line.contains("soft_targets")) last = line;
  for (const char* term : {"masked", "soft_targets", "hidden_mse"})
    CHECK_MESSAGE(last[term].get<double>() < lines[0][term].get<double>(), term);
  const nn::SafeTensors weights(out + "/best/model.safetensors");
  for (const auto& [name, entry] : weights.entries())
    CHECK_MESSAGE((name.starts_with("bert.") || name.starts_with("cls.")), name);  // the projection stays out
  CHECK(nn::read_file(out + "/best/vocab.txt") == nn::read_file(teacher + "/best/vocab.txt"));

  stop_and_resume("pretrain", common + " --out " + again, again, "log.jsonl");
  check_same_bits(again, out);
  REQUIRE(call("pretrain", "train --model " + teacher + " --train " + texts + " --max-steps 3 --max-length 16 --lr 1 " +
                               "--overwrite --out " + dir.path + "/other")
              .status == 0);
  REQUIRE(run_shell("cp " + dir.path + "/other/best/* " + teacher + "/best").status == 0);
  const Result other = call("pretrain", "train --resume " + again);
  CHECK(other.status == 1);
  CHECK_MESSAGE(other.says("the data has changed since: teacher"), other.output);
}

TEST_CASE(
    "pretrain: a student begins as layers of its teacher, with the teacher's head; what does not fit is refused") {
  const TemporaryDirectory dir;
  const std::string teacher = english_encoder(dir, "--lr 1e-2 --epochs 60"), texts = dir.path + "/t.txt";
  const std::string common = "train --train " + texts + " --dev " + with_space(dir, "dev.txt", kEnglish) +
                             " --max-length 16 --overwrite --out " + dir.path + "/run --teacher " + teacher + " ";
  const Result begun = call("pretrain", common +
                                            "--from-layers uniform --layers 2 --hidden 32 --heads 2 --max-steps 1 "
                                            "--lr 1e-12");
  REQUIRE_MESSAGE(begun.status == 0, begun.output);
  const nn::SafeTensors from(teacher + "/best/model.safetensors"), to(dir.path + "/run/best/model.safetensors");
  for (const auto& [name, entry] : from.entries()) {
    if (name.find("pooler") != name.npos) continue;
    CHECK_MESSAGE(differs(to.read(name), from.read(name), 1e-6, 0) == "", name);
  }
  const std::string small = "--layers 1 --hidden 16 --heads 2 --max-steps 1 ";
  const auto refused = [&](const std::string& options, const std::string& why) {
    const Result result = call("pretrain", common + options);
    CHECK_MESSAGE(result.status != 0, options);
    CHECK_MESSAGE(result.last_line().find(why) != std::string::npos, result.output);
  };
  refused(small, "nothing says what it is to hand over");
  refused(small + "--relations 1 --vocab-size 300", "a student reads with its teacher's");
  refused(small + "--relations 1 --objective rtd", "--teacher is for --objective mlm; got --objective rtd");
  refused(small + "--from-layers last --start counts", "both say how the embeddings begin");
  refused(small + "--from-layers last", "a student of the teacher's widths is needed");
  refused("--layers 2 --hidden 32 --heads 2 --hard 0 --from-layers last",
          "all weights are 0: there is nothing to learn");
  refused(small + "--attention-kl 1 --layer-map 3", "the teacher's layers are 0 to 1; got 3");
  const Result none = call("pretrain", "train --train " + texts + kPretrain + "--relations 1 --out " + dir.path + "/x");
  CHECK(none.status == 2);
  CHECK_MESSAGE(none.says("--relations is for --teacher"), none.output);
  REQUIRE(call("pretrain", "train --train " + texts + " --objective rtd" + kPretrain +
                               "--max-steps 1 --overwrite --out " + dir.path + "/encoder")
              .status == 0);
  refused(small + "--soft-targets 1", "has no head of a masked language model");
  CHECK(call("pretrain", common + small + "--relations 1").status == 0);  // its layers are enough
}

TEST_CASE("pretrain: result and card state the figures of the model that was kept, not of the last one") {
  const TemporaryDirectory dir;
  const std::string out = dir.path + "/run";
  const Result trained = call("pretrain", "train --train " + lines_file(dir, "t.txt", kEnglish) + "=20 --dev " +
                                              lines_file(dir, "dev.txt", kGerman) + kPretrain +
                                              "--epochs 200 --lr 2e-2 --eval-every 4 --patience 2 --out " + out);
  REQUIRE_MESSAGE(trained.status == 0, trained.output);
  json best;
  for (const json& line : lines_of(nn::read_file(out + "/log.jsonl")))
    if (line.contains("dev") && (best.is_null() || line["dev"]["loss"] < best["loss"])) best = line["dev"];
  REQUIRE(last_dev(out)["loss"].get<double>() > best["loss"].get<double>());  // patience ended it
  const json result = json::parse(nn::read_file(out + "/result.json"));
  for (const auto& [name, value] : best.items()) CHECK_MESSAGE(result[name] == value, name);
  CHECK(trained.last_line().find(fmt::format("loss={:.4f}", best["loss"].get<double>())) != std::string::npos);
}

TEST_CASE(
    "pretrain: where a teacher's layers alone are learned, the latest encoder is kept, and its figures are told") {
  const TemporaryDirectory dir;
  const std::string teacher = english_encoder(dir, "--lr 1e-2 --epochs 5");
  const auto student = [&](const std::string& out, const std::string& options) {
    const Result result = call("pretrain", "train --train " + lines_file(dir, "a.txt", kEnglish) + "=20 --dev " +
                                               lines_file(dir, "b.txt", kGerman) + " --teacher " + teacher +
                                               " --layers 1 --hidden 16 --heads 2 --max-length 16 --max-steps 12 "
                                               "--relations 1 --layer-map last --lr 1e-2 --out " +
                                               dir.path + "/" + out + " --eval-every " + options);
    REQUIRE_MESSAGE(result.status == 0, result.output);
    return dir.path + "/" + out;
  };
  const auto kept = [](const std::string& out) { return nn::read_file(out + "/best/model.safetensors"); };
  const std::string often = student("often", "1 --hard 0"), once = student("once", "12 --hard 0");
  CHECK(kept(often) == kept(once));
  const json result = json::parse(nn::read_file(often + "/result.json")), last = last_dev(often);
  for (const auto& [name, value] : last.items()) CHECK_MESSAGE(result[name] == value, name);
  CHECK(kept(student("pieces", "1")) != kept(often));
}

TEST_CASE("pretrain: a run that diverged ends with a result; one that did so late with that of its best model") {
  const TemporaryDirectory dir;
  const std::string call_of = "train --train " + lines_file(dir, "t.txt", kEnglish) + "=20 --dev " +
                              with_space(dir, "dev.txt", kEnglish) + kPretrain +
                              "--on-nan skip --warmup 0 --overwrite --eval-every 1 --out " + dir.path + "/run ";
  const Result at_once = call("pretrain", call_of + "--lr 1e20 --max-steps 4");
  REQUIRE_MESSAGE(at_once.status == 0, at_once.output);
  CHECK_MESSAGE(at_once.last_line().find("result task=pretrain loss=") == 0, at_once.output);
  const Result worse = call("pretrain", call_of + "--lr 1e3 --max-steps 4");
  REQUIRE_MESSAGE(worse.status == 0, worse.output);
  CHECK_MESSAGE(worse.last_line().find("result task=pretrain loss=") == 0, worse.output);
}

TEST_CASE("pretrain: a run that was stopped before its first checkpoint begins where it had begun; its guide stays") {
  namespace fs = std::filesystem;
  const TemporaryDirectory dir;
  const std::string out = dir.path + "/run", again = dir.path + "/again", guide = dir.write("guide.txt", "dog\nbook\n");
  const Result through =
      call("pretrain", "train --train " + lines_file(dir, "t.txt", kEnglish) + kPretrain + "--start counts --guide " +
                           guide + " --max-steps 3 --batch-size 40 --out " + out);
  REQUIRE_MESSAGE(through.status == 0, through.output);
  fs::create_directory(again);
  fs::copy_file(out + "/options.ini", again + "/options.ini");
  const Result over = call("pretrain", "train --resume " + again);
  REQUIRE_MESSAGE(over.status == 0, over.output);
  CHECK(over.says("it starts over"));
  check_same_bits(again, out);
  dir.write("guide.txt", "dog\n");
  const Result other = call("pretrain", "train --resume " + again);
  CHECK(other.status == 1);
  CHECK_MESSAGE(other.says("the data has changed since: guide"), other.output);
}

TEST_CASE("pretrain: the card names the files that were read, and what the objective makes") {
  const TemporaryDirectory dir;
  const std::string texts = lines_file(dir, "t.txt", kEnglish), more = lines_file(dir, "more.txt", kEnglish, ".\n");
  const std::string common = "train --train " + texts + " " + more + "=2 " + kPretrain +
                             "--max-steps 1 --overwrite --out " + dir.path + "/run ";
  for (const auto& [objective, pipeline, about] :
       {std::tuple{"mlm", "pipeline_tag: fill-mask", "tell hidden pieces"},
        std::tuple{"rtd", "pipeline_tag: feature-extraction", "a generator had replaced"}}) {
    REQUIRE(call("pretrain", common + "--objective " + objective).status == 0);
    const std::string card = nn::read_file(dir.path + "/run/best/README.md");
    CAPTURE(card);
    for (const char* words : {"Data: t.txt, more.txt.", pipeline, about}) CHECK(card.find(words) != card.npos);
  }
}

TEST_CASE("pretrain: an option that would do nothing beside another is wrong usage") {
  const TemporaryDirectory dir;
  const std::string texts = lines_file(dir, "t.txt", kEnglish);
  for (const char* options : {"--generator-size 0.5", "--detection-weight 3", "--grow-until 0.3", "--eval-every x",
                              "--epochs 3 --max-tokens 600", "--epochs 3 --max-steps 2", "--epochs 3 --hours 1"}) {
    const Result result =
        call("pretrain", "train --train " + texts + kPretrain + "--out " + dir.path + "/out " + options);
    CHECK_MESSAGE(result.status != 0, options);
    CHECK_MESSAGE(!result.says("vocabulary of"), result.output);  // before the texts are read
    CHECK(!std::filesystem::exists(dir.path + "/out"));
  }
  CHECK(call("pretrain",
             "train --train " + texts + " --dev " + texts + kPretrain + "--dev-share 0.1 --out " + dir.path + "/out")
            .status == 2);
}

TEST_CASE("pretrain: bad input gets one clear line") {
  const TemporaryDirectory dir;
  const std::string texts = lines_file(dir, "t.txt", kEnglish);
  const auto refused = [&](const std::string& options, const std::string& why) {
    const bool has_sizes = options.find(" --model ") != options.npos || options.find(" --vocab ") != options.npos;
    const Result result = call("pretrain", "train" + (has_sizes ? " --max-length 16 " : kPretrain) + "--out " +
                                               dir.path + "/out --overwrite " + options);
    CHECK_MESSAGE(result.status == 1, options, ": ", result.output);
    CHECK_MESSAGE(result.last_line().find(why) != std::string::npos, result.output);
  };
  refused("--train " + dir.path + "/none.txt", "none.txt");
  refused("--train " + dir.write("empty.txt", ""), "the file is empty");
  refused("--train " + dir.write("blank.txt", "  \n\n"), "there are no texts to learn a vocabulary from");
  refused("--train " + dir.write("giant.txt", std::string(11'000'000, 'a')), "giant.txt:1: a line of 11000000 bytes");
  refused("--train " + texts + "=0", "what follows = is a weight above 0");
  refused("--train " + texts + " --vocab " + dir.write("v.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n"), "has no [MASK]");
  const std::string zebra = dir.write("w.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nzebra\n");
  refused("--train " + texts + " --vocab " + zebra, "there is nothing to train on: no text has a piece");
  refused("--train " + texts + " --model " + dir.path + "/none", "no such directory");
  refused("--train " + texts + " --max-steps 3 --hours 1", "exclude each other");
  refused("--train " + texts + " --objective rtd --hide span", "--hide span is for --objective mlm");
  refused("--train " + dir.write("six.txt", "the cook cuts green peppers today\n") + " --vocab " + zebra +
              " --without " + dir.write("eval.txt", "The cook cuts green peppers, today!\n"),
          "every text of the corpus holds a sentence of --without");
  const std::string model = english_encoder(dir, "--max-steps 1");
  refused("--train " + texts + " --model " + model + " --vocab " + zebra, "does not fit");
  refused("--train " + texts + " --model mini --vocab " + zebra, "does not fit");
  refused("--train " + texts + " --model mini --cased", "--cased is for a model from nothing; mini has its own");
  refused("--train " + texts + " --dev " + texts, "every text of the corpus is one of --dev");
  refused("--train " + std::string(5000, 'x'), "no such file or folder");
  refused("--train " + texts + " --model " + model + " --hidden 16", "--hidden is for a model from nothing");
  refused("--train " + texts + " --model " + model + " --stack 3",
          "a multiple of the model's 2 layers, and more; got 3");
  refused("--train " + texts + " --stack 4", "--stack is for a model directory");
  CHECK(call("pretrain", "train").status == 2);
  CHECK(call("pretrain", "train --train " + texts + " --mask-share 0").status == 2);
}
