// How far a model can be trusted, as users ask it: calibration, sets, refusal, groups, exchanged names.
#include "nn/format/files.h"
#include "tests/support/programs.h"

using namespace test;
using nn::json;

namespace {

// 240 texts of which a part has the wrong label, so that the model cannot be sure: word, and what it says in 4 of 5.
std::string noisy(const TemporaryDirectory& dir) {
  const char* words[] = {"awful", "fine", "plain"};
  const char* labels[] = {"negative", "positive", "neutral"};
  std::string rows = "text\tlabel\tsplit\tcity\tid\n";
  for (int i = 0; i < 240; ++i) {
    const int mood = i % 3, said = i % 5 == 4 ? (mood + 1 + i % 2) % 3 : mood;
    rows += fmt::format("{} thing {}\t{}\t{}\t{}\t{}\n", words[mood], i % 7, labels[said],
                        i < 80    ? "train"
                        : i < 160 ? "dev"
                                  : "test",
                        i % 4 ? "Kiel" : "Rome", i);
  }
  return dir.write("noisy.tsv", rows);
}

std::string trained_on_noise(const TemporaryDirectory& dir) {
  const Result run =
      call("sentiment", "train --model pool --hidden 16 --heads 2 --epochs 12 --lr 0.05 --batch-size 8 " +
                            ("--data " + noisy(dir) + " --out " + dir.path + "/run"));
  REQUIRE_MESSAGE(run.status == 0, run.output);
  CHECK(run.says("calibrated on 80 texts: temperature "));
  std::filesystem::remove(dir.path + "/run/best/manifest.json");  // the tests change what it names
  return "--model " + dir.path + "/run ";
}

}  // namespace

TEST_CASE("trust: a run keeps what its dev texts say of it, and predict answers with sets and silence by that") {
  const TemporaryDirectory dir;
  const std::string model = trained_on_noise(dir), kept = dir.path + "/run/best/calibration.json";
  const json file = json::parse(nn::read_file(kept));
  const double T = file["heads"][""]["temperature"];
  CHECK(T != 1);
  CHECK(file["heads"][""]["label"].size() == 80);
  CHECK(json::parse(nn::read_file(dir.path + "/run/result.json"))["certainty"].contains("ece_of_a_perfect_model"));
  const std::string predict = "predict " + model, texts = " 'awful thing 1' 'fine plain'";
  const auto said = lines_of(call("sentiment", predict + texts, "2>/dev/null").output);
  std::filesystem::rename(kept, kept + ".aside");
  const auto raw = lines_of(call("sentiment", predict + texts, "2>/dev/null").output);
  std::filesystem::rename(kept + ".aside", kept);
  REQUIRE(raw.size() == 2);
  for (size_t i = 0; i < 2; ++i) {
    double sum = 0;
    for (const auto& [label, p] : raw[i]["probabilities"].items()) sum += std::pow(p.get<double>(), 1 / T);
    for (const auto& [label, p] : raw[i]["probabilities"].items())
      CHECK(said[i]["probabilities"][label].get<double>() ==
            doctest::Approx(std::pow(p.get<double>(), 1 / T) / sum).epsilon(0.02));
  }
  const auto sets = lines_of(call("sentiment", predict + "--coverage 0.9" + texts, "2>/dev/null").output);
  CHECK(sets[0]["set"].size() > 1);  // a fifth of the texts is labelled otherwise: one label is not enough for 90 %
  CHECK(sets[0]["set"][0] == sets[0]["label"]);
  const auto narrow = lines_of(call("sentiment", predict + "--coverage 0.5" + texts, "2>/dev/null").output);
  CHECK(narrow[0]["set"] == json{"negative"});
  const std::string rows = " --text-column text --file " + noisy(dir) + " --out " + dir.path;
  REQUIRE(call("sentiment", predict + "--coverage 0.9 --by-class" + rows + "/sets.csv").status == 0);
  CHECK(nn::read_file(dir.path + "/sets.csv")
            .starts_with("text,label,split,city,id,label_predicted,probability,second_label,second_probability,set\n"));
  const Result refusing = call("sentiment", predict + "--refuse 0.8" + texts);
  CHECK_MESSAGE(refusing.says("% of the 80 texts that it was calibrated on, "), refusing.output);
}

TEST_CASE("trust: a model that ships is not calibrated in its place, which others use") {
  const TemporaryDirectory dir;
  trained_on_noise(dir);
  const std::string models = dir.path + "/models", kept = models + "/mine/calibration.json";
  std::filesystem::create_directory(models);
  std::filesystem::copy(dir.path + "/run/best", models + "/mine");
  const std::string before = nn::read_file(kept), with = "ATTUNE_MODELS=" + models + " ";
  const std::string refusal =
      "error: " + models + "/mine: a model that ships stays as it is; copy it, and name the copy\n";
  CHECK(run_shell(with + program("sentiment") + " calibrate --model mine --data " + noisy(dir) + " 2>&1").output ==
        refusal);
  CHECK(run_shell(with + program("monitor") + " calibrate --model mine 2>&1").output == refusal);
  CHECK(nn::read_file(kept) == before);
}

