// Runs read back, compared, exported and drawn; from directories that the tests write themselves.
#include "tasks/report/compare.h"
#include "tasks/report/errors.h"
#include "tasks/report/html.h"
#include "tasks/report/mlflow.h"
#include "tasks/report/page.h"
#include "tasks/text/markup.h"
#include "tests/support/programs.h"

using namespace test;
namespace fs = std::filesystem;

namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

long times(const std::string& text, const std::string& part) {
  long n = 0;
  for (size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++n;
  return n;
}

// A run of two labels: text i is of class i % 2, and right unless i is in `wrong`; as sure as 0.6 + i / 100.
std::string run_at(const TemporaryDirectory& dir, const std::string& name, const std::vector<int>& wrong,
                   const std::string& options = "lr=0.1\nseed=1\n", int texts = 20) {
  const std::string path = dir.path + "/" + name;
  fs::create_directories(path);
  std::string log, said;
  for (int step = 1; step <= 6; ++step) {
    log += fmt::format("{{\"step\":{0},\"epoch\":{1},\"loss\":{2},\"lr\":0.1,\"grad_norm\":null}}\n", step, step / 3.,
                       1. / step);
    if (step % 3 == 0)
      log += fmt::format("{{\"step\":{},\"epoch\":1,\"dev\":{{\"accuracy\":{}}}}}\n", step, step / 10.);
  }
  for (int i = 0; i < texts; ++i) {
    const bool right = std::find(wrong.begin(), wrong.end(), i) == wrong.end();
    const double p = 0.6 + i / 100., up = (i % 2 == 1) == right ? p : 1 - p;
    said += fmt::format(
        "{{\"where\":\"d.tsv:{0}\",\"text\":\"text <{0}>\",\"label\":\"{1}\",\"predicted\":\"{2}\","
        "\"scores\":{{\"down\":{3:.4f},\"up\":{4:.4f}}}}}\n",
        i + 2, i % 2 ? "up" : "down", (i % 2 == 1) == right ? "up" : "down", 1 - up, up);
  }
  std::ofstream(path + "/options.ini") << "# run 00000000000000" << name << "\n" << options;
  std::ofstream(path + "/log.jsonl") << log << "{\"step\":7,\"lo";  // a line that is being written
  std::ofstream(path + "/predictions.jsonl") << said;
  std::ofstream(path + "/result.json") << R"({"accuracy":0.5,"report":{"x":{"f1":1}},"best_dev":{"f":0.25}})";
  std::ofstream(path + "/cost.json") << R"({"steps":6,"seconds":2.5,"machine":"none","step_ms_median":3.5})";
  return path;
}

}  // namespace

TEST_CASE("report: a run is read back: settings, curves by their names, figures, predictions") {
  const TemporaryDirectory dir;
  const report::RunFiles run = report::read_run(run_at(dir, "a", {3}, "lr=0.1\nfreeze=x.*\nfreeze=y\nno-shuffle\n"));
  CHECK(run.name == "a");
  CHECK(run.id == "00000000000000a");
  CHECK(run.setting("freeze") == "x.*, y");
  CHECK(run.setting("no-shuffle") == "yes");
  std::vector<std::string> names;
  for (const report::Curve& c : run.curves) names.push_back(c.name);
  CHECK(names == std::vector<std::string>{"train/loss", "train/lr", "dev/accuracy"});
  REQUIRE(run.curve("dev/accuracy"));
  CHECK(run.curve("dev/accuracy")->points[1].step == 6);
  CHECK(run.curve("dev/accuracy")->points[1].value == 0.6);
  REQUIRE(run.predictions);
  CHECK(run.predictions->labels == std::vector<std::string>{"down", "up"});
  CHECK(run.predictions->right() == [] {
    std::vector<bool> right(20, true);
    right[3] = false;
    return right;
  }());
}

TEST_CASE("report: what is no run, or a damaged one, is one clear line with file and line") {
  const TemporaryDirectory dir;
  const std::string path = run_at(dir, "a", {});
  const auto said = [&] { return error_of([&] { report::read_run(path); }); };
  CHECK(error_of([&] { report::read_run(dir.path + "/none"); }) == dir.path + "/none: there is no such directory");
  CHECK(error_of([&] { report::read_run(dir.path); }).find("not the directory of a run") != std::string::npos);
  CHECK(error_of([&] { report::read_runs({path, path + "/"}); }) == path + ": named twice");
  std::ofstream(path + "/log.jsonl") << "{\"step\":1,\"loss\":1}\nnonsense\n";
  CHECK(said().starts_with(path + "/log.jsonl:2: not JSON: "));
  std::ofstream(path + "/log.jsonl") << "{\"loss\":1}\n";
  CHECK(said() == path + "/log.jsonl:1: has no step");
  std::ofstream(path + "/log.jsonl") << "";
  std::ofstream(path + "/predictions.jsonl") << R"({"text":"x","label":"a","predicted":"b","scores":{"a":0.1,"c":0.9}})"
                                             << "\n";
  CHECK(said() == path + "/predictions.jsonl:1: 'b' has no score");
  std::ofstream(path + "/predictions.jsonl") << R"({"text":"x","label":"a"})"
                                             << "\n";
  CHECK(said() == path + "/predictions.jsonl:1: has no scores");
  fs::remove(path + "/predictions.jsonl");
  std::ofstream(path + "/result.json") << "[";
  CHECK(said().starts_with(path + "/result.json: not JSON: "));
}

