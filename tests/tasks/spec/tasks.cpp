// What a task is: the task file with its errors; words, tags and their places; what a text weighs in a loss.
#include "tasks/spec/tasks.h"

#include "tasks/model/predict.h"
#include "tasks/spec/loss.h"
#include "tests/support/support.h"

using namespace test;
using namespace spec;

namespace {

std::string refused(const std::string& text) {
  return error_of([&] { parse_task_file(text, "t.json"); });
}

std::string with_task(const std::string& keys) { return refused("{\"tasks\": {\"mood\": {" + keys + "}}}"); }

}  // namespace

TEST_CASE("task file: comments, defaults, and every key that the program writes it can read") {
  const TaskFile file = parse_task_file(R"({
    // two tasks
    "model": "pool", "batch_size": 8,
    "tasks": {
      "mood": {"data": "a.tsv", "labels": "0=sad,1=glad", "weight": 2, "class_weights": {"sad": 1, "glad": 3}},
      "tags": {"train": ["a.csv", "b.csv"], "dev": "c.csv", "head": "tokens", "labels": ["O", "B-x", "I-x"],
               "adapter": 8, "metric": "accuracy" /* of words */},
      "mean": {"data": "a.tsv", "labels": "x,y", "reads": "mean", "rationale_column": "why"}
    }})",
                                        "t.json");
  REQUIRE(file.tasks.size() == 3);
  const TaskSpec &mood = file.tasks[0], &tags = file.tasks[1];
  CHECK(mood.loss == "cross_entropy");
  CHECK(mood.metric == "macro_f1");
  CHECK(mood.labels.names() == std::vector<std::string>{"sad", "glad"});
  CHECK(mood.labels.find("1") == 1);
  CHECK(tags.separator == " ");
  CHECK(tags.files.train == std::vector<std::string>{"a.csv", "b.csv"});
  CHECK(tags.files.how.label_as_target);
  CHECK(file.tasks[2].reads == nn::Reads::mean);
  CHECK(file.tasks[2].files.how.rationale_column == "why");
  CHECK(file.settings.size() == 2);
  for (const TaskSpec& task : file.tasks) {
    const std::string text = nn::ordered_json{{"tasks", {{task.name, task.json()}}}}.dump();
    CHECK(parse_task_file(text, "again.json").tasks[0].json() == task.json());
  }
}

TEST_CASE("task file: what is amiss is said on one line, with the file and the key") {
  CHECK(refused("{\"tasks\": }").find("t.json: not JSON: parse error at column 11") == 0);
  CHECK(refused("{}") == "t.json: tasks: must be an object with a task or more, {\"NAME\": {...}}");
  CHECK(refused("{\"tasks\": {\"a\": {}, \"b\": {}, \"a\": {}}}") == "t.json: tasks: the key 'a' is there twice");
  CHECK(refused("{\"lr\": 1, \"lr\": 2, \"tasks\": {\"a\": {}}}") == "t.json: the key 'lr' is there twice");
  CHECK(refused("{\"tasks\": {\"a b\": {}}}").find("t.json: the name of a task is made of letters") == 0);
  CHECK(refused("{\"tasks\": {\"a\": {\"weight\": 0}, \"b\": {\"weight\": 0}}}") ==
        "t.json: the tasks' weights sum to 0");
  CHECK(refused("{\"tasks\": {\"a\": 3}}") == "t.json: tasks.a: must be an object {...}; got 3");
  const std::string key = with_task("\"dta\": \"x.tsv\"");
  CHECK(key.find("t.json: tasks.mood: there is no key 'dta'; the keys are data, train") == 0);
  CHECK(key.find("(did you mean 'data'?)") != std::string::npos);
  CHECK(with_task("\"head\": \"labl\"") ==
        "t.json: tasks.mood.head: 'labl' is not one of label, ordinal, labels, regression, tokens (did you mean "
        "'label'?)");
  CHECK(with_task("\"loss\": \"cross_entrpy\"").find("(did you mean 'cross_entropy'?)") != std::string::npos);
  CHECK(with_task("\"loss\": \"mse\"") ==
        "t.json: tasks.mood.loss: 'mse' does not fit the head 'label'; these do: cross_entropy, binary_cross_entropy");
  CHECK(with_task("\"metric\": \"acuracy\"").find("(did you mean 'accuracy'?)") != std::string::npos);
  CHECK(with_task("\"weight\": -1") == "t.json: tasks.mood.weight: must be a number from 0 to 1000000000; got -1");
  CHECK(with_task("\"weight\": \"much\"") == "t.json: tasks.mood.weight: must be a number; got \"much\"");
  CHECK(with_task("\"adapter\": 2.5").find("must be a whole number") != std::string::npos);
  CHECK(with_task("\"data\": []") == "t.json: tasks.mood.data: must be a string or a list of strings; got []");
  CHECK(with_task("\"no_header\": 1") == "t.json: tasks.mood.no_header: must be true or false; got 1");
  CHECK(with_task("\"head\": \"regression\", \"labels\": \"a,b\"") ==
        "t.json: tasks.mood.labels: a regression has none");
  CHECK(with_task("\"class_weights\": {\"a\": 0}") == "t.json: tasks.mood.class_weights: the weights sum to 0");
  CHECK(with_task("\"head\": \"tokens\", \"reads\": \"attention\"").find("reads every token by itself") !=
        std::string::npos);
}