TEST_CASE("trust: fresh texts calibrate a model that was not, and evaluate says what its certainty is worth") {
  const TemporaryDirectory dir;
  const std::string model = trained_on_noise(dir), kept = dir.path + "/run/best/calibration.json";
  const std::string before = nn::read_file(kept);
  std::filesystem::remove(kept);
  const Result done = call("sentiment", "calibrate " + model + "--data " + noisy(dir));
  REQUIRE_MESSAGE(done.status == 0, done.output);
  CHECK(done.last_line().find("result task=calibrate temperature=") == 0);
  CHECK(json::parse(nn::read_file(kept))["heads"][""]["label"].size() == 240);
  const std::string out = dir.path + "/e.json";
  const Result evaluated = call("sentiment", "evaluate " + model + "--data " + noisy(dir) + " --out " + out);
  CHECK_MESSAGE(evaluated.says("(a perfectly calibrated model of this size 0."), evaluated.output);
  const json certainty = json::parse(nn::read_file(out))["certainty"];
  CHECK(certainty["aurc"].get<double>() >= certainty["least_aurc"].get<double>());
}

TEST_CASE("trust: where a model is at chance, calibrate says that its temperature is no measurement") {
  const TemporaryDirectory dir;
  const std::string model = trained_on_noise(dir);
  std::string rows = "text\tlabel\n";  // what it has learned is wrong here
  for (int i = 0; i < 60; ++i) rows += i % 2 ? "awful thing\tpositive\n" : "fine thing\tnegative\n";
  const Result done = call("sentiment", "calibrate " + model + "--data " + dir.write("wrong.tsv", rows));
  CHECK(done.last_line().starts_with("result task=calibrate temperature=1000.0000 "));
  CHECK_MESSAGE(done.says("warning: temperature 1000 is the end of the search: on these texts the model is at chance"),
                done.output);
  CHECK(!call("sentiment", "calibrate " + model + "--data " + noisy(dir)).says("the end of the search"));
}

TEST_CASE("trust: what cannot be promised is refused in one line") {
  const TemporaryDirectory dir;
  const std::string predict = "predict " + trained_on_noise(dir);
  const auto last = [&](const std::string& options) { return call("sentiment", predict + options + " x").last_line(); };
  CHECK(last("--coverage 1") == "error: the coverage of sets must lie between 0 and 1; got 1");
  CHECK(last("--refuse 0") == "error: a wanted accuracy must lie between 0 and 1; got 0");
  CHECK(last("--by-class") == "error: --by-class is about the sets of --coverage; give that, too");
  CHECK(last("--none x") == "error: --none is what --threshold and --refuse say; give one of them, too");
  const std::string kept = dir.path + "/run/best/calibration.json";
  json wrong = json::parse(nn::read_file(kept));
  for (auto& own : wrong["heads"][""]["own"]) own = 0;  // as if none had been right
  nn::write_file(kept, wrong.dump());
  CHECK(last("--refuse 0.9") ==
        "error: --refuse 0.9: of the 80 texts that it was calibrated on, no surest part is right so often");
  std::filesystem::remove(kept);
  CHECK(last("--coverage 0.9").find("error: --coverage: nobody has measured how sure this model may be") == 0);
}

TEST_CASE("trust: figures by group, and columns that make no groups are refused by name") {
  const TemporaryDirectory dir;
  const std::string data = noisy(dir), evaluate = "evaluate " + trained_on_noise(dir) + "--data " + data + " --group ";
  const Result by_city = call("sentiment", evaluate + "city --out " + dir.path + "/g.json");
  REQUIRE_MESSAGE(by_city.status == 0, by_city.output);
  CHECK(by_city.says("equalised odds"));
  CHECK(by_city.says("groups of fewer than 100 texts, whose figures say little: Rome (60)"));
  const json groups = json::parse(nn::read_file(dir.path + "/g.json"));
  CHECK(groups["groups"]["Rome"]["texts"] == 60);
  const json right = groups["groups"]["Kiel"]["accuracy"];
  CHECK(right["of"] == 180);
  CHECK(right["low"] < right["value"]);
  CHECK(groups["gaps"]["demographic parity"]["low"].is_number());
  const Result exchanged = call("sentiment", evaluate + "city --counterfactual --out " + dir.path + "/c.json");
  CHECK_MESSAGE(exchanged.says("women's names, men's names"), exchanged.output);
  const json shifts = json::parse(nn::read_file(dir.path + "/c.json"))["counterfactual"];
  REQUIRE(shifts.size() == 8);
  for (const json& shift : shifts) CHECK(std::abs(shift["classes"]["negative"]["shift"].get<double>()) < 0.5);
  const Result both = call("sentiment", evaluate + "city label");
  CHECK_MESSAGE(both.says("Kiel, negative"), both.output);
  CHECK(both.says("not estimable"));
  CHECK(call("sentiment", evaluate + "citty")
            .last_line()
            .find("the columns are text, label, split, city, id (did you "
                  "mean 'city'?)") != std::string::npos);
  CHECK(call("sentiment", evaluate + "id").last_line() ==
        "error: groups: two of 5 texts at least are needed to be compared; of 240 texts there are 240 groups, 0 so "
        "large: a column with few different values is wanted");
}

