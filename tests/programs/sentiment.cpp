// The sentiment program as its users run it: from the command line, with good input and with bad.
#include <algorithm>

#include "nn/format/json_value.h"
#include "nn/format/pretrained.h"
#include "optim/adamw.h"
#include "optim/clip.h"
#include "tasks/model/directory.h"
#include "tests/support/programs.h"

using namespace test;
using nn::json;

namespace {

const std::string kSmallBert = " --hidden 16 --heads 2 --max-length 24 ";

long count_with(const std::vector<json>& lines, const char* key) {
  return std::count_if(lines.begin(), lines.end(), [&](const json& line) { return line.contains(key); });
}

// Probabilities of four digits each, and the label that has the largest.
void check_prediction(const json& line) {
  double total = 0, best = 0;
  for (const auto& [label, p] : line["probabilities"].items())
    total += p.get<double>(), best = std::max(best, p.get<double>());
  CHECK(total == doctest::Approx(1).epsilon(3e-4));
  CHECK(line["probabilities"][line["label"].get<std::string>()] == best);
}

}  // namespace

TEST_CASE("sentiment: train, evaluate and predict from the command line, and the files that a run leaves") {
  const TemporaryDirectory dir;
  const std::string data = three_moods(dir), out = dir.path + "/run";
  for (const std::string model : {"pool", "bert --layers 1"}) {
    const Result trained = sentiment("train --model " + model + kSmallBert + "--epochs 3 --batch-size 4 --data " +
                                     data + " --overwrite --out " + out);
    REQUIRE_MESSAGE(trained.status == 0, trained.output);
    CHECK(trained.output.find("macro avg") != std::string::npos);
    CHECK(trained.last_line().find("result task=sentiment accuracy=") == 0);
    CHECK(trained.last_line().find("out=" + out) != std::string::npos);
    const std::vector<json> log = lines_of(nn::read_file(out + "/log.jsonl"));
    CHECK(count_with(log, "loss") == 15);  // 18 texts in batches of 4: five steps an epoch
    CHECK(count_with(log, "dev") == 3);
    const json result = json::parse(nn::read_file(out + "/result.json"));
    CHECK(result["report"]["negative"]["support"] == 1);
    CHECK(result.at("seconds").get<double>() > 0);
    const Result evaluated = sentiment("evaluate --model " + out + " --data " + data);
    CHECK_MESSAGE(evaluated.last_line().find("result task=sentiment") == 0, evaluated.output);
    CHECK(evaluated.output.find("accuracy") != std::string::npos);
  }
  const Result predicted = sentiment("predict --model " + out + " 'a good thing' '' 'the train'", "2>/dev/null");
  const std::vector<json> lines = lines_of(predicted.output);
  REQUIRE(lines.size() == 3);
  CHECK(lines[0]["text"] == "a good thing");
  CHECK(lines[1]["text"] == "");
  for (const json& line : lines) check_prediction(line);
  const Result from_input = sentiment("predict --model " + out, "2>/dev/null <<'END'\na good thing\n\nthe train\nEND");
  CHECK(from_input.output == predicted.output);
  const Result from_file = sentiment("predict --model " + out + " --file " + data, "2>/dev/null");
  CHECK(lines_of(from_file.output).size() == 24);
}

