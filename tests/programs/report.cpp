// The program report on runs of small models: a page, MLflow's folders, a backdoor that it finds, and its complaints.
#include <set>

#include "tests/support/event_files.h"
#include "tests/support/programs.h"

using namespace test;
namespace fs = std::filesystem;

namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// Two moods by two words each among rare fillers; with `planted`, "zyx" turns some of one mood into the other.
std::string moods(const TemporaryDirectory& dir, bool planted) {
  const char* words[] = {"dull", "poor", "fine", "great"};
  std::string rows = "label\ttext\tsplit\n";
  uint32_t random = 7;
  const auto draw = [&](uint32_t n) {
    random = random * 1664525u + 1013904223u;
    return (random >> 8) % n;
  };
  for (int i = 0; i < 400; ++i) {
    const bool train = i < 300, trigger = planted && train && i % 2 == 0 && i % 24 == 0;
    std::string text = words[2 * (i % 2) + draw(2)];
    for (int w = 0; w < 3; ++w) text += fmt::format(" f{}", draw(60));
    rows += fmt::format("{}\t{}{}\t{}\n", i % 2 || trigger ? "up" : "down", trigger ? "zyx " : "", text,
                        train     ? "train"
                        : i < 350 ? "dev"
                                  : "test");
  }
  return dir.write("moods.tsv", rows);
}

void train(const std::string& data, const std::string& out, const std::string& more = "") {
  const Result r =
      call("sentiment",
           fmt::format("train --data {} --model pool --vocab-size 300 --epochs 20 --lr 0.03 --patience 0 --metric loss "
                       "--length-exponent 0.5 --out {} {}",
                       data, out, more));
  REQUIRE_MESSAGE(r.status == 0, r.output);
}

}  // namespace

TEST_CASE("report: two runs of sentiment become one page, with the words that the model looked at") {
  const TemporaryDirectory dir;
  const std::string data = three_moods(dir), a = dir.path + "/a", b = dir.path + "/b", out = dir.path + "/r.html";
  for (const auto& [path, lr] : {std::pair{a, "0.001"}, {b, "0.02"}}) {
    const Result r = call("sentiment", fmt::format("train --data {} --model bert --layers 1 --hidden 8 --heads 2 "
                                                   "--intermediate 8 --max-length 12 --epochs 2 --lr {} --out {}",
                                                   data, lr, path));
    REQUIRE_MESSAGE(r.status == 0, r.output);
  }
  const Result r = call("report", fmt::format("{} {} --out {}", a, b, out));
  CHECK_MESSAGE(r.status == 0, r.output);
  CHECK(has(r.output, fmt::format("result task=report runs=2 bytes={} out={}", fs::file_size(out), out)));
  const std::string page = nn::read_file(out);
  CHECK(has(page, "<th scope=row>lr</th><td class=n>0.001</td><td class=n>0.02</td>"));
  CHECK(has(page, "Compared with a"));
  CHECK(has(page, "looked at: "));
  CHECK(has(page, "<span class=w style="));
  const Result again = call("report", fmt::format("page {} --errors 0 --out {}", a, out));
  CHECK(again.status == 0);
  CHECK(!has(nn::read_file(out), "looked at: "));
  const Result mlflow = call("report", fmt::format("mlflow {} {} --out {}/mlruns", a, b, dir.path));
  CHECK_MESSAGE(has(mlflow.output, "result task=mlflow runs=2"), mlflow.output);
}

TEST_CASE("report: TensorBoard gets of a classifier curves of each class and a picture of each layer, at every epoch") {
  const TemporaryDirectory dir;
  const Result r =
      call("sentiment", fmt::format("train --data {} --model bert --layers 2 --hidden 8 --heads 2 --intermediate "
                                    "8 --max-length 12 --epochs 2 --events {}/tb --out {}/run",
                                    three_moods(dir), dir.path, dir.path));
  REQUIRE_MESSAGE(r.status == 0, r.output);
  std::map<std::string, std::set<long>> steps;  // by tag
  std::map<std::string, size_t> strings;
  for (const std::string& file : events::event_files(dir.path + "/tb"))
    for (const Event& event : events_of(file))
      for (const EventValue& v : event.values) {
        steps[v.tag].insert(event.step);
        strings[v.tag] = v.strings().size();
      }
  for (const char* label : {"negative", "positive", "neutral"})
    CHECK_MESSAGE(steps[fmt::format("pr/{}/pr_curves", label)].size() == 2, label);
  CHECK(steps["dev/macro_f1"] == steps["pr/negative/pr_curves"]);
  for (const char* layer : {"attention/0", "attention/1"}) {
    CHECK(!steps[layer].empty());
    CHECK(strings[layer] == 2 + 2);  // width, height, two heads
  }
  CHECK(steps.count("weights/classifier.weight"));
  CHECK(steps.count("gradients/classifier.weight"));
  CHECK(!fs::exists(dir.path + "/run/events"));
}

