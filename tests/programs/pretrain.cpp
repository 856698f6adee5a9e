// What users do with texts without labels and with parallel texts, from the command line; with good input and with bad.
#include "nn/format/files.h"
#include "nn/format/json_value.h"
#include "nn/format/safetensors.h"
#include "tests/support/programs.h"

using namespace test;
using nn::json;

namespace {

json last_dev(const std::string& run) {
  json last;
  for (const json& line : lines_of(nn::read_file(run + "/log.jsonl")))
    if (line.contains("dev")) last = line["dev"];
  return last;
}

const char* kEnglish[] = {"a dog runs over the meadow",  "two women drink coffee",   "the boy reads a red book",
                          "an old man fishes alone",     "children build a castle",  "a train leaves the station",
                          "the cook cuts green peppers", "a girl climbs a tall tree"};
const char* kGerman[] = {"ein hund rennt über die wiese",    "zwei frauen trinken kaffee",
                         "der junge liest ein rotes buch",   "ein alter mann angelt allein",
                         "kinder bauen eine burg",           "ein zug verlässt den bahnhof",
                         "der koch schneidet grüne paprika", "ein mädchen klettert auf einen hohen baum"};

std::string lines_file(const TemporaryDirectory& dir, const std::string& name, const char* const (&lines)[8],
                       const char* end = "\n") {
  std::string text;
  for (const char* line : lines) text += std::string(line) + end;
  return dir.write(name, text);
}

const std::string kSizes = " --layers 2 --hidden 32 --heads 2 --max-length 16 --vocab-size 300 --dropout 0 ";
const std::string kSmallSteps = kSizes + "--batch-size 8 ", kPretrain = kSizes + "--batch-size 64 --accumulate 1 ";

// The directory of an encoder that was trained on the English sentences.
std::string english_encoder(const TemporaryDirectory& dir, const std::string& options) {
  const std::string out = dir.path + "/encoder";
  const Result trained =
      call("pretrain", "train --train " + lines_file(dir, "t.txt", kEnglish) + kPretrain + options + " --out " + out);
  REQUIRE_MESSAGE(trained.status == 0, trained.output);
  return out;
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
    CHECK(timeless(again + "/log.jsonl") == timeless(out + "/log.jsonl"));
    CHECK(nn::read_file(again + "/best/model.safetensors") == nn::read_file(out + "/best/model.safetensors"));

    const Result over = call("pretrain", "train --resume " + out);
    CHECK(over.status == 1);
    CHECK_MESSAGE(over.last_line().find("its budget is used up") != std::string::npos, over.output);
    dir.write("t.txt", nn::read_file(texts) + "one more text\n");
    const Result other = call("pretrain", "train --resume " + again);
    CHECK(other.status == 1);
    CHECK_MESSAGE(other.says("corpus"), other.output);
  }
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
  CHECK(timeless(again + "/log.jsonl") == timeless(out + "/log.jsonl"));
  CHECK(nn::read_file(again + "/best/model.safetensors") == nn::read_file(out + "/best/model.safetensors"));
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