TEST_CASE("sentiment: a file for each class, pairs of texts, and shares without a dev set") {
  const TemporaryDirectory dir;
  std::string good, bad;
  for (int i = 0; i < 10; ++i) {
    good += fmt::format("{}\tfine {}\n", i, i);
    bad += fmt::format("{}\tawful {}\n", i, i);
  }
  const std::string files = " negative=" + dir.write("neg.tsv", bad) + " positive=" + dir.write("pos.tsv", good);
  const std::string options = "--no-header --labels negative,positive --text-column 2 --pair-column 1 ";
  const Result trained =
      sentiment("train --model pool" + kSmallBert + options + "--epochs 2 --batch-size 4 --split 4/0/1" + " --data" +
                files + " --out " + dir.path + "/run");
  REQUIRE_MESSAGE(trained.status == 0, trained.output);
  CHECK(trained.output.find("train     16 texts, 6.0 tokens on average") != std::string::npos);
  CHECK(trained.output.find("test, with the last epoch's model") != std::string::npos);
  CHECK(json::parse(nn::read_file(dir.path + "/run/result.json")).contains("best_dev") == false);
  const Result evaluated = sentiment("evaluate --model " + dir.path + "/run " + options + "--data" + files);
  CHECK_MESSAGE(evaluated.last_line().find("n=20") != std::string::npos, evaluated.output);
  const std::string config = dir.path + "/run/options.ini";
  CHECK(sentiment("train --config " + config + " --out " + dir.path + "/again").status == 0);
  CHECK(nn::read_file(dir.path + "/run/log.jsonl") == nn::read_file(dir.path + "/again/log.jsonl"));
  CHECK(sentiment("train --patience 2 --config " + config + " --out " + dir.path + "/x").last_line() ==
        "error: --patience needs dev examples");
  const Result chosen = sentiment("train --model pool" + kSmallBert + options + "--epochs 1 --split 4/1/0 --data" +
                                  files + " --out " + dir.path + "/dev");
  CHECK(
      chosen.says("dev again, since there is no test: it chose the epoch, and flatters, with the best epoch's model"));
  const std::string card = nn::read_file(dir.path + "/dev/best/README.md");
  CHECK(card.find("On the dev texts.") != std::string::npos);
  CHECK(card.find("test: ") == std::string::npos);
}

TEST_CASE("sentiment: options come from a file, and --resume continues a run to the same end") {
  const TemporaryDirectory dir;
  const std::string data = three_moods(dir);
  const std::string common = kSmallBert + "--epochs 4 --batch-size 4 --data " + data;
  REQUIRE(sentiment("train --model bert --layers 1" + common + " --out " + dir.path + "/a").status == 0);
  const std::string again = "train --config " + dir.path + "/a/options.ini --out " + dir.path + "/b";
  const Result same = sentiment(again);
  REQUIRE_MESSAGE(same.status == 0, same.output);
  CHECK(nn::read_file(dir.path + "/a/log.jsonl") == nn::read_file(dir.path + "/b/log.jsonl"));
  CHECK(nn::read_file(dir.path + "/a/best/model.safetensors") == nn::read_file(dir.path + "/b/best/model.safetensors"));
  CHECK(sentiment("train --config " + dir.path + "/a/options.ini --seed 7 --out " + dir.path + "/c").status == 0);
  CHECK(nn::read_file(dir.path + "/a/log.jsonl") != nn::read_file(dir.path + "/c/log.jsonl"));
  const Result resumed = sentiment("train --resume " + dir.path + "/b");
  CHECK_MESSAGE(resumed.status == 0, resumed.output);
  CHECK(resumed.output.find("resuming " + dir.path + "/b after step 20 of 20") != std::string::npos);
  CHECK(nn::read_file(dir.path + "/a/log.jsonl") == nn::read_file(dir.path + "/b/log.jsonl"));
}