TEST_CASE("report: runs of one name in different folders are told apart by their paths") {
  const TemporaryDirectory dir;
  const std::string a = run_at(dir, "x/last", {}), b = run_at(dir, "y/last", {}), c = run_at(dir, "other", {});
  const std::vector<report::RunFiles> runs = report::read_runs({a, b, c});
  CHECK(runs[0].name == a);
  CHECK(runs[1].name == b);
  CHECK(runs[2].name == "other");
}

TEST_CASE("report: two runs on the same texts: the gain, its interval around it, McNemar's counts") {
  const TemporaryDirectory dir;
  const report::RunFiles bad = report::read_run(run_at(dir, "a", {0, 1, 2, 3, 4, 5, 6, 7, 8})),
                         good = report::read_run(run_at(dir, "b", {8, 9}));
  const report::Comparison c = report::compare(bad, good, 400);
  REQUIRE(c.impossible == "");
  CHECK(c.only_first == 1);   // text 9
  CHECK(c.only_second == 8);  // 0 to 7
  CHECK(c.mcnemar.exact_p == doctest::Approx(2 * (1 + 9) / 512.));
  REQUIRE(c.gains.size() == 2);
  CHECK(c.gains[0].second - c.gains[0].first == doctest::Approx(7 / 20.));
  for (const report::Gain& gain : c.gains) {
    CHECK(gain.bootstrap.difference == doctest::Approx(gain.second - gain.first));
    CHECK(gain.bootstrap.interval.low < gain.second - gain.first);
    CHECK(gain.bootstrap.interval.high > gain.second - gain.first);
    CHECK(gain.bootstrap.interval.low > 0);
    CHECK(gain.bootstrap.two_sided < 0.05);
  }
  const report::Comparison same = report::compare(good, good, 100);
  CHECK(same.gains[1].bootstrap.two_sided == 1);
  CHECK(same.mcnemar.exact_p == 1);
}

TEST_CASE("report: runs that cannot be compared say why") {
  const TemporaryDirectory dir;
  const report::RunFiles a = report::read_run(run_at(dir, "a", {}));
  report::RunFiles b = a;
  b.predictions->rows[4].text += "!";
  CHECK(report::compare(a, b, 10).impossible == "they were measured on different texts");
  b = a;
  b.predictions->rows[4].label = 1;
  CHECK(report::compare(a, b, 10).impossible == "their texts have different labels");
  b = a;
  b.predictions->labels[0] = "other";
  CHECK(report::compare(a, b, 10).impossible == "they have different labels");
  b.predictions.reset();
  CHECK(report::compare(a, b, 10).impossible == "a has no predictions.jsonl");
  fs::create_directories(dir.path + "/b/predictions");
  std::ofstream(dir.path + "/b/options.ini") << "lr=1\n";
  for (const char* task : {"mood", "topic"}) std::ofstream(dir.path + "/b/predictions/" + task + ".jsonl") << "";
  CHECK(report::compare(report::read_run(dir.path + "/b"), a, 10).impossible ==
        "b has several tasks; --task names one of mood, topic");
}

TEST_CASE("report: runs whose labels stand in another order are compared by the labels' names") {
  const TemporaryDirectory dir;
  const report::RunFiles a = report::read_run(run_at(dir, "a", {0, 1, 2})),
                         b = report::read_run(run_at(dir, "b", {2, 5}));
  report::RunFiles other = b;
  std::swap(other.predictions->labels[0], other.predictions->labels[1]);
  for (report::Prediction& p : other.predictions->rows) p.label = 1 - p.label, p.predicted = 1 - p.predicted;
  const report::Comparison want = report::compare(a, b, 50), got = report::compare(a, other, 50);
  REQUIRE(got.impossible == "");
  CHECK(got.only_first == want.only_first);
  CHECK(got.only_second == want.only_second);
  CHECK(got.gains[1].second == want.gains[1].second);
  CHECK(got.gains[1].bootstrap.two_sided == want.gains[1].bootstrap.two_sided);
}

