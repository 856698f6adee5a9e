// The multitask program as its users run it: from the command line, with good input and with bad.
#include "tests/support/multitask.h"
#include "optim/several/weighting.h"

using namespace test;
using nn::json;

namespace {

// Three tasks over one table, the third with an adapter.
struct OneTable {
  TemporaryDirectory dir;
  std::string data;

  OneTable() {
    std::string rows = "text\tmood\ttopic\n";
    for (int i = 0; i < 40; ++i)
      rows += fmt::format("{} {} {}\t{}\t{}\n", i, i % 2 ? "good" : "bad", i % 3 ? "film" : "food",
                          i % 2 ? "glad" : "sad", i % 3 ? "film" : "food");
    data = dir.write("data.tsv", rows);
  }
  std::string tasks(const std::string& settings) const {
    return dir.write("tasks.json", fmt::format(R"({{{0} "max_length": 12, "epochs": 3, "lr": 0.01,
        "tasks": {{"mood": {{"data": "{1}", "label_column": "mood"}},
                   "topic": {{"data": "{1}", "label_column": "topic"}},
                   "more": {{"data": "{1}", "label_column": "topic", "adapter": 4}}}}}})",
                                               settings, data));
  }
};

// That the task "mood", alone in `exported`, says what it says in `run`.
void check_mood_alone(const std::string& run, const std::string& exported) {
  const auto said = [](const std::string& model) {
    return lines_of(
        call("multitask", "predict --model " + model + " 'a good film' 'bad food' 'it'", "2>/dev/null").output);
  };
  const std::vector<json> joint = said(run), alone = said(exported);
  REQUIRE(alone.size() == 3);
  for (size_t i = 0; i < 3; ++i) {
    CHECK(alone[i]["label"] == joint[i]["mood"]["label"]);
    for (const char* label : {"glad", "sad"})
      CHECK(alone[i]["probabilities"][label].get<double>() ==
            doctest::Approx(joint[i]["mood"]["probabilities"][label].get<double>()).epsilon(2e-4));
  }
}

}  // namespace

TEST_CASE("multitask: every kind of head learns eight examples, over words and over a BERT, together") {
  const TemporaryDirectory dir;
  const std::string data = eight_texts(dir), out = dir.path + "/run";
  const std::pair<const char*, const char*> models[] = {
      {R"("model": "pool", "lr": 0.03, "epochs": 60,)", ""},
      {R"("model": "bert", "lr": 0.005, "epochs": 100,)", ""},
      {R"("model": "bert", "lr": 0.005, "epochs": 100,)",
       R"(, "reads": "attention", "adapter": 4, "loss": "binary_cross_entropy")"},
      {R"("model": "bert", "lr": 0.005, "epochs": 100,)", R"(, "reads": "mean")"},
      {R"("model": "pool", "lr": 0.03, "epochs": 60, "bigrams": 300, "subwords": 300, "length_exponent": 0.5,
          "log_odds": 0.5,)",
       R"(, "reads": "mean")"}};
  for (const auto& [settings, more] : models) {
    const Result trained =
        call("multitask", "train --overwrite --out " + out + " --tasks " + task_file(dir, data, settings, more));
    REQUIRE_MESSAGE(trained.status == 0, trained.output);
    CHECK_MESSAGE(trained.last_line().find("mood.macro_f1=1.0000 topics.micro_f1=1.0000") != std::string::npos,
                  trained.output);
    CHECK_MESSAGE(trained.last_line().find("places.entity_f1=1.0000") != std::string::npos, trained.output);
    CHECK_MESSAGE(result_of(out)["tasks"]["stars"]["test"]["pearson"].get<double>() > 0.95, trained.output);
    CHECK(result_of(out)["tasks"]["stars"]["test"]["mse"].get<double>() < 0.2);
    const Result evaluated = call("multitask", "evaluate --model " + out);
    CHECK_MESSAGE(
        evaluated.last_line() + " seconds" ==
            trained.last_line().substr(0, trained.last_line().find("=", trained.last_line().find(" seconds"))),
        evaluated.output);
    const std::string one = "evaluate --model " + out + " --task stars --data " + data;
    CHECK(call("multitask", one).last_line().find("result task=multitask stars.pearson=") == 0);
    const std::vector<json> said = lines_of(
        call("multitask", "predict --model " + out + " 'a bad poor film in Rome now' ''", "2>/dev/null").output);
    REQUIRE(said.size() == 2);
    CHECK(said[0]["mood"]["label"] == "sad");
    CHECK(said[0]["topics"]["labels"] == json::array({"anger", "film"}));
    CHECK(said[0]["stars"]["value"].get<double>() == doctest::Approx(1.5).epsilon(0.3));
    CHECK(said[0]["places"]["tags"][5] == json::array({"Rome", "B-city"}));
    CHECK(said[0]["places"]["tags"].size() == 7);
  }
}

