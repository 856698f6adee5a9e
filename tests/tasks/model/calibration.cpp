// What a directory keeps of a classifier's certainty: that it is used, that it is what it says, and that a file that is
// wrong is refused.
#include "tasks/model/calibration.h"

#include <cmath>

#include "nn/format/files.h"
#include "tasks/model/directory.h"
#include "tasks/model/predict.h"
#include "tasks/score/calibration.h"
#include "tests/support/golden_json.h"
#include "tests/support/tasks.h"

using namespace test;
using model::Calibration;
using nn::Predicts;

namespace {

const std::vector<std::string> kMoods{"bad", "good", "dull"};

// Logits that are sharper than they should be: the class is drawn by softmax(x), the model says 3 x.
struct TooSure {
  Tensor logits;
  std::vector<int> classes;
};
TooSure drawn(long n, uint64_t seed) {
  TooSure d{Tensor({n, 3}), {}};
  uint64_t state = seed;
  const auto uniform = [&] {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return double(state >> 33) / double(1u << 31);
  };
  for (long i = 0; i < n; ++i) {
    double e[3], sum = 0;
    for (int k = 0; k < 3; ++k) {
      const double x = 4 * uniform() - 2;
      d.logits.data()[3 * i + k] = real(3 * x);
      sum += e[k] = std::exp(x);
    }
    double u = uniform() * sum;
    int c = 0;
    while (c < 2 && u > e[c]) u -= e[c++];
    d.classes.push_back(c);
  }
  return d;
}

Calibration known(double temperature) {
  Calibration c{3, temperature, {}};
  c.texts = {{0, 0.75, 0.75}, {1, 0.25, 0.5}, {2, 0.625, 0.625}};
  return c;
}

text::EncodedSet texts_for(const model::TextModel& model) {
  return text::encode({{.text = "a warm room"}, {.text = "cold soup"}}, model.tokenizer, 16, text::TooLong::cut);
}

}  // namespace

TEST_CASE(
    "calibration: what was too sure by a factor gets it as its temperature, and is then as good as a perfect model") {
  const TooSure dev = drawn(4000, 1), test = drawn(2000, 2);
  const Calibration c = model::calibration_of(dev.logits, dev.classes);
  CHECK(c.temperature == doctest::Approx(3).epsilon(0.05));
  const auto certainty = [&](double T) {
    const Tensor p = model::calibrated(test.logits, T);
    std::vector<std::vector<double>> rows;
    for (long i = 0; i < p.dim(0); ++i) rows.emplace_back(p.data() + 3 * i, p.data() + 3 * i + 3);
    return model::certainty_of(rows, test.classes);
  };
  CHECK(certainty(1).ece > 0.2);
  CHECK(certainty(c.temperature).ece < 1.7 * certainty(c.temperature).ece_of_a_perfect_model);
  CHECK(certainty(c.temperature).brier < certainty(1).brier);
}

TEST_CASE("calibration: of few texts, or few mistakes, the temperature is left at 1") {
  const TooSure few = drawn(29, 3);
  CHECK(model::calibration_of(few.logits, few.classes).temperature == 1);
  TooSure right = drawn(200, 4);
  for (long i = 0; i < 200; ++i)
    right.classes[size_t(i)] = int(std::max_element(right.logits.data() + 3 * i, right.logits.data() + 3 * i + 3) -
                                   right.logits.data() - 3 * i);
  CHECK(model::calibration_of(right.logits, right.classes).temperature == 1);
}

TEST_CASE("calibration: sets hold the class as often as promised, by class of each class's texts") {
  for (const double coverage : {0.8, 0.9, 0.95}) {
    double all = 0, of_class[3] = {}, n_of_class[3] = {};
    const int draws = 100;
    for (int draw = 0; draw < draws; ++draw) {
      const TooSure dev = drawn(300, uint64_t(10 + draw)), test = drawn(300, uint64_t(1000 + draw));
      const Calibration c = model::calibration_of(dev.logits, dev.classes);
      const double q = c.threshold(coverage);
      const std::vector<double> by_class = c.thresholds_by_class(coverage);
      const Tensor p = model::calibrated(test.logits, c.temperature);
      for (size_t i = 0; i < test.classes.size(); ++i) {
        const int y = test.classes[i];
        const double strange = 1 - double(p.data()[3 * long(i) + y]);
        all += strange <= q;
        of_class[y] += strange <= by_class[size_t(y)];
        ++n_of_class[y];
      }
    }
    const double n = 300. * draws;
    // Beta of the calibration draws and binomial of the texts: about 4 standard errors either side
    CHECK(std::abs(all / n - coverage - 0.5 / 301) < 4 * std::sqrt(2 * coverage * (1 - coverage) / n) + 0.5 / 301);
    for (int c = 0; c < 3; ++c)
      CHECK(std::abs(of_class[c] / n_of_class[c] - coverage) <
            4 * std::sqrt(2 * coverage * (1 - coverage) / n_of_class[c]) + 1. / 80);
  }
}