TEST_CASE("trust: a task of several has the figures by group that it has as a classifier of its own") {
  const TemporaryDirectory dir;
  const std::string data = noisy(dir), run = dir.path + "/run", alone = dir.path + "/alone";
  std::string tagged = "text\ttags\tsplit\tcity\n";
  for (int i = 0; i < 20; ++i) tagged += fmt::format("to Rome\tO B-city\t{0}\t{0}\n", i % 2 ? "train" : "dev");
  const std::string tags = dir.write("tags.tsv", tagged);
  const std::string tasks =
      dir.write("tasks.json", fmt::format(R"({{"hidden": 16, "heads": 2, "max_steps": 20, "tasks": {{
    "mood": {{"data": "{}", "label_column": "label"}},
    "place": {{"data": "{}", "label_column": "tags", "head": "tokens"}}}}}})",
                                          data, tags));
  const Result trained = call("multitask", "train --tasks " + tasks + " --out " + run);
  REQUIRE_MESSAGE(trained.status == 0, trained.output);
  REQUIRE(call("multitask", "export --model " + run + " --task mood --out " + alone).status == 0);
  const std::string evaluate = "evaluate --model " + run + " --group city ", with = "--task mood --data " + data;
  const Result joint = call("multitask", evaluate + with + " --out " + dir.path + "/j.json");
  REQUIRE_MESSAGE(joint.status == 0, joint.output);
  CHECK(joint.says("equalised odds"));
  CHECK(joint.says("groups of fewer than 100 texts, whose figures say little: Rome (60)"));
  REQUIRE(
      call("sentiment", "evaluate --model " + alone + " --group city --data " + data + " --out " + dir.path + "/a.json")
          .status == 0);
  const json of_task = json::parse(nn::read_file(dir.path + "/j.json"))["mood"],
             of_classifier = json::parse(nn::read_file(dir.path + "/a.json"));
  CHECK(of_task["groups"]["Rome"]["texts"] == 60);
  for (const char* city : {"Rome", "Kiel"})
    for (const char* what : {"accuracy", "classes"})
      CHECK(of_task["groups"][city][what] == of_classifier["groups"][city][what]);
  CHECK(of_task["gaps"] == of_classifier["gaps"]);
  CHECK(call("multitask", evaluate).last_line().find("error: --group is for --data") == 0);
  CHECK(call("multitask", evaluate + "--task place --data " + tags).last_line() ==
        "error: groups are of texts; a head of tags labels words");
}

TEST_CASE(
    "trust: a run with copies, mixed texts and an adversary, stopped and resumed, ends in the bits of one that ran") {
  const TemporaryDirectory dir;
  const std::string data = noisy(dir);
  for (const std::string kind : {"freelb --mixup 0.5", "pgd --accumulate 2", "smart --class-loss focal"}) {
    const std::string through = dir.path + "/through", again = dir.path + "/again";
    const std::string how =
        "train --model bert --layers 1 --hidden 16 --heads 2 --dropout 0.2 --max-steps 60 --batch-size "
        "8 --augment characters --oversample 1 --overwrite --data " +
        data + " --adversarial " + kind + " --out ";
    const Result ran = call("sentiment", how + through);
    REQUIRE_MESSAGE(ran.status == 0, ran.output);
    std::filesystem::remove_all(again);
    stop_early("sentiment", how + again, again);
    CHECK(nn::read_file(again + "/log.jsonl") != nn::read_file(through + "/log.jsonl"));
    const Result resumed = call("sentiment", "train --resume " + again);
    REQUIRE_MESSAGE(resumed.status == 0, resumed.output);
    CHECK(nn::read_file(again + "/log.jsonl") == nn::read_file(through + "/log.jsonl"));
    for (const char* file : {"/best/model.safetensors", "/best/calibration.json"})
      CHECK(nn::read_file(again + file) == nn::read_file(through + file));
  }
}