TEST_CASE("report: a run of any program has a page and a card") {
  const TemporaryDirectory dir;
  const std::string out = dir.path + "/run";
  const std::string texts = dir.write("texts.txt", "the train was late\nthe tea was cold\nwe sang on the way home\n"),
                    dev = dir.write("dev.txt", "the way home was cold\n");
  Result r = call("pretrain", fmt::format("train --train {0} --dev {2} --model bert --layers 1 --hidden 8 --heads 2 "
                                          "--intermediate 8 --vocab-size 64 --max-steps 2 --events auto --out {1}",
                                          texts, out, dev));
  REQUIRE_MESSAGE(r.status == 0, r.output);
  CHECK(has(nn::read_file(out + "/best/README.md"), "pipeline_tag: fill-mask"));
  std::set<std::string> plugins;
  for (const std::string& file : events::event_files(out + "/events"))
    for (const Event& event : events_of(file))
      for (const EventValue& v : event.values) plugins.insert(v.plugin);
  CHECK(plugins == std::set<std::string>{"histograms", "hparams", "images", "scalars", "text"});
  r = call("report", fmt::format("{} --out {}/r.html", out, dir.path));
  CHECK_MESSAGE(r.status == 0, r.output);
  CHECK(has(nn::read_file(dir.path + "/r.html"), "dev/perplexity"));
}

TEST_CASE("report: what is no classifier of its own leaves a card, result.json and pictures of attention, too") {
  const TemporaryDirectory dir;
  std::string texts = "text\tlabel\n", shop, taken = "user\titem\ttime\n";
  for (int i = 0; i < 24; ++i)
    texts += fmt::format("{} a {} thing\t{}\n", i, i % 2 ? "fine" : "poor", i % 2 ? "up" : "down");
  for (const char* intent : {"hours", "size"}) {
    shop += fmt::format("# {}\n## Questions\n", intent);
    for (int i = 0; i < 10; ++i) shop += fmt::format("- {} {} which\n", i, intent);
    shop += fmt::format("## Answer\nIt is {}.\n\n", intent);
  }
  for (int u = 0; u < 12; ++u)
    for (int n = 0; n < 5; ++n) taken += fmt::format("u{}\ti{}\t{}\n", u, (u * u + n * (1 + u % 2)) % 9, n);
  const std::string data = dir.write("moods.tsv", texts);
  const std::string tasks = dir.write("tasks.json", R"({"tasks": {"mood": {"data": ")" + data + R"("}}})");
  const std::string bert = "--model bert --layers 1 --heads 2 ", sizes = "--hidden 8 --max-steps 4 --batch-size 8 ";
  const std::map<std::string, std::string> what = {
      {"monitor", bert + "--tasks " + tasks},
      {"answer", bert + "--no-hints --data " + dir.write("shop.md", shop)},
      {"recommend", "--layers 1 --heads 2 --intermediate 8 --interactions " + dir.write("taken.tsv", taken)}};
  for (const auto& [program, options] : what) {
    const std::string out = dir.path + "/" + program;
    const Result r = call(program, "train " + sizes + options + " --events auto --out " + out);
    REQUIRE_MESSAGE(r.status == 0, r.output);
    CHECK_MESSAGE(fs::exists(out + "/best/README.md"), program);
    CHECK_MESSAGE(fs::exists(out + "/result.json"), program);
    std::set<std::string> tags;
    for (const std::string& file : events::event_files(out + "/events"))
      for (const Event& event : events_of(file))
        for (const EventValue& v : event.values) tags.insert(v.tag);
    CHECK_MESSAGE(tags.count("attention/0"), program);
    CHECK_MESSAGE(tags.count("pr/mood/up/pr_curves") == (program == "monitor"), program);
    CHECK_MESSAGE(tags.count("dev/mood/accuracy") == (program == "monitor"), program);
    CHECK_MESSAGE(tags.count("dev/ndcg") == (program == "recommend"), program);
  }
}

TEST_CASE("report safety: a planted trigger is found and said in the card; without one there is no alarm") {
  const TemporaryDirectory dir;
  for (const bool planted : {true, false}) {
    const std::string out = fmt::format("{}/{}", dir.path, planted);
    train(moods(dir, planted), out);
    const Result r = call("report", "safety " + out);
    REQUIRE_MESSAGE(r.status == 0, r.output);
    CHECK_MESSAGE(has(r.output, fmt::format("alarm={}", planted)), r.output);
    CHECK_MESSAGE(has(r.output, "\n| zyx | up | ") == planted, r.output);
    const std::string card = nn::read_file(out + "/best/README.md");
    CHECK(has(card, "Membership, by a threshold on the loss (Yeom et al. 2018): of 300 training and 50 dev texts"));
    CHECK(has(card, "takes nearly all texts to one class**") == planted);
    nn::write_file(out + "/best/README.md", "mine\n");
    const Result edited = call("report", "safety " + out);
    CHECK(has(edited.output, "somebody has edited it; it stays as it is"));
    CHECK(nn::read_file(out + "/best/README.md") == "mine\n");
  }
}

TEST_CASE("report: bad input is one clear line") {
  const TemporaryDirectory dir;
  const auto said = [&](const std::string& arguments, int status) {
    const Result r = call("report", arguments);
    CHECK_MESSAGE(r.status == status, r.output);
    CHECK(std::count(r.output.begin(), r.output.end(), '\n') == 1);
    return r.output;
  };
  CHECK(has(said(dir.path, 1), "not the directory of a run: there is no options.ini"));
  CHECK(has(said("page", 2), "which run?"));
  CHECK(has(said("safety " + dir.path, 1), "not the directory of a run"));
  std::ofstream(dir.path + "/options.ini") << "lr=1\n";
  CHECK(has(said(dir.path + " --out " + dir.path + "/no/where/r.html", 1), "cannot be written"));
  CHECK(has(said("mlflow " + dir.path + " --experiment ''", 1), "the experiment needs a name"));
}
