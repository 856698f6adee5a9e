// What several tasks are told about their data, from the command line: shared splits, a model of one of them, texts
// that are too long or have no piece, and what is wrong with a task file. Read tests/programs/multitask.cpp first.
#include <nlohmann/json.hpp>

#include "tests/support/programs.h"

using namespace test;
using nlohmann::json;

namespace {

Result multitask(const std::string& arguments, const std::string& redirect = "2>&1") {
  return call("multitask", arguments, redirect);
}

}  // namespace

TEST_CASE("multitask: tasks of one file share its split; a task alone is a model of one head without a name") {
  const TemporaryDirectory dir;
  std::string rows = "text\tmood\ttopic\n";
  for (int i = 0; i < 40; ++i)
    rows += fmt::format("{} {} {}\t{}\t{}\n", i, i % 2 ? "good" : "bad", i % 3 ? "film" : "food",
                        i % 2 ? "glad" : "sad", i % 3 ? "film" : "food");
  const std::string data = dir.write("data.tsv", rows);
  for (const std::string model : {"pool", "mini"}) {
    const std::string file = dir.write("tasks.json", fmt::format(R"({{"model": "{0}", "hidden": 16, "heads": 2,
        "layers": 1, "max_length": 12, "epochs": 3, "lr": 0.01,
        "tasks": {{"mood": {{"data": "{1}", "label_column": "mood"}},
                   "topic": {{"data": "{1}", "label_column": "topic"}},
                   "more": {{"data": "{1}", "label_column": "topic", "adapter": 4}}}}}})",
                                                                 model, data));
    const std::string out = dir.path + "/" + model, exported = dir.path + "/" + model + "-mood";
    const Result trained = multitask("train --tasks " + file + " --out " + out);
    REQUIRE_MESSAGE(trained.status == 0, trained.output);
    CHECK(trained.output.find("train     32 texts") != std::string::npos);
    CHECK(trained.output.find("(mood, topic, more)") != std::string::npos);
    REQUIRE(multitask("export --model " + out + " --task mood --out " + exported).status == 0);
    if (model == "mini") {
      const auto named = [](const std::string& directory) {
        return json::parse(nn::read_file(directory + "/config.json"))["architectures"][0].get<std::string>();
      };
      CHECK(named(out + "/best") == "BertModel");
      CHECK(named(exported) == "BertForSequenceClassification");
    }
    const std::string texts = " 'a good film' 'bad food' 'it'";
    const std::vector<json> joint = lines_of(multitask("predict --model " + out + texts, "2>/dev/null").output);
    const std::vector<json> alone = lines_of(multitask("predict --model " + exported + texts, "2>/dev/null").output);
    REQUIRE(alone.size() == 3);
    for (size_t i = 0; i < 3; ++i) {
      CHECK(alone[i]["label"] == joint[i]["mood"]["label"]);
      for (const char* label : {"glad", "sad"})
        CHECK(alone[i]["probabilities"][label].get<double>() ==
              doctest::Approx(joint[i]["mood"]["probabilities"][label].get<double>()).epsilon(1e-5));
    }
    CHECK(multitask("export --model " + out + " --task more --out " + exported + "2").last_line() ==
          "error: task 'more': an adapter has no place in a model directory of one task");
    CHECK(multitask("export --model " + out + " --task mod --out " + exported + "2").last_line() ==
          "error: task: 'mod' is not one of mood, topic, more (did you mean 'mood'?)");
    CHECK(multitask("evaluate --model " + exported).last_line().find("`sentiment evaluate` measures it") !=
          std::string::npos);
    // An encoder from a directory: its vocabulary and its weights, other heads.
    const Result further =
        multitask("train --max-steps 1 --lr 1e-12 --model " + out + " --tasks " + file + " --out " + out + "-further");
    CHECK_MESSAGE(further.status == 0, further.output);
  }
}

