// Columns that nobody named: what is guessed, what is asked back, and that a model records them.
// Read tasks/spec/columns.h before.
#include "tasks/spec/columns.h"

#include "tasks/model/directory.h"
#include "tests/support/tasks.h"

using namespace spec;
using test::error_of;

namespace {

const char* const kWords[] = {"sehr freundlich und schnell", "leider viel zu laut", "das Zimmer war klein",
                              "gern wieder bei Ihnen",       "nie wieder, danke",   "alles in bester Ordnung"};

// Twelve answers; `more` are further columns with a value for each row.
std::string answers(const std::string& names, const std::function<std::string(int)>& more = nullptr) {
  std::string bytes = names + "\n";
  for (int i = 0; i < 12; ++i)
    bytes += fmt::format("{},\"{} {}\",{}{}\n", 1000 + i, kWords[i % 6], i, 1 + i % 4, more ? "," + more(i) : "");
  return bytes;
}

std::string guessed(const std::string& bytes, Role role, const std::vector<std::string>& taken = {}) {
  return guess_column(text::parse_table(bytes, "s.csv"), role, role == Role::text ? "text" : "label", taken);
}

}  // namespace

TEST_CASE("columns: the only one with texts and the only one with few different values are found") {
  const std::string bytes = answers("Nr,Kommentar,Note");
  CHECK(guessed(bytes, Role::text) == "Kommentar");
  CHECK(guessed(bytes, Role::label) == "Note");
  CHECK(guessed(answers("Nr,,Note"), Role::text) == "2");
  CHECK(guessed(answers("Nr,Note,Note"), Role::label) == "3");
  CHECK(guessed("Frage\nja\nnein\n", Role::text) == "Frage");  // there is no other
  std::string ideographs = "id,\u6587,\u985E\n";
  for (int i = 0; i < 9; ++i) ideographs += fmt::format("{},\u623F\u9593\u5F88\u4E7E\u6DE8{},{}\n", i, i, i % 2);
  CHECK(guessed(ideographs, Role::text) == "\u6587");
}

TEST_CASE("columns: a name that differs in letter case or blanks is taken before one that looks so") {
  const auto second = [](int i) { return fmt::format("noch ein langer Text {}", i); };
  CHECK(guessed(answers("Nr, Text,Note,Mehr", second), Role::text) == " Text");
  CHECK(guessed(answers("Nr,Kommentar,LABEL,Mehr", [](int i) { return i % 2 ? "ja" : "nein"; }), Role::label) ==
        "LABEL");
}

TEST_CASE("columns: none or several are asked back with samples, and what is taken is no candidate") {
  const std::string two =
      answers("Nr,Kommentar,Note,Mehr", [](int i) { return fmt::format("noch ein langer Text {}", i); });
  CHECK(error_of([&] { guessed(two, Role::text); }) ==
        "s.csv: no column 'text', and 2 look like texts; --text-column (in a task file text_column) names one of: Nr "
        "(1000, "
        "1001), Kommentar (sehr freundlich und schn..., leider viel zu laut 1), Note (1, 2), Mehr (noch ein langer "
        "Text 0, "
        "noch ein langer Text 1)");
  CHECK(guessed(two, Role::text, {"Mehr"}) == "Kommentar");
  CHECK(error_of([] {
          guessed("a,b\n1,2\n3,4\n", Role::label);
        }).starts_with("s.csv: no column 'label', and none looks like labels; --label-column"));
}

TEST_CASE("columns: a first row that is data is not taken for names") {
  const std::string bytes = answers("999,so schön war es hier,3");
  CHECK(
      error_of([&] { guessed(bytes, Role::label); }) ==
      "s.csv: no column 'label', and the first row, with '3', looks like data rather than names: --no-header says so");
}

TEST_CASE(
    "columns: those of the training file are the task's, of its dev file too, and the model's directory knows them") {
  const test::TemporaryDirectory dir;
  TaskSpec task;
  task.files.train = {dir.write("train.csv", answers("Nr,Kommentar,Note"))};
  task.files.dev = {dir.write("dev.csv", "Note,Kommentar\n1,gut\n2,schlecht\n")};
  TaskSet set = load_tasks({task}, 1);
  CHECK(set.tasks[0].spec.files.how.text_column == "Kommentar");
  CHECK(set.tasks[0].spec.files.how.label_column == "Note");
  CHECK(set.corpora[0].examples[kDev][1].text == "schlecht");
  TaskSpec spec = set.tasks[0].spec;
  spec.files.how.delimiter = "semicolon";
  spec.queries = 2;
  const auto model = test::text_model(test::small_config("attention_pool"), {spec});
  model->save(dir.path + "/model");
  const DataOptions how = model::ModelDirectory(dir.path + "/model").tasks[0].files.how;
  CHECK(how.text_column == "Kommentar");
  CHECK(how.label_column == "Note");
  CHECK(how.delimiter == "semicolon");
  CHECK(how.pair_column.empty());
}