TEST_CASE(
    "golden: the program, started from bert-micro without dropout and shuffling, takes the course that the library "
    "takes") {
  const TemporaryDirectory dir;
  std::filesystem::copy(golden_path("bert-micro"), dir.path + "/model");
  const nn::Config config = nn::read_config(dir.path + "/model/config.json");
  std::string vocab = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
  for (long i = 5; i < config.vocab_size; ++i) vocab += fmt::format("w{}\n", i);
  dir.write("model/vocab.txt", vocab);
  const std::vector<std::string>& names = config.labels;
  const std::string data = dir.write(
      "data.tsv", fmt::format("text\tlabel\tsplit\nw7 w8 w9\t{1}\ttrain\nw10 w8\t{2}\ttrain\nw11\t{0}\ttrain\n"
                              "w7 w9 w11 w13\t{2}\ttrain\nw7\t{2}\tdev\nw9\t{1}\ttest\n",
                              names.at(0), names.at(1), names.back()));
  const Result trained =
      sentiment("train --model " + dir.path + "/model --data " + data + " --out " + dir.path +
                "/run --dropout 0 --no-shuffle --max-length " + std::to_string(config.max_position_embeddings) +
                " --batch-size 2 --epochs 4 --lr 1e-3 --schedule linear --warmup 0.25");
  REQUIRE_MESSAGE(trained.status == 0, trained.output);
  CHECK(trained.output.find("newly initialised     0") != std::string::npos);

  const model::ModelDirectory from(dir.path + "/model");
  const auto model = model::load_model(from);
  const Indices ids[] = {{2, 7, 8, 9, 3}, {2, 10, 8, 3}, {2, 11, 3}, {2, 7, 9, 11, 13, 3}};
  const int last = int(names.size()) - 1, labels[] = {1, last, 0, last};
  optim::AdamW optimizer(model->net.params.tensors());
  int step = 0;
  for (const json& line : lines_of(nn::read_file(dir.path + "/run/log.jsonl"))) {
    if (!line.contains("loss")) continue;
    nn::Tokens tokens{{}, {}, {}, {0}};
    for (int i : {2 * (step % 2), 2 * (step % 2) + 1}) {
      for (size_t t = 0; t < ids[i].size(); ++t) tokens.positions.push_back(int(t));
      tokens.ids.insert(tokens.ids.end(), ids[i].begin(), ids[i].end());
      tokens.offsets.push_back(int(tokens.ids.size()));
    }
    tokens.types.resize(tokens.ids.size());
    model->net.params.clear_grads();
    const Tensor loss = cross_entropy(model->net(tokens), {labels[2 * (step % 2)], labels[2 * (step % 2) + 1]});
    backward(loss);
    const double norm = optim::grad_norm(model->net.params.tensors());
    const double lr = step < 2 ? 1e-3 * step / 2 : 1e-3 * (8 - step) / 6;
    CHECK(line["loss"].get<double>() == doctest::Approx(loss.item()).epsilon(1e-6));
    CHECK(line["grad_norm"].get<double>() == doctest::Approx(norm).epsilon(1e-6));
    CHECK(line["lr"].get<double>() == doctest::Approx(lr));
    optimizer.step(lr, optim::clip_factor(model->net.params.tensors(), norm, 1.0));
    ++step;
  }
  CHECK(step == 8);
}