TEST_CASE("multitask: bad input gets one line with file and key") {
  const TemporaryDirectory dir;
  const std::string data = dir.write("d.tsv", "text\tlabel\tn\na b\tx\t1\nb c\ty\t2\nc d\tx\tz\n");
  const auto refused = [&](const std::string& json_text, const std::string& why, const std::string& options = "") {
    const std::string file = dir.write("t.json", json_text);
    const Result result = multitask("train --tasks " + file + " --overwrite --out " + dir.path + "/out " + options);
    CHECK_MESSAGE(result.status == 1, result.output);
    CHECK_MESSAGE(result.last_line().find(why) != std::string::npos, result.output);
    CHECK(result.last_line().find("error: " + file) == 0);
  };
  const std::string task = "\"train\": \"" + data + "\", \"dev\": \"" + data + "\"";
  refused("{\"sampling\": \"unifrm\", \"tasks\": {\"a\": {}}}",
          "sampling: 'unifrm' is not one of round-robin, uniform, proportional, temperature, annealed (did you mean "
          "'uniform'?)");
  refused("{\"weighting\": \"pcgrd\", \"tasks\": {\"a\": {}}}", "weighting: 'pcgrd' is not one of");
  refused("{\"weighting\": \"pcgrd\", \"tasks\": {\"a\": {}}}", "(did you mean 'pcgrad'?)");
  refused("{\"epocs\": 3, \"tasks\": {\"a\": {}}}", "there is no key 'epocs' (did you mean 'epochs'?)");
  refused("{\"epochs\": \"x\", \"tasks\": {\"a\": {}}}", "epochs: ");
  refused("{\"epochs\": {}, \"tasks\": {\"a\": {}}}", "epochs: must be a string, a number, true, false or a list");
  refused("{\"tasks\": {\"a\": {" + task + ", \"label_column\": \"labl\"}}}",
          "tasks.a: " + data + ": no column 'labl'; the columns are text, label, n (did you mean 'label'?)");
  refused("{\"tasks\": {\"a\": {" + task + ", \"labels\": \"x,z\"}}}",
          "tasks.a: " + data + ":3: label 'y' is not one of");
  refused("{\"tasks\": {\"a\": {" + task + ", \"label_column\": \"n\", \"head\": \"regression\"}}}",
          "tasks.a: " + data + ":4: 'z' is not a number");
  refused("{\"tasks\": {\"a\": {" + task + ", \"head\": \"tokens\"}}}", "2 words, but 1 tags");
  refused("{\"tasks\": {\"a\": {\"data\": \"none.tsv\"}}}", "tasks.a: none.tsv: ");
  refused(
      "{\"tasks\": {\"a\": {\"train\": \"" + dir.write("e.tsv", "text\tlabel\n") + "\", \"dev\": \"" + data + "\"}}}",
      "e.tsv: no data rows below the header");
  refused("{\"tasks\": {\"a\": {\"data\": \"" + data + "\", \"split\": \"1/0/0\"}}}",
          "tasks.a: training needs examples, and so does dev or test; got 3 to train on, 0 for dev and test");
  refused("{\"tasks\": {\"a\": {" + task + ", \"examples\": 9}}}", "tasks.a: examples: 9 to train on; there are");
  refused("{\"tasks\": {\"a\": {" + task + ", \"class_weights\": {\"x\": 1}}}}", "label 'y' has no weight");
  refused("{\"weighting\": \"dwa\", \"tasks\": {\"a\": {\"weight\": 2}}}",
          "tasks.a.weight: the weighting 'dwa' sets the weights by itself");
  refused(
      "{\"batches\": \"one\", \"weighting\": \"mgda\", \"tasks\": {\"a\": {}, \"b\": {\"label_column\": \"topic\"}}}",
      "the weighting 'mgda' needs all tasks in every step");
  refused("{\"tasks\": {\"a\": {\"reads\": \"cls\", \"queries\": 2}}, \"model\": \"mini\"}",
          "tasks.a.queries: this head has no attention of its own");
  refused("{\"epochs\": 2, \"weighting\": \"stch\", \"tasks\": {\"a\": {}}}", "stch_warmup_epochs: 4 of 2 epochs");
  refused("{\"accumulate\": 2, \"weighting\": \"pcgrad\", \"tasks\": {\"a\": {}}}",
          "the weighting 'pcgrad' looks at the losses or the gradients of a whole step at once");
  refused("{\"r_drop\": 1, \"tasks\": {\"a\": {" + task + ", \"label_column\": \"n\", \"head\": \"labels\"}}}",
          "r_drop compares two predictions of one class");
  refused("{\"resume\": \"x\", \"tasks\": {\"a\": {}}}", "there is no key 'resume'");
  CHECK(multitask("train --weighting pcgrd").status == 2);
  CHECK(multitask("predict --model " + dir.path + " --typo good").status == 2);
  CHECK(multitask("evaluate --model " + dir.path).status == 1);
}

