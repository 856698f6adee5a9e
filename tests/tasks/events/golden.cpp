// Whole event files against those of TensorBoard's own writers, byte for byte: the same values, the same times.
#include "tasks/events/summary.h"
#include "tests/support/event_files.h"
#include "tests/support/golden_json.h"

namespace test {
namespace {

using events::Proto;

const json& inputs() { return golden_json("events/expected.json")["inputs"]; }

// The one event file of a run.
std::string event_file(const std::string& run) {
  const std::vector<std::string> files = events::event_files(golden_path("events/" + run));
  REQUIRE_MESSAGE(files.size() == 1, run);
  return files[0];
}

// A golden file, and one of ours that grows beside it: the times, which no test can know, are taken from there.
class Beside {
 public:
  explicit Beside(const std::string& name) : name_(name), golden_(nn::read_file(event_file(name))) {
    for (const std::string& data : records_of(golden_)) walls_.push_back(event_of(data).wall);
    ours_ = events::record(events::version_event(walls_.at(0), "tensorboard.summary.writer.event_file_writer"));
  }
  void add(long step, const Proto& value) {
    const std::string record = events::record(events::summary_event(walls_.at(next_++), step, {value}));
    CHECK_MESSAGE(golden_.substr(ours_.size(), record.size()) == record, name_, ": event ", next_ - 1, " at byte ",
                  ours_.size());
    ours_ += record;
  }
  double wall() const { return walls_.at(next_); }
  ~Beside() { CHECK_MESSAGE(ours_ == golden_, name_); }

 private:
  std::string name_, golden_, ours_;
  std::vector<double> walls_;
  size_t next_ = 1;
};

}  // namespace

TEST_CASE("events golden: scalars are TensorBoard's bytes, a step beyond 2^40 and a tag in German among them") {
  Beside file("run");
  const std::vector<float> loss = inputs()["scalars"]["train/loss"], accuracy = inputs()["scalars"]["dev/accuracy"];
  for (size_t i = 0; i < loss.size(); ++i) file.add(long(i), events::scalar("train/loss", loss[i]));
  for (size_t i = 0; i < accuracy.size(); ++i)
    file.add(3 * long(i), events::scalar("dev/accuracy", accuracy[i], "share of *right* answers"));
  file.add(1099511627779, events::scalar("gr\xC3\xB6\xC3\x9F"
                                         "e",
                                         -0.0f));
}

TEST_CASE("events golden: histograms of ordinary, equal, single, absent and whole values") {
  Beside file("histograms");
  long step = 0;
  for (const char* name : {"weights", "equal", "single", "empty", "integers", "edges"}) {
    const std::vector<double> values = inputs()["histograms"][name];
    for (const int k : {30, 4, 1})
      file.add(step, events::histogram(fmt::format("{}/{}", name, k),
                                       events::bins_of(values.data(), long(values.size()), k)));
    ++step;
  }
}

TEST_CASE("events golden: texts, with a description, as a table and empty") {
  Beside file("text");
  file.add(0, events::text("note", "a *plain* line"));
  file.add(5, events::text("note",
                           "gr\xC3\xB6\xC3\x9F"
                           "er \xE2\x80\x94 \xE4\xBD\xA0\xE5\xA5\xBD\n\n"
                           "| a | b |\n|---|---|\n| 1 | 2 |",
                           "markdown"));
  file.add(6, events::table("table", {{"name", "value"}, {"lr", "0.001"}}));
  file.add(7, events::text("empty", ""));
}

TEST_CASE("events golden: curves of precision and recall, with probabilities 0 and 1 and without a positive") {
  Beside file("pr_curves");
  long step = 0;
  for (const char* name : {"ordinary", "edges", "no_positive"}) {
    const json& of = inputs()["pr_curves"][name];
    for (const int T : {11, 3, 201})
      file.add(step, events::pr_curve(fmt::format("{}_{}", name, T), of["predictions"], flags(of["labels"]), T));
    ++step;
  }
}

TEST_CASE("events golden: a search: the experiment in the root, beginnings and ends of its runs") {
  using events::HParam;
  using events::Metric;
  {
    Beside root("search");
    root.add(0, events::experiment(root.wall(),
                                   {{"lr", "learning rate", HParam::Type::number, {}, {{1e-5, 0.1}}},
                                    {"layers", "", HParam::Type::number, {}, {{1, 6}}},
                                    {"act", "", HParam::Type::text, {std::string("gelu"), std::string("relu")}},
                                    {"bias", "", HParam::Type::truth, {false, true}},
                                    {"seed"}},
                                   {{"dev/accuracy", "accuracy", "on the development set", Metric::Of::validation},
                                    {"train/loss", "", "", Metric::Of::training}}));
  }
  const auto text = [](const char* t) { return events::Setting(std::string(t)); };
  const auto run = [](const char* name, const char* group,
                      const std::vector<std::pair<std::string, events::Setting>>& settings, float accuracy, float loss,
                      std::optional<events::Status> status) {
    Beside file(name);
    file.add(0, events::session_begins(file.wall(), settings, group));
    file.add(10, events::scalar("dev/accuracy", accuracy));
    file.add(10, events::scalar("train/loss", loss));
    if (status) file.add(0, events::session_ends(file.wall(), *status));
  };
  run("search/run0", "trial 0", {{"act", text("gelu")}, {"bias", true}, {"layers", 3.0}, {"seed", 7.0}, {"lr", 1e-3}},
      0.5f, 1.5f, events::Status::success);
  run("search/run1", "trial 1", {{"seed", 8.0}, {"bias", false}, {"act", text("relu")}, {"layers", 1.0}, {"lr", 0.03}},
      0.6f, 1.3f, events::Status::failure);
  run("search/run2", "trial 2", {{"act", text("relu")}, {"lr", 1e-5}}, 0.7f, 1.1f, std::nullopt);
}

TEST_CASE("events golden: a file whose last record is cut is read up to there") {
  const size_t whole = golden_json("events/expected.json")["torn"]["whole_records"];
  CHECK(events_of(event_file("torn")).size() == whole);
}

}  // namespace test
