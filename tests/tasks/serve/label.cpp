// /ui/label: a file of texts in, the same with labels out. Read tests/tasks/serve/service.h first.
#include "tests/tasks/serve/service.h"

using namespace test;

namespace {

// A model that was made in some way, beside one that was not.
struct Made {
  TemporaryDirectory dir;
  std::unique_ptr<Running> running;

  explicit Made(const std::function<void(model::TextModel&)>& make) {
    const auto model = text_model(letters_config(), {task_of("", nn::Predicts::label)}, 7);
    serve::ServiceOptions o;
    o.models = {dir.path + "/mood"};
    make(*model);
    model->save(o.models[0]);
    running = std::make_unique<Running>(o);
    running->service.load();
  }
  // What /predict says of a text or a pair, as the two cells of its row.
  std::string cells(const json& inputs) const {
    const json best = running->answer("/predict", {{"inputs", inputs}})[0];
    return fmt::format("{},{:.4f}\r\n", best["label"].get<std::string>(), best["score"].get<double>());
  }
  httplib::Result label(const std::string& csv, const std::string& query = "") const {
    return running->post("/ui/label" + query, csv, "text/csv");
  }
};

const std::string kLong = "abc " + std::string(60, 'x') + " de fgh qrstuv mnop ijkl uvwz bcde yahu ofor";

}  // namespace

TEST_CASE("serve: a file's long texts are read through windows where the model was made so, and cut, not refused") {
  std::string cut;
  for (const std::string how : {"cut", "window", "error"}) {
    const Made made([&](model::TextModel& m) { m.reading.too_long = how; });
    const auto csv = made.label("text\n" + kLong + "\n");
    CAPTURE(how);
    CAPTURE(csv->body);
    REQUIRE(csv->status == 200);
    if (how != "error") CHECK(csv->body == "text,label,score\r\n" + kLong + "," + made.cells(kLong));
    CHECK((csv->body == cut) == (how == "error"));
    if (how == "cut") cut = csv->body;
  }
}

TEST_CASE("serve: a file is read by the columns, the delimiter and the header that the model was made with") {
  const Made made([](model::TextModel& m) {
    spec::DataOptions& how = m.tasks[0].files.how;
    how.text_column = "said", how.pair_column = "answer", how.delimiter = "semicolon";
  });
  const auto csv = made.label("text;answer;said\nq;xyz, z;abc\nq;w;\n");
  REQUIRE(csv->status == 200);
  CHECK(csv->body ==
        "text,answer,said,label,score\r\nq,\"xyz, z\",abc," + made.cells({"abc", "xyz, z"}) + "q,w,,,\r\n");
  CHECK(made.label("text;answer\nq;w\n", "?column=text")->body ==
        "text,answer,label,score\r\nq,w," + made.cells({"q", "w"}));
  const auto refused = made.label("said,text\na,b\n");
  CHECK(refused->status == 422);
  CHECK(refused->body.find("answer") != std::string::npos);
  const Made bare(
      [](model::TextModel& m) { m.tasks[0].files.how.text_column = "2", m.tasks[0].files.how.no_header = true; });
  CHECK(bare.label("1,abc\n")->body == "1,2,label,score\r\n1,abc," + bare.cells("abc"));
}