TEST_CASE("multitask: evaluation reads as long texts and shares them out by the seed that training had") {
  const TemporaryDirectory dir;
  std::string rows = "text\tlabel\n";
  for (int i = 0; i < 60; ++i)
    rows +=
        fmt::format("{} {} one two three four five six seven {}\t{}\n", i, i % 7, i % 2 ? "good" : "bad", i * i % 3);
  const std::string file = dir.write("tasks.json", fmt::format(R"({{"hidden": 16, "heads": 2, "epochs": 3, "lr": 0.02,
    "long": "window", "max_length": 8, "tasks": {{"a": {{"data": "{}", "split": "50/10/40", "metric": "mcc"}}}}}})",
                                                               dir.write("a.tsv", rows)));
  const std::string out = dir.path + "/run";
  const Result trained = multitask("train --seed 7 --tasks " + file + " --out " + out);
  REQUIRE_MESSAGE(trained.status == 0, trained.output);
  const Result same = multitask("evaluate --model " + out + " --out " + dir.path + "/f.json");
  REQUIRE_MESSAGE(same.status == 0, same.output);
  CHECK(json::parse(nn::read_file(dir.path + "/f.json"))["a"]["test"] == result_of(out)["tasks"]["a"]["test"]);
  CHECK(!same.says("note: texts are"));
  const Result other = multitask("evaluate --model " + out + " --seed 8 --long cut --max-length 7");
  CHECK(other.says("note: texts are split by seed 8; the model was trained with 7"));
  CHECK(other.says("note: texts are read up to 7 tokens; the model was made for 8"));
  CHECK(other.says("note: a longer text: cut; the model was made with window"));
}

TEST_CASE("multitask: a step whose words have no piece counts nothing") {
  const TemporaryDirectory dir;
  std::string rows = "text\ttags\tsplit\n";
  for (int i = 0; i < 6; ++i) rows += fmt::format("to Rome\tO B-city\t{}\n", i % 2 ? "train" : "dev");
  rows += "\xEE\x80\x80\tO\ttrain\n";  // private use: the tokenizer takes it out
  const std::string file =
      dir.write("tasks.json", fmt::format(R"({{"hidden": 16, "batch_size": 1, "epochs": 2, "model": "mini",
    "layers": 1, "heads": 2, "tasks": {{"a": {{"data": "{}", "label_column": "tags", "head": "tokens"}}}}}})",
                                          dir.write("a.tsv", rows)));
  const Result trained = multitask("train --tasks " + file + " --out " + dir.path + "/run");
  REQUIRE_MESSAGE(trained.status == 0, trained.output);
  int without = 0;
  for (const json& line : lines_of(nn::read_file(dir.path + "/run/log.jsonl")))
    if (!line.contains("dev") && !line.contains("tasks")) {
      ++without;
      CHECK(line["loss"] == 0);
      CHECK(line["grad_norm"] == 0);
    }
  CHECK(without == 2);  // once an epoch
}
