// The parts of multitask that need no model: sampling, its draws in halves and groups, delta_m.
#include <cmath>
#include <numeric>

#include "nn/format/files.h"
#include "tasks/multitask/report.h"
#include "tasks/multitask/sampling.h"
#include "tasks/objective/several.h"
#include "tests/support/support.h"

using namespace test;
using namespace multitask;

namespace {

// How often each task had examples in the first `steps` steps, as shares.
std::vector<double> shares_of(Sampler& sampler, long steps) {
  std::vector<double> seen;
  sampler.at(steps - 1);
  for (long n : sampler.seen()) seen.push_back(double(n));
  const double sum = std::accumulate(seen.begin(), seen.end(), 0.);
  for (double& n : seen) n /= sum;
  return seen;
}

}  // namespace

TEST_CASE("sampling: the shares of every way, and the same steps whoever asks") {
  const std::vector<long> sizes{900, 100};
  const auto sampler = [&](const std::string& kind, const std::string& batches, double epochs = 4) {
    return Sampler({.kind = kind, .temperature = 2, .batches = batches, .batch_size = 10}, sizes, epochs);
  };
  const SamplingOptions falls{.kind = "annealed", .batches = "mixed", .batch_size = 10};
  Sampler by_epochs(falls, sizes, 4), by_steps(falls, sizes, 99, 4 * by_epochs.steps_per_epoch());
  for (const long step : {0L, 60L, 120L, 199L}) {
    by_epochs.at(step), by_steps.at(step);
    CHECK(by_epochs.seen() == by_steps.seen());
  }
  const std::pair<const char*, double> expected[] = {
      {"round-robin", 0.5}, {"uniform", 0.5}, {"proportional", 0.9}, {"temperature", 0.75}};
  for (const auto& [kind, share] : expected) {
    Sampler mixed = sampler(kind, "mixed"), one = sampler(kind, "one");
    CHECK_MESSAGE(shares_of(mixed, 200)[0] == doctest::Approx(share), kind);
    CHECK_MESSAGE(shares_of(one, 2000)[0] == doctest::Approx(share).epsilon(0.06), kind);
    CHECK(one.at(7).size() == 1);
    CHECK(mixed.at(7).size() == 2);
  }
  CHECK(sampler("proportional", "mixed").steps_per_epoch() == 50);
  CHECK(sampler("proportional", "one").steps_per_epoch() == 100);
  // a = 1, 0.733, 0.467, 0.2 in the four epochs
  const SamplingOptions annealed{.kind = "annealed"};
  CHECK(task_shares(annealed, sizes, 0, 4)[0] == doctest::Approx(0.9));
  CHECK(task_shares(annealed, sizes, 3, 4)[0] == doctest::Approx(std::pow(9., 0.2) / (1 + std::pow(9., 0.2))));
  CHECK(task_shares(annealed, sizes, 0, 1)[0] == doctest::Approx(0.9));

  Sampler through = sampler("uniform", "one"), later = sampler("uniform", "one");
  std::vector<Draw> last;
  for (long step = 0; step <= 150; ++step) last = through.at(step);
  const std::vector<Draw> same = later.at(150);
  CHECK(last[0].task == same[0].task);
  CHECK(last[0].places == same[0].places);
  CHECK(through.seen() == later.seen());
  // Every example once before any comes again.
  Sampler one_task({.batch_size = 7}, {21}, 1);
  std::vector<int> count(21);
  for (long step = 0; step < 3; ++step) {
    const std::vector<Draw> draws = one_task.at(step);
    for (int place : draws[0].places) ++count[place];
  }
  CHECK(count == std::vector<int>(21, 1));
}

TEST_CASE("delta_m: turned so that higher is better") {
  spec::TaskSpec f1, error;
  error.metric = "mse";
  const auto figures = [](const char* name, double value) { return Evaluation{{{name, value}}, {}, {}}; };
  CHECK(*delta_of(f1, figures("macro_f1", 0.6), figures("macro_f1", 0.5)) == doctest::Approx(0.2));
  CHECK(*delta_of(error, figures("mse", 0.6), figures("mse", 0.5)) == doctest::Approx(-0.2));
  CHECK(!delta_of(f1, figures("macro_f1", 0.6), figures("macro_f1", 0)));
  CHECK(!delta_of(f1, figures("macro_f1", 0), figures("macro_f1", 0)));
  CHECK(!delta_of(f1, figures("macro_f1", NAN), figures("macro_f1", 0.5)));
}

TEST_CASE("delta_m: a task without a change is left out of the mean, and said to be") {
  const TemporaryDirectory dir;
  const auto figures = [](double value) { return Evaluation{{{"macro_f1", value}}, {}, {}}; };
  spec::TaskSpec a, b;
  a.name = "a", b.name = "b";
  const std::vector<Evaluation> joint{figures(0.6), figures(0.3)}, single{figures(0.5), figures(0)};
  CHECK(table_of({a, b}, joint, joint, single).ends_with("  0.3000    0.0000         -\n"));
  spec::TaskSet set;
  set.corpora.resize(2);
  set.tasks.resize(2);
  set.corpora[1].separate_test = false;
  set.tasks[0].spec = a, set.tasks[1].spec = b;
  set.tasks[1].corpus = 1;
  const auto report_of = [&](const std::vector<Evaluation>& alone) {
    report(set, {joint, joint, {{"seconds", 1.0}}}, alone, "equal", dir.path);
    return nn::ordered_json::parse(nn::read_file(dir.path + "/result.json"));
  };
  const nn::ordered_json one = report_of(single), none = report_of({figures(0), figures(0)});
  CHECK(one["delta_m"].get<double>() == doctest::Approx(0.2));
  CHECK(!one["tasks"]["b"].contains("delta"));
  CHECK(!none.contains("delta_m"));
  CHECK(one["tasks"]["b"]["test_is_dev"] == true);
  CHECK(!one["tasks"]["a"].contains("test_is_dev"));
  CHECK(objective::card_of("multitask", set, joint).measured_on == "test (of b: dev)");
}

TEST_CASE("Auto-Lambda: halves of a draw are all of it, and neither is empty") {
  const std::vector<Draw> draws{{0, {5, 6, 7}}, {1, {9}}};
  const auto first = half_of(draws, false), second = half_of(draws, true);
  CHECK(first[0].places == Indices{5, 7});
  CHECK(second[0].places == Indices{6});
  CHECK(first[1].places == Indices{9});
  CHECK(second[1].places == Indices{9});
  CHECK(second[1].task == 1);
}

TEST_CASE("sampling: groups of a draw have all of it in order, and none is empty") {
  const std::vector<Draw> draws{{0, {5, 6, 7, 8, 9}}, {1, {4}}};
  const auto groups = shared_out(draws, 2);
  REQUIRE(groups.size() == 2);
  CHECK(groups[0].size() == 1);  // the one place of task 1 is in the second group
  CHECK(groups[0][0].places == Indices{5, 6});
  CHECK(groups[1][0].places == Indices{7, 8, 9});
  CHECK(groups[1][1].places == Indices{4});
  CHECK(shared_out({{0, {1, 2}}}, 5).size() == 2);
  CHECK(shared_out(draws, 1)[0][0].places == draws[0].places);
}