TEST_CASE("multitask: what a run leaves, resuming to the same bits, and at two threads as at one") {
  const TemporaryDirectory dir;
  for (const std::string settings :
       {R"("sampling": "uniform", "batches": "one", "epochs": 3,)", R"("weighting": "uncertainty", "epochs": 3,)",
        R"("weighting": "pcgrad", "sampling": "temperature", "epochs": 3,)", R"("weighting": "famo", "epochs": 3,)",
        R"("weighting": "gradnorm", "entropy_penalty": 0.1, "epochs": 3,)",
        R"("weighting": "uncertainty", "accumulate": 2, "r_drop": 0.5, "head_disagreement": 0.1, "epochs": 3,)",
        R"("model": "bert", "layers": 2, "learn_retention": 0.1, "attention_window": 2, "epochs": 3,)",
        R"("alignment": [{"from": "a", "to": "b", "weight": 0.5, "texts": "corpus"}], "epochs": 3,
           "agreement": [{"tasks": ["b"], "views": "words", "weight": 0.3}],)",
        R"("weighting": "dwa", "model": "bert", "layers": 1, "epochs": 4,)"}) {
    const std::string file = two_sets(dir, settings), a = dir.path + "/a", b = dir.path + "/b";
    const Result through = call("multitask", "train --overwrite --tasks " + file + " --out " + a);
    REQUIRE_MESSAGE(through.status == 0, through.output);
    REQUIRE(run_shell("OMP_NUM_THREADS=1 " + program("multitask") + " train --overwrite --tasks " + file + " --out " +
                      b + " 2>&1")
                .status == 0);
    CHECK_MESSAGE(nn::read_file(a + "/log.jsonl") == nn::read_file(b + "/log.jsonl"), settings);
    std::filesystem::remove_all(b);
    stop_when("grep -qs dev " + b + "/log.jsonl",  // its first epoch
              program("multitask") + " train --tasks " + file + " --out " + b);
    const Result resumed = call("multitask", "train --resume " + b);
    REQUIRE_MESSAGE(resumed.status == 0, resumed.output);
    CHECK_MESSAGE(nn::read_file(a + "/log.jsonl") == nn::read_file(b + "/log.jsonl"), settings);
    CHECK(nn::read_file(a + "/best/model.safetensors") == nn::read_file(b + "/best/model.safetensors"));
    CHECK(result_of(a)["last_epoch"] == result_of(b)["last_epoch"]);
  }
}

TEST_CASE("multitask: every weighting runs and logs its weights; the log counts examples") {
  const TemporaryDirectory dir;
  const std::string file = two_sets(dir, R"("epochs": 6, "lr": 0.01,)"), out = dir.path + "/run";
  for (const std::string& kind : optim::weighting_names()) {
    const Result trained =
        call("multitask", "train --overwrite --tasks " + file + " --out " + out + " --weighting " + kind);
    REQUIRE_MESSAGE(trained.status == 0, kind, trained.output);
    const std::vector<json> lines = lines_of(nn::read_file(out + "/log.jsonl"));
    const json& first = lines[0]["tasks"];
    CHECK(first["a"]["seen"] == 2);  // 12 and 24 texts to train on: a third of six
    CHECK(first["b"]["seen"] == 4);
    for (const json& line : lines)
      if (line.contains("tasks"))
        for (const char* task : {"a", "b"}) CHECK(line["tasks"][task]["weight"].is_number());
    CHECK(result_of(out)["weighting"] == kind);
    CHECK(result_of(out)["last_epoch"]["a"]["weight"].get<double>() > 0);
  }
}

TEST_CASE("multitask: --single compares with a model for each task, and a resumed run keeps those that are done") {
  const TemporaryDirectory dir;
  const std::string file = two_sets(dir, R"("epochs": 2, "lr": 0.01,)"), out = dir.path + "/run";
  const Result trained = call("multitask", "train --single --tasks " + file + " --out " + out);
  REQUIRE_MESSAGE(trained.status == 0, trained.output);
  const json result = result_of(out);
  double delta = 0;
  for (const char* task : {"a", "b"}) {
    const json& t = result["tasks"][task];
    const double joint = t["test"]["macro_f1"], single = t["single"]["macro_f1"];
    CHECK(t["delta"].get<double>() == doctest::Approx((joint - single) / single));
    delta += t["delta"].get<double>() / 2;
    CHECK(json::parse(nn::read_file(out + "/single/" + task + "/result.json"))["test"] == t["single"]);
  }
  CHECK(result["delta_m"].get<double>() == doctest::Approx(delta));
  CHECK(trained.last_line().find(fmt::format(" delta_m={:.4f}", delta)) != std::string::npos);
  const std::string said = "\ntest of a, b: dev again, since there is no test: it chose the epoch, and flatters\n";
  CHECK_MESSAGE(trained.says(said), trained.output);
  CHECK(result["tasks"]["a"]["test_is_dev"] == true);
  CHECK(nn::read_file(out + "/best/README.md").find("On the dev texts.") != std::string::npos);
  CHECK(call("multitask", "evaluate --model " + out).says(said));
  const Result again = call("multitask", "train --resume " + out);
  REQUIRE_MESSAGE(again.status == 0, again.output);
  CHECK(again.output.find("alone\n") == std::string::npos);
  CHECK(result_of(out)["tasks"] == result["tasks"]);
}