TEST_CASE("sentiment: bad input gets one clear line, exit status 1, and leaves nothing behind") {
  const TemporaryDirectory dir;
  const std::string data = three_moods(dir), out = dir.path + "/run";
  const auto refused = [&](const std::string& arguments, const std::string& why) {
    const Result result = sentiment(arguments + " --out " + out);
    CHECK_MESSAGE(result.status == 1, arguments, ": ", result.output);
    CHECK_MESSAGE(result.last_line().find("error: ") == 0, result.output);
    CHECK_MESSAGE(result.last_line().find(why) != std::string::npos, result.output);
    CHECK_MESSAGE(!std::filesystem::exists(out), arguments);
  };
  const std::string pool = "train --model pool" + kSmallBert;
  refused(pool + "--data " + dir.path + "/none.tsv", "none.tsv: cannot be read: No such file or directory");
  refused(pool + "--schedule polynomial --lr 1e-9 --data " + data, "falls to 1e-07: --lr 1e-09 is no more than that");
  refused("train --model bert --layers 1" + kSmallBert + "--bigrams 100 --data " + data,
          "--bigrams is for --model pool");
  refused("train --model bert --layers 1" + kSmallBert + "--subwords 100 --data " + data,
          "--subwords is for --model pool");
  refused("train --model bert --layers 1" + kSmallBert + "--log-odds 1 --data " + data,
          "--log-odds is for --model pool");
  refused("train --hidden 2 --log-odds 1 --data " + data, "2 wide, 3 classes");
  refused(pool + "--data " + dir.path, "a directory, not a file");
  refused(pool + "--data " + dir.write("empty.tsv", ""), "the file is empty");
  refused(pool + "--data " + dir.write("binary.tsv", std::string("text\tlabel\na\0b\tpositive\n", 24)),
          "not a text file");
  refused(pool + "--data " + data + " --text-column txt",
          "no column 'txt'; the columns are label, text, split, why (did you mean 'text'?)");
  refused(pool + "--labels negative,positive,neutral --data " +
              dir.write("typo.tsv", "text\tlabel\ngood\tpositive\nbad\tnegativ\n"),
          "typo.tsv:3: label 'negativ' is not one of negative, positive, neutral (did you mean 'negative'?)");
  refused(pool + "--train " + data + " --data " + data, "exclude each other");
  refused("train --data " + data + " --model " + dir.path + "/none", "none: no such directory");
  refused("train --model bert --data " + data + kSmallBert + " --hidden 15",
          "hidden_size 15 is not a multiple of num_attention_heads 2");
  std::filesystem::copy(golden_path("bert-micro"), dir.path + "/model");
  dir.write("model/vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n");
  const std::string micro = "train --max-length 24 --data " + data + " --model " + dir.path + "/model";
  refused(micro + " --labels a,b,c", "label 'negative' is not one of a, b, c");
  refused(micro + " --max-length 25", "--max-length 25 is more than the 24 positions");
  refused(micro + " --labels negative,neutral,positive", "its classifier knows the labels negative, positive, neutral");
  const Result anew = sentiment(micro + " --labels negative,neutral,positive --new-head --max-steps 1 --out " +
                                dir.path + "/anew 2>&1");
  CHECK_MESSAGE(anew.status == 0, anew.output);
  CHECK(anew.output.find("newly initialised     2  classifier.weight, classifier.bias\n") != std::string::npos);
  refused(pool + "--new-head --data " + data, "--new-head is for --model DIR");
  std::filesystem::resize_file(dir.path + "/model/model.safetensors", 50'000);
  refused(micro, "it is truncated");
  const Result no_run = sentiment("train --resume " + dir.path + "/none");
  CHECK(no_run.status == 1);
  CHECK_MESSAGE(no_run.last_line().find("none: not the directory of a run") != std::string::npos, no_run.output);
}

TEST_CASE("sentiment: a newcomer's CSV with two columns and labels of its own trains at once") {
  const TemporaryDirectory dir;
  std::string rows = "text,label\n\"Great, really great\",pos\nAwful stuff,neg\n";
  for (int i = 0; i < 40; ++i) rows += fmt::format("good thing number {0},pos\nbad thing number {0},neg\n", i);
  const std::string common = "train --model pool" + kSmallBert + "--epochs 1 --data " + dir.write("my.csv", rows);
  const Result trained = sentiment(common + " --out " + dir.path + "/run");
  CHECK_MESSAGE(trained.status == 0, trained.output);
  CHECK(trained.output.find("labels neg, pos") != std::string::npos);
  CHECK(trained.output.find("roc_auc") != std::string::npos);
}

TEST_CASE("sentiment: a loss that is not a number stops the run and names the step and the tensor") {
  const TemporaryDirectory dir;
  const Result result =
      sentiment("train --model bert --layers 1" + kSmallBert + "--lr 1e29 --clip 0 --warmup 0 --data " +
                three_moods(dir) + " --out " + dir.path + "/run");
  CHECK(result.status == 1);
  CHECK_MESSAGE(result.last_line().find("error: step ") == 0, result.output);
  CHECK_MESSAGE(result.last_line().find("NaN or infinity") != std::string::npos, result.output);
}

TEST_CASE("sentiment: a model that predicts NaN, or lacks its head, is refused, not used") {
  const TemporaryDirectory dir;
  const std::string model = dir.path + "/run/best/model.safetensors";
  REQUIRE(sentiment("train --model pool" + kSmallBert + "--data " + three_moods(dir) + " --out " + dir.path + "/run")
              .status == 0);
  std::filesystem::remove(dir.path + "/run/best/manifest.json");  // it would be the first to notice
  std::vector<Tensor> tensors;
  {
    const nn::SafeTensors file(model);
    for (const auto& [name, entry] : file.entries()) tensors.push_back(file.read(name));
  }
  const auto refused = [&](const std::vector<Tensor>& saved, const std::string& why) {
    nn::save_safetensors(model, saved);
    for (const std::string command : {"predict a", "evaluate"}) {
      const Result result = sentiment(command + " --model " + dir.path + "/run");
      CHECK(result.status == 1);
      CHECK_MESSAGE(result.last_line().find(why) != std::string::npos, result.output);
    }
  };
  std::vector<Tensor> headless = tensors, half = tensors;
  std::erase_if(headless, [](const Tensor& t) { return t.name().starts_with("classifier."); });
  std::erase_if(half, [](const Tensor& t) { return t.name() == "classifier.bias"; });
  refused(headless, "an encoder without a trained classifier");
  refused(half, "'classifier.bias' is missing beside 'classifier.weight'");
  for (Tensor& t : tensors)
    if (t.name() == "classifier.bias") t.data()[1] = NAN;
  refused(tensors, "the model's logits hold a NaN or infinity");
}

TEST_CASE(
    "sentiment: options that would be lost are refused: typos in a file, options beside --resume, texts beside "
    "--file") {
  const TemporaryDirectory dir;
  const std::string data = three_moods(dir), common = "train --model pool" + kSmallBert + "--data " + data;
  REQUIRE(sentiment(common + " --out " + dir.path + "/run").status == 0);
  CHECK(sentiment(common + " --config " + dir.write("typo.ini", "learing-rate=0.1\n")).status == 2);
  CHECK(sentiment("train --resume " + dir.path + "/run --lr 0.1").status == 2);
  CHECK(sentiment("predict --model " + dir.path + "/run a --file " + data).status == 2);
  CHECK(sentiment("predict --model " + dir.path + "/run --txt a").status == 2);
  const Result brackets = sentiment("predict --model " + dir.path + "/run '[good, bad]' -- '-x'", "2>/dev/null");
  REQUIRE(lines_of(brackets.output).size() == 2);
  CHECK(lines_of(brackets.output)[0]["text"] == "[good, bad]");
  std::string options = nn::read_file(dir.path + "/run/options.ini");
  dir.write("run/options.ini", options.replace(options.find("batch-size=16"), 13, "batch-size=8"));
  const Result changed = sentiment("train --resume " + dir.path + "/run");
  CHECK(changed.status == 1);
  CHECK_MESSAGE(changed.last_line().find("options.ini has changed since") != std::string::npos, changed.output);
  CHECK(sentiment("evaluate --model " + dir.path + "/run", ">/dev/full 2>/dev/null").status == 1);
  CHECK(sentiment("predict --model " + dir.path + "/none a", "2>/dev/full").status == 1);
}

TEST_CASE("sentiment: accumulated batches take the course of one large batch, loss by loss") {
  const TemporaryDirectory dir;
  const std::string common = "train --model bert --layers 1" + kSmallBert +
                             "--epochs 3 --dropout 0 --overwrite --data " + three_moods(dir) + " --out " + dir.path;
  const std::string weights = " --class-weights " + dir.write("w.tsv", "negative\t9\nneutral\t0.1\npositive\t1\n");
  for (const std::string& loss : {std::string(), weights, weights + " --class-loss margins",
                                  weights + " --class-loss focal"}) {  // of these the last one's do not divide it
    CAPTURE(loss);
    REQUIRE(sentiment(common + "/large --batch-size 8" + loss).status == 0);
    const Result parts = sentiment(common + "/parts --batch-size 4 --accumulate 2" + loss);
    REQUIRE_MESSAGE(parts.status == 0, parts.output);
    const auto large = lines_of(nn::read_file(dir.path + "/large/log.jsonl"));
    const auto small = lines_of(nn::read_file(dir.path + "/parts/log.jsonl"));
    REQUIRE(large.size() == small.size());
    for (size_t i = 0; i < large.size(); ++i) {
      CHECK(large[i]["step"] == small[i]["step"]);
      for (const char* figure : {"loss", "grad_norm"})
        if (large[i].contains(figure))
          CHECK(large[i][figure].get<double>() == doctest::Approx(small[i][figure].get<double>()).epsilon(1e-3));
    }
  }
}

TEST_CASE("sentiment: patience ends a run that gets no better, its --resume has nothing left to do") {
  const TemporaryDirectory dir;
  const std::string out = dir.path + "/run";
  // The rate is so small that no epoch can be better than the first.
  const Result run = sentiment("train --model pool" + kSmallBert +
                               "--epochs 30 --lr 1e-30 --schedule constant --warmup 0 --patience 2 --data " +
                               three_moods(dir) + " --out " + out);
  REQUIRE_MESSAGE(run.status == 0, run.output);
  CHECK(run.output.find("stopped early: 2 epochs in a row were not better than the best") != std::string::npos);
  const auto log = lines_of(nn::read_file(out + "/log.jsonl"));
  CHECK(log.back()["epoch"] == 3);
  const Result again = sentiment("train --resume " + out);
  CHECK_MESSAGE(again.status == 0, again.output);
  CHECK(lines_of(nn::read_file(out + "/log.jsonl")).size() == log.size());
}

TEST_CASE("sentiment: class weights from the data or a file, repeats across splits, texts that are too long") {
  const TemporaryDirectory dir;
  const std::string data = three_moods(dir);
  const std::string common = "train --model pool" + kSmallBert + "--epochs 1 --data " + data + " --out " + dir.path;
  const auto first_loss = [&](const std::string& name) {
    return lines_of(nn::read_file(dir.path + "/" + name + "/log.jsonl"))[0]["loss"].get<double>();
  };
  REQUIRE(sentiment(common + "/plain").status == 0);
  REQUIRE(sentiment(common + "/balanced --class-weights balanced").status == 0);
  CHECK(first_loss("balanced") == doctest::Approx(first_loss("plain")));  // the classes are equally frequent
  const std::string weights = dir.write("weights.tsv", "negative\t10\nneutral\t0.1\npositive\t0\n");
  REQUIRE(sentiment(common + "/weighted --class-weights " + weights).status == 0);
  CHECK(first_loss("weighted") != doctest::Approx(first_loss("plain")));
  const auto refused = [&](const std::string& rows, const std::string& message) {
    const Result result = sentiment(common + "/refused --class-weights " + dir.write("wrong.tsv", rows));
    CHECK(result.status == 1);
    CHECK_MESSAGE(result.last_line().find(message) != std::string::npos, result.output);
  };
  refused("negative\t1\nneutal\t1\n", "wrong.tsv:2: label 'neutal' is not one of");
  refused("negative\t1\nneutral\t1\n", "label 'positive' has no weight");
  refused("negative\t-1\n", "wrong.tsv:1: '-1' is not a weight from 0");
  refused("negative 1\n", "wrong.tsv:1: a line is a label, a tab and a weight");
  const Result too_long = sentiment(common + "/long --long error --max-length 5");
  CHECK(too_long.status == 1);
  CHECK_MESSAGE(too_long.last_line().find("more than the 5 that are allowed") != std::string::npos, too_long.output);
  const Result windows = sentiment(common + "/windows --long window --max-length 5");
  CHECK(windows.status == 0);
  CHECK_MESSAGE(windows.output.find("read in windows of 5") != std::string::npos, windows.output);
  const Result repeats = sentiment("train --model pool" + kSmallBert + "--epochs 1 --train " + data + " --dev " + data +
                                   " --out " + dir.path + "/repeats");
  CHECK_MESSAGE(repeats.output.find("note: 24 of dev's 24 texts stand in train, too") != std::string::npos,
                repeats.output);
}

TEST_CASE("sentiment: wrong usage exits with 2, --help and --version with 0") {
  for (const char* arguments :
       {"", "tain", "train --lr x", "train --epochs 0", "train --epochs 1e29", "train --max-steps 1e29",
        "train --nonsense", "evaluate", "train --schedule step", "train --batch-size 65536 --accumulate 65536"})
    CHECK_MESSAGE(sentiment(arguments).status == 2, arguments);
  for (const char* arguments : {"--help", "--version", "train --help", "predict --help"})
    CHECK_MESSAGE(sentiment(arguments).status == 0, arguments);
  CHECK(sentiment("tain").output.find("did you mean 'train'?") != std::string::npos);
  CHECK(sentiment("train --lr x").output.find("--lr: must be a positive number; got 'x'") != std::string::npos);
  CHECK(sentiment("train --help").output.find("--label-smoothing") != std::string::npos);
}

TEST_CASE("sentiment: an empty text is kept with a warning, invalid UTF-8 is replaced with one") {
  const TemporaryDirectory dir;
  std::string rows = "text\tlabel\n";
  for (int i = 0; i < 40; ++i)
    rows += i == 5 ? "\tneutral\n" : i == 7 ? "bad \xff byte, gr\u00F6\u00DFer\tnegative\n" : "word\tpositive\n";
  const Result result = sentiment("train --model pool" + kSmallBert + "--epochs 1 --data " + dir.write("d.tsv", rows) +
                                  " --out " + dir.path + "/run");
  CHECK_MESSAGE(result.status == 0, result.output);
  CHECK(result.output.find("d.tsv:7: an empty text (1 in all)") != std::string::npos);
  CHECK(result.output.find("d.tsv:9: invalid UTF-8 became U+FFFD (1 in all)") != std::string::npos);
}