TEST_CASE("report: the worst errors are the wrong ones, the surest first, of numbers those furthest off") {
  const TemporaryDirectory dir;
  report::Predictions p = *report::read_run(run_at(dir, "a", {2, 15, 7})).predictions;
  CHECK(report::worst(p, 10) == std::vector<size_t>{15, 7, 2});
  CHECK(report::worst(p, 2) == std::vector<size_t>{15, 7});
  p.labels.clear();
  p.rows.resize(3);
  p.rows[0].number = 1, p.rows[1].number = -4, p.rows[2].predicted_number = 2;
  CHECK(report::worst(p, 2) == std::vector<size_t>{1, 2});
}

TEST_CASE("report: the page has the numbers, every drawing its table, and nothing of a text becomes markup") {
  const TemporaryDirectory dir;
  const std::vector<report::RunFiles> runs =
      report::read_runs({run_at(dir, "a", {1, 3}), run_at(dir, "b<i>", {1}, "lr=0.2\nseed=1\nname=a&b\n")});
  const std::string page = report::page_of(runs, {});
  CHECK(has(page, "<tr><th scope=row>lr</th><td class=n>0.1</td><td class=n>0.2</td></tr>"));
  CHECK(has(page, "text &lt;3&gt;"));
  CHECK(has(page, "b&lt;i&gt;"));
  CHECK(!has(page, "b<i>"));
  CHECK(has(page, "a&amp;b"));
  CHECK(has(page, "Where the model looked is not known: "));  // there is no best/
  CHECK(has(page, "<th scope=row>down</th><td class=n style=\"background:rgba(var(--cool),0.35)\">10</td>"));
  const auto count = [&](const std::string& what) { return times(page, what); };
  CHECK(count("<figure>") == 3 + 2);  // loss, lr, accuracy; two reliability diagrams
  CHECK(count("role=img aria-label=") == count("<figure>"));
  CHECK(count("<details><summary>as numbers</summary>") == count("<figure>"));
  CHECK(count("<script") == 0);
  CHECK(count("http") == 0);
  CHECK(count("seed") == 1);  // no difference: in the table of all settings only
}

TEST_CASE("report: a page that would be too large is made smaller, or refused") {
  const TemporaryDirectory dir;
  const std::vector<report::RunFiles> runs = report::read_runs({run_at(dir, "a", {1, 3, 5, 7, 9, 11, 13, 15})});
  const size_t whole = report::page_of(runs, {}).size();
  CHECK(report::page_of(runs, {.bytes = long(whole) - 1}).size() < whole);
  CHECK(error_of([&] { report::page_of(runs, {.bytes = 100}); }).ends_with(" bytes, more than 100"));
  const std::vector<report::RunFiles> two = report::read_runs({runs[0].path, run_at(dir, "b", {})});
  CHECK(error_of([&] { report::page_of(two, {.bytes = 100}); }).ends_with("more than 100: name fewer runs"));
}

TEST_CASE("report: curves are averaged before errors are left out, and without errors, too") {
  const TemporaryDirectory dir;
  std::vector<report::RunFiles> runs = report::read_runs({run_at(dir, "a", {1, 3, 5, 7})});
  runs[0].curves = {{"train/loss", {}}};
  for (int step = 1; step <= 3000; ++step) runs[0].curves[0].points.push_back({double(step), 1. / step});
  for (const long errors : {0L, 4L}) {
    const size_t whole = report::page_of(runs, {.errors = errors}).size();
    const std::string page = report::page_of(runs, {.errors = errors, .bytes = long(whole) - 20000});
    CHECK(page.size() < whole - 20000);
    CHECK(times(page, "<li><strong>") == errors);
  }
}

TEST_CASE("report: long curves are averaged, and numbers are short") {
  report::Line line{"a", {}, {}, 0};
  for (int i = 0; i < 1000; ++i) line.x.push_back(i), line.y.push_back(i % 2);
  const std::string chart = report::line_chart("t", "step", {line}, 10);
  const size_t at = chart.find("points=\"");
  CHECK(std::count(chart.begin() + long(at), chart.begin() + long(chart.find('"', at + 8)), ',') == 10);
  CHECK(report::number(1234567) == "1,234,567");
  CHECK(report::number(-1000) == "-1,000");
  CHECK(report::number(0.5) == "0.5000");
  CHECK(report::number(1.25e-5) == "1.25e-05");
  CHECK(text::escaped_markup("<a b=\"c\">\x01&'\xff") == "&lt;a b=&quot;c&quot;&gt; &amp;&#39;\xEF\xBF\xBD");
}