TEST_CASE("task file: a key that nothing reads beside the others is refused, unless a model's own file has it") {
  const std::pair<const char*, const char*> unread[] = {
      {R"("separator": "|")", "separator: is for the heads labels and tokens; the head is 'label'"},
      {R"("head": "regression", "separator": " ")",
       "separator: is for the heads labels and tokens; the head is 'regression'"},
      {R"("mean": 3)", "mean: is for the head regression; the head is 'label'"},
      {R"("deviation": 3)", "deviation: is for the head regression; the head is 'label'"},
      {R"("reads": "cls", "queries": 4)",
       R"(queries: this head has no attention of its own; "reads": "attention" gives it one)"},
      {R"("reads": "mean", "queries": 4)",
       R"(queries: this head has no attention of its own; "reads": "attention" gives it one)"},
      {R"("head": "tokens", "queries": 4)", "queries: this head has no attention of its own; the head is 'tokens'"},
      {R"("sheet": "2")", R"(sheet: is for a file; the data is "embedded")"},
      {R"("no_header": true)", R"(no_header: is for a file; the data is "embedded")"},
      {R"("format": "csv")", R"(format: is for a file; the data is "embedded")"},
      {R"("encoding": "latin-1")", R"(encoding: is for a file; the data is "embedded")"},
      {R"("delimiter": ";")", R"(delimiter: is for a file; the data is "embedded")"},
      {R"("train": "a.csv", "dev": "b.csv", "split": "50/25/25")", R"(split: is for "data", or "train" without "dev")"},
  };
  for (const auto& [keys, why] : unread) {
    CHECK(with_task(keys) == std::string("t.json: tasks.mood.") + why);
    parse_task_file(fmt::format("{{\"tasks\": {{\"mood\": {{{}}}}}}}", keys), "t.json", Written::by_program);
  }
  CHECK(with_task(R"("head": "labels", "separator": "|")").empty());
  CHECK(with_task(R"("reads": "attention", "queries": 4)").empty());
  CHECK(with_task(R"("train": "a.csv", "split": "50/25/25")").empty());
}

TEST_CASE("tokens: a word's tag stands at its first piece; without one it is outside") {
  const text::WordPiece tokenizer({"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "to", "bos", "##ton", ".", "now"});
  const std::string text = "to  Boston. now \xC2\xAD now";  // a soft hyphen alone leaves nothing
  const Indices places = first_pieces(text, tokenizer, 9);
  CHECK(places == Indices{1, 2, 5, -1, 6});
  CHECK(first_pieces(text, tokenizer, 7) == Indices{1, 2, 5, -1, -1});  // [SEP] stands at 6
  TaskSpec spec;
  spec.labels = text::Labels({"B-city", "O"});
  CHECK(model::tags_of_words(spec, {1, 1, 0, 1, 1, 0, 0}, places) ==
        std::vector<std::string>{"O", "B-city", "B-city", "O", "B-city"});
}

TEST_CASE("encode: with another vocabulary the words' places are those of the new ids") {
  TaskSpec spec;
  spec.name = "tags";
  spec.head = nn::Predicts::tags;
  spec.labels = text::Labels({"O", "B-x"});
  TaskSet set{{Corpus{}}, {Task{spec, 0, {}, {}}}};
  set.corpora[0].examples[kTrain].push_back({.text = "ab a"});
  const std::vector<std::string> special{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##b"};
  std::vector<std::string> whole = special;
  whole.push_back("ab");
  encode(set, text::WordPiece(special), 16, text::TooLong::cut);
  CHECK(set.tasks[0].targets[kTrain].places == std::vector<Indices>{{1, 3}});
  encode(set, text::WordPiece(whole), 16, text::TooLong::cut);
  CHECK(set.tasks[0].targets[kTrain].places == std::vector<Indices>{{1, 2}});
  set.corpora[0].examples[kTrain][0] = {.text = "a a a a a a", .pair = "ab ab"};
  encode(set, text::WordPiece(whole), 8, text::TooLong::cut);  // [CLS] a a a [SEP] ab ab [SEP]
  CHECK(set.tasks[0].targets[kTrain].places == std::vector<Indices>{{1, 2, 3, -1, -1, -1}});
}

TEST_CASE("weight_in_loss: a text counts once, by its class, or by its words that have a piece") {
  Task task;
  Targets targets;
  targets.classes = {0, 2};
  task.loss_options.class_weights = {real(0.5), 1, 3};
  CHECK(weight_in_loss(task, targets, 0) == 0.5);
  CHECK(weight_in_loss(task, targets, 1) == 3);
  task.spec.head = nn::Predicts::tags;
  targets.tags = {{0, 2, 1}, {2}};
  targets.places = {{1, -1, 2}, {-1}};
  CHECK(weight_in_loss(task, targets, 0) == 1.5);
  CHECK(weight_in_loss(task, targets, 1) == 0);
  task.loss_options.class_weights.clear();
  CHECK(weight_in_loss(task, targets, 0) == 2);
  task.spec.head = nn::Predicts::number;
  CHECK(weight_in_loss(task, targets, 1) == 1);
}