TEST_CASE("golden: thresholds of sets are those of calibration.json, all together and by class") {
  const json all = golden_json("calibration.json")["conformal"];
  std::vector<std::vector<double>> logits = all["calibration_logits"];
  const std::vector<int> labels = all["calibration_labels"];
  Calibration c{int(logits[0].size()), 1, {}};
  for (size_t i = 0; i < labels.size(); ++i) {
    double sum = 0, largest = 0;
    for (const double x : logits[i]) sum += std::exp(x);
    for (const double x : logits[i]) largest = std::max(largest, std::exp(x) / sum);
    c.texts.push_back({labels[i], std::exp(logits[i][size_t(labels[i])]) / sum, largest});
  }
  int compared = 0;
  for (const json& run : all["runs"]) {
    const std::string by = run.value("mondrian", "");
    if (run["score"] != "lac" || by == "by group") continue;
    const double coverage = 1 - run["alpha"].get<double>();
    const std::vector<double> got = by.empty() ? std::vector{c.threshold(coverage)} : c.thresholds_by_class(coverage);
    expect_all(got, by.empty() ? json{run["threshold"]} : run["threshold"], by + run["alpha"].dump());
    ++compared;
  }
  CHECK(compared >= 4);
}

TEST_CASE("calibration: a wanted accuracy is reached by refusing no more than it takes, or by nothing") {
  Calibration c{2, 1, {}};
  c.texts = {{0, 0.9, 0.9}, {1, 0.2, 0.8}, {0, 0.75, 0.75}, {1, 0.75, 0.75}, {0, 0.4, 0.6}};  // right: y n y y n
  const Calibration::Refusal r = c.refusal(0.75);
  CHECK(r.threshold == 0.75);
  CHECK(r.coverage == doctest::Approx(0.8));
  CHECK(r.accuracy == doctest::Approx(0.75));
  CHECK(c.refusal(0.8).coverage == doctest::Approx(0.2));  // of the block at 0.75 both or none: 3 of 4 with it
  CHECK(c.refusal(0.5).coverage == 1);
  c.texts[0].own = 0.1;
  CHECK(c.refusal(0.99).coverage == 0);
  CHECK(error_of([&] { c.refusal(1); }) == "a wanted accuracy must lie between 0 and 1; got 1");
  CHECK(error_of([&] { c.threshold(0); }) == "the coverage of sets must lie between 0 and 1; got 0");
}

TEST_CASE("calibration: of classes that are equally probable the first is said, so that one behind it is a mistake") {
  const Tensor logits({3, 2}, std::vector<real>{0, 0, 0, 0, 2, 0});
  const Calibration c = model::calibration_of(logits, {0, 1, 0});
  CHECK(c.texts[0].own == c.texts[0].largest);
  CHECK(c.texts[1].own < c.texts[1].largest);
  CHECK(c.texts[1].own == doctest::Approx(0.5));
  CHECK(c.refusal(0.6).accuracy == doctest::Approx(2 / 3.));
}

TEST_CASE("calibration: a directory keeps it to the last bit, predictions use it, logits and rank do not change") {
  const TemporaryDirectory dir;
  const auto model =
      text_model(small_config(), {task_of("mood", Predicts::label, kMoods), task_of("x", Predicts::number)});
  model->save(dir.path);
  CHECK(!std::filesystem::exists(dir.path + "/calibration.json"));
  const model::Outputs raw = model::predict(*model, texts_for(*model))[0];
  model->calibrations[0] = known(2);
  model->save(dir.path);
  const auto again = model::load_model(model::ModelDirectory(dir.path));
  REQUIRE(again->calibrations[0]);
  CHECK(!again->calibrations[1]);
  CHECK(again->calibrations[0]->temperature == 2);
  CHECK(again->calibrations[0]->texts[2].own == 0.625);
  const model::Outputs flatter = model::predict(*again, texts_for(*again))[0];
  for (size_t i = 0; i < raw.scores.size(); ++i) {
    double sum = 0;
    for (const double p : raw.scores[i]) sum += std::sqrt(p);
    for (size_t k = 0; k < 3; ++k)
      CHECK(flatter.scores[i][k] == doctest::Approx(std::sqrt(raw.scores[i][k]) / sum).epsilon(1e-5));
    CHECK(flatter.best_of(i) == raw.best_of(i));
  }
  model->calibrations.assign(2, {});
  model->save(dir.path);  // other weights, perhaps: what was known is gone
  CHECK(!model::load_model(model::ModelDirectory(dir.path))->calibrations[0]);
}

TEST_CASE("calibration: a file of another format, model or kind is refused in one line") {
  const TemporaryDirectory dir;
  const auto model = text_model(small_config(), {task_of("mood", Predicts::label, kMoods)});
  model->calibrations[0] = known(2);
  model->save(dir.path);
  const std::string path = dir.path + "/calibration.json", good = nn::read_file(path);
  const auto refused = [&](const std::string& from, const std::string& to) {
    std::string bad = good;
    REQUIRE(bad.find(from) != std::string::npos);
    dir.write("calibration.json", bad.replace(bad.find(from), from.size(), to));
    const std::string error = error_of([&] { model::read_calibrations(dir.path, *model); });
    CHECK_MESSAGE(error.find(path) == 0, error);
    return error.substr(std::min(error.size(), path.size()));
  };
  CHECK(refused("\"format\":1", "\"format\":2") == ": format 2; this program reads 1");
  CHECK(refused("mood", "mod") == ": heads.mod: the model has no such head");
  CHECK(refused("dull", "fine").find("not the classes of the model") != std::string::npos);
  CHECK(refused("\"temperature\":2.0", "\"temperature\":0") ==
        ": heads.mood.temperature: must be a number from 0.001 to 1000");
  CHECK(refused("0.625", "0.7").find("0 <= own <= largest <= 1") != std::string::npos);
  CHECK(refused("[0,1,2]", "[0,1,3]").find("a label is one of 3 classes") != std::string::npos);
  CHECK(refused("[0,1,2]", "[0,1]").find("must be of one length") != std::string::npos);
  CHECK(refused("{", "[").find("calibration.json") == std::string::npos);
}