TEST_CASE("report: a curve whose means differ in their last digits is a flat line with a few marks") {
  report::Line line{"a", {}, {}, 0};
  for (int i = 0; i < 1001; ++i) line.x.push_back(i), line.y.push_back(0.1);
  for (const double last : {0.1, 0.1 + 2e-17, 0.1 + 2e-15, 0.1 + 2e-12}) {
    line.y.back() = last;
    for (const size_t most : {300, 2000}) {
      const long marks = times(report::line_chart("lr", "step", {line}, most), "<line class=axis");
      CHECK_MESSAGE((marks >= 3 && marks <= 6), last, ": ", marks);
    }
  }
}

TEST_CASE("report: MLflow's folders have every setting, every point and the state; exported twice they are the same") {
  const TemporaryDirectory dir;
  const std::string root = dir.path + "/mlruns";
  const report::RunFiles run = report::read_run(run_at(dir, "a", {1}, "lr=0.1\nname=" + std::string(600, 'x') + "\n"));
  const std::string folder = report::export_to_mlflow(run, root, "it's mine");
  const std::string experiment = fs::path(folder).parent_path().filename();
  CHECK(fs::path(folder).filename().string().size() == 32);
  CHECK(has(nn::read_file(root + "/" + experiment + "/meta.yaml"), "name: 'it''s mine'\n"));
  CHECK(has(nn::read_file(root + "/" + experiment + "/meta.yaml"), "experiment_id: '" + experiment + "'\n"));
  CHECK(nn::read_file(folder + "/params/lr") == "0.1");
  CHECK(nn::read_file(folder + "/params/name").size() == 500);
  CHECK(nn::read_file(folder + "/tags/mlflow.runName") == "a");
  CHECK(fs::exists(folder + "/artifacts/options.ini"));
  std::istringstream lines(nn::read_file(folder + "/metrics/train/loss"));
  long ms = 0, before = 0, step = 0, count = 0;
  for (double value = 0; lines >> ms >> value >> step; ++count, before = ms) {
    CHECK(step == count + 1);
    CHECK(value == doctest::Approx(1. / double(step)));
    CHECK(ms > before);
  }
  CHECK(count == 6);
  CHECK(has(nn::read_file(folder + "/metrics/result/accuracy"), " 0.5 6\n"));
  CHECK(has(nn::read_file(folder + "/metrics/result/report/x/f1"), " 1 6\n"));
  CHECK(has(nn::read_file(folder + "/metrics/result/best_dev/f"), " 0.25 6\n"));
  const std::string meta = nn::read_file(folder + "/meta.yaml");
  CHECK(has(meta, "status: 3\n"));
  CHECK(has(meta, "run_id: '" + fs::path(folder).filename().string() + "'\n"));
  CHECK(report::export_to_mlflow(run, root, "it's mine") == folder);
  CHECK(nn::read_file(folder + "/meta.yaml") == meta);
  CHECK(report::export_to_mlflow(run, root, "another") != folder);
  std::ofstream(dir.path + "/file") << "";
  CHECK(has(error_of([&] { report::export_to_mlflow(run, dir.path + "/file", "x"); }), "cannot be written"));
}

TEST_CASE(
    "report: classes become folders of MLflow whatever they are called, each its own, none outside of the run's") {
  const TemporaryDirectory dir;
  const std::string path = run_at(dir, "a", {});
  std::ofstream(path + "/result.json")
      << R"({"report":{"..":{"f1":0.1},"a/b":{"f1":0.2},"":{"f1":0.3},"gut!":{"f1":0.4},"a_b":{"f1":0.8},"gut?":{"f1":0.9},)"
      << R"("好":{"f1":0.5},"坏":{"f1":0.6},")" << std::string(300, 'x') << R"(":{"f1":0.7}}})";
  const std::string folder = report::export_to_mlflow(report::read_run(path), dir.path + "/mlruns", "x") + "/metrics/";
  const std::pair<std::string, std::string> wanted[] = {
      {"_..", "0.1"},  {"a_b_2", "0.2"}, {"_", "0.3"},
      {"gut_", "0.4"}, {"a_b", "0.8"},   {"gut__2", "0.9"},
      {"好", "0.5"},   {"坏", "0.6"},    {std::string(60, 'x'), "0.7"}};
  for (const auto& [name, value] : wanted)
    CHECK_MESSAGE(has(nn::read_file(folder + "result/report/" + name + "/f1"), " " + value + " 6\n"), name);
}

TEST_CASE("report: a parameter of MLflow is one line, and is cut between characters") {
  const TemporaryDirectory dir;
  std::string many;
  for (int i = 0; i < 600; ++i) many += "ü";
  const std::string path = run_at(dir, "a", {}, "x=\"one\\ntwo\\r\\nthree \\u2028 four\"\ny=" + many + "\n");
  const std::string folder = report::export_to_mlflow(report::read_run(path), dir.path + "/mlruns", "x") + "/params/";
  CHECK(nn::read_file(folder + "x") == "one two  three   four");
  CHECK(nn::read_file(folder + "y") == many.substr(0, 1000));
}