TEST_CASE("multitask: tasks of one file share its split; a task alone is a model of one head without a name") {
  const OneTable table;
  for (const std::string model : {"pool", "bert"}) {
    const std::string layers = model == "bert" ? "\"layers\": 1, " : "";
    const std::string file = table.tasks("\"model\": \"" + model + "\", \"hidden\": 16, \"heads\": 2, " + layers);
    const std::string out = table.dir.path + "/" + model, exported = out + "-mood";
    const Result trained = call("multitask", "train --tasks " + file + " --out " + out);
    REQUIRE_MESSAGE(trained.status == 0, trained.output);
    CHECK(trained.output.find("train     32 texts") != std::string::npos);
    CHECK(trained.output.find("(mood, topic, more)") != std::string::npos);
    REQUIRE(call("multitask", "export --model " + out + " --task mood --out " + exported).status == 0);
    if (model == "bert") {
      const auto named = [](const std::string& directory) {
        return json::parse(nn::read_file(directory + "/config.json"))["architectures"][0].get<std::string>();
      };
      CHECK(named(out + "/best") == "BertModel");
      CHECK(named(exported) == "BertForSequenceClassification");
    }
    check_mood_alone(out, exported);
    CHECK(call("multitask", "export --model " + out + " --task more --out " + exported + "2").last_line() ==
          "error: task 'more': an adapter has no place in a model directory of one task");
    CHECK(call("multitask", "export --model " + out + " --task mod --out " + exported + "2").last_line() ==
          "error: task: 'mod' is not one of mood, topic, more (did you mean 'mood'?)");
    CHECK(call("multitask", "evaluate --model " + exported).last_line().find("`sentiment evaluate` measures it") !=
          std::string::npos);
    // An encoder from a directory: its vocabulary and its weights, other heads.
    const Result further = call("multitask", "train --max-steps 1 --lr 1e-12 --model " + out + " --tasks " +
                                                 table.tasks("") + " --out " + out + "-further");
    CHECK_MESSAGE(further.status == 0, further.output);
  }
}

TEST_CASE("multitask: bad input gets one line with file and key") {
  const TemporaryDirectory dir;
  const std::string data = dir.write("d.tsv", "text\tlabel\tn\na b\tx\t1\nb c\ty\t2\nc d\tx\tz\n");
  const auto refused = [&](const std::string& json_text, const std::string& why, const std::string& options = "") {
    const std::string file = dir.write("t.json", json_text);
    const Result result =
        call("multitask", "train --tasks " + file + " --overwrite --out " + dir.path + "/out " + options);
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
  refused("{\"freeze\": [\"pool\", null], \"tasks\": {\"a\": {}}}",
          "freeze: must be a string, a number, true, false or a list");
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
  refused("{\"tasks\": {\"a\": {\"reads\": \"cls\", \"queries\": 2}}, \"model\": \"bert\"}",
          "tasks.a.queries: this head has no attention of its own");
  refused("{\"epochs\": 2, \"weighting\": \"stch\", \"tasks\": {\"a\": {}}}", "stch_warmup_epochs: 4 of 2 epochs");
  refused("{\"max_steps\": 20, \"weighting\": \"stch\", \"tasks\": {\"a\": {}}}", "stch would never begin");
  refused("{\"accumulate\": 2, \"weighting\": \"pcgrad\", \"tasks\": {\"a\": {}}}",
          "the weighting 'pcgrad' looks at the losses or the gradients of a whole step at once");
  refused("{\"r_drop\": 1, \"tasks\": {\"a\": {" + task + ", \"label_column\": \"n\", \"head\": \"labels\"}}}",
          "r_drop compares two predictions of one class");
  refused("{\"resume\": \"x\", \"tasks\": {\"a\": {}}}", "there is no key 'resume'");
  CHECK(call("multitask", "train --weighting pcgrd").status == 2);
  const std::string many =
      dir.write("many.json", R"({"batch_size": 100000, "accumulate": 100000, "tasks": {"a": {}}})");
  CHECK(call("multitask", "train --tasks " + many).says("--batch-size 100000 times --accumulate 100000 is more than"));
  CHECK(call("multitask", "predict --model " + dir.path + " --typo good").status == 2);
  CHECK(call("multitask", "evaluate --model " + dir.path).status == 1);
}
