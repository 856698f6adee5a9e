// Splits, choices, pruners, importances and a journal beside what Optuna made of them (golden).
#include <fstream>
#include <set>

#include "tasks/search/importance.h"
#include "tasks/search/pruner.h"
#include "tasks/search/sampler.h"
#include "tests/support/golden_json.h"

using namespace test;
using search::Direction;
using search::Distribution;
using search::State;
using search::Trial;

namespace {

double or_nan(const json& x) { return x.is_null() ? NAN : x.get<double>(); }

Direction direction_of(const json& x) { return x == "maximize" ? Direction::maximize : Direction::minimize; }

State state_of(const std::string& name) {
  const std::map<std::string, State> states{{"RUNNING", State::running},
                                            {"COMPLETE", State::complete},
                                            {"PRUNED", State::pruned},
                                            {"FAIL", State::failed},
                                            {"WAITING", State::waiting}};
  return states.at(name);
}

std::vector<Trial> trials_of(const json& list, const json& space) {
  std::vector<Trial> trials;
  for (const json& t : list) {
    Trial& trial = trials.emplace_back();
    trial.id = trial.number = long(trials.size()) - 1;
    trial.state = state_of(t.value("state", "COMPLETE"));
    if (!t["value"].is_null()) trial.value = t["value"];
    if (t.contains("intermediate"))
      for (const auto& [step, value] : t["intermediate"].items()) trial.reports[std::stol(step)] = or_nan(value);
    for (const auto& [name, value] : t["params"].items()) {
      const Distribution d = Distribution::from_optuna(space[name].dump(), name);
      trial.values[name] = d.internal(value, name);
      trial.domain[name] = d;
    }
  }
  return trials;
}

std::vector<long> numbers_of(const std::vector<const Trial*>& trials) {
  std::vector<long> numbers;
  for (const Trial* t : trials) numbers.push_back(t->number);
  return numbers;
}

// As the journal has them, in the line that creates the trial: what an enqueued one is to try.
json system_attributes_of_last_trial(const std::string& path) {
  std::ifstream file(path);
  json attributes = json::object();
  for (std::string text; std::getline(file, text);) {
    if (text.find("NaN") != std::string::npos) continue;  // a report
    const json line = json::parse(text);
    if (line["op_code"] == 4) attributes = line.value("system_attrs", json::object());
  }
  return attributes;
}

// log of the densities without 1/sigma, as 3.1.0 has them.
std::vector<double> without_sigma(const search::Mixture& m, const Rows& x) {
  search::Kernels k = m.kernels(0);
  std::vector<double> weights = m.weights();
  double sum = 1;
  if (!k.of_choices() && k.kind == search::Kernels::Kind::density) {
    sum = 0;
    for (size_t c = 0; c < weights.size(); ++c) sum += weights[c] *= k.sigma[c];
  }
  std::vector<double> result = search::Mixture(weights, {k}).log_densities(x);
  for (double& r : result) r += std::log(sum);
  return result;
}

search::PrunerOptions pruner_of(const std::string& name) {
  const std::map<std::string, search::PrunerOptions> all{
      {"median default", {.name = "median"}},
      {"median warmup 2 interval 3 startup 2 min_trials 3",
       {.name = "median", .startup = 2, .warmup = 2, .interval = 3, .min_trials = 3}},
      {"percentile 25", {.name = "percentile", .percentile = 25, .startup = 3}},
      {"successive halving min 1 eta 3", {.name = "halving", .min = 1, .factor = 3}},
      {"successive halving auto eta 4", {.name = "halving"}},
      {"successive halving min 2 eta 2 early stopping rate 1", {.name = "halving", .min = 2, .factor = 2, .rate = 1}},
      {"successive halving bootstrap 3", {.name = "halving", .min = 1, .factor = 3, .bootstrap = 3}},
      {"hyperband 1 to 9 eta 3", {.name = "hyperband", .min = 1, .max = 9, .factor = 3}},
      {"hyperband auto", {.name = "hyperband", .min = 1, .factor = 3}}};
  REQUIRE_MESSAGE(all.count(name), name);
  return all.at(name);
}

// Asks the pruner about one more report of a trial, keeps what it decides, and asks again.
void check_decision(const search::Pruner& pruner, std::vector<Trial>& trials, const json& event,
                    const std::string& name) {
  Trial& trial = trials.at(event["trial"]);
  trial.reports[event["step"]] = or_nan(event["value"]);
  const search::Decision decision = pruner.decide(trials, trial);
  const search::Decision again = pruner.decide(trials, trial);
  CHECK_MESSAGE(decision.prune == event["prune"], name, ", trial ", trial.number, ", step ", event["step"].dump());
  for (const auto& [rung, value] : decision.rungs) {
    trial.system[rung] = value;
    trial.reports_before[rung] = trial.reports.size();
  }
  CHECK(pruner.decide(trials, trial).prune == again.prune);  // decided anew, once it is kept
}

// Trials that start, report and end in the order of the events, each report judged.
std::vector<Trial> replayed(const search::Pruner& pruner, const json& events, const std::string& name) {
  std::vector<Trial> trials;
  long done = 0;
  for (const json& event : events) {
    const size_t number = event["trial"];
    if (event["event"] == "start") {
      while (trials.size() <= number) trials.push_back({.id = long(trials.size()), .number = long(trials.size())});
    } else if (event["event"] == "end") {
      trials.at(number).state = state_of(event["state"]);
      trials.at(number).finished = done++;
    } else {
      check_decision(pruner, trials, event, name);
    }
  }
  return trials;
}

}  // namespace

TEST_CASE("golden: how many trials count as good, and how much older ones weigh") {
  const json file = golden_json("tpe.json");
  for (const auto& [n, want] : file["n_below"].items()) CHECK_MESSAGE(search::below_count(std::stol(n)) == want, n);
  for (const auto& [n, want] : file["weights"].items()) expect_all(search::ramp(std::stol(n)), want, "ramp of " + n);
}

TEST_CASE("golden: trials are split, and the candidate that Optuna took is the best, by densities without 1/sigma") {
  const json file = golden_json("tpe.json");
  for (const json& s : file["splits"]) {
    const std::vector<Trial> trials = trials_of(s["trials"], file["space"]);
    std::vector<const Trial*> all;
    for (const Trial& t : trials) all.push_back(&t);
    const search::Split split = search::split(all, direction_of(s["direction"]));
    CHECK(split.n == s["n"]);
    CHECK(json(numbers_of(split.below)) == s["below"]);
    CHECK(json(numbers_of(split.above)) == s["above"]);
    for (const json& choice : s["suggestions"]) {
      const std::string name = choice["parameter"];
      const Distribution d = Distribution::from_optuna(file["space"][name].dump(), name);
      const auto estimator = [&](const std::vector<const Trial*>& part) {
        Rows seen;
        for (const Trial* t : part)
          if (t->values.count(name)) seen.push_back({t->values.at(name)});
        return search::Parzen({d}, seen).mixture();
      };
      Rows x;
      for (const json& c : choice["candidates"]) x.push_back({c.get<double>()});
      const std::vector<double> l = without_sigma(estimator(split.below), x),
                                g = without_sigma(estimator(split.above), x);
      expect_all(l, choice["log_l"], name);
      expect_all(g, choice["log_g"], name);
      const size_t best = search::best_candidate(l, g), chosen = choice["chosen_index"];
      const double behind = (l[best] - g[best]) - (l[chosen] - g[chosen]);  // as good but for rounding: two choices
      CHECK_MESSAGE((best == chosen || behind < 1e-12), name);
    }
  }
}

TEST_CASE("golden: median, percentile, halving and Hyperband decide as Optuna did, report by report") {
  const json file = golden_json("tpe.json");
  for (const json& p : file["pruners"]) {
    const std::string name = p["name"];
    const search::Pruner pruner(pruner_of(name), direction_of(p["direction"]), p["study_name"]);
    const std::vector<Trial> trials = replayed(pruner, p["events"], name);
    for (const auto& [number, rungs] : p["rungs"].items()) {
      const Trial& t = trials.at(std::stoul(number));
      for (const auto& [rung, value] : rungs.items()) CHECK_MESSAGE(json(t.system)[rung] == value, name, rung);
      CHECK_MESSAGE(t.system.size() == rungs.size(), name);
    }
    if (!p.contains("budgets")) continue;
    CHECK(json(pruner.budgets(trials)) == p["budgets"]);
    for (size_t i = 0; i < trials.size(); ++i) CHECK(pruner.bracket(trials, long(i)) == p["bracket_of_trial"][i]);
  }
}

TEST_CASE("golden: Hyperband shares out as many trials to each bracket as Optuna does") {
  const json file = golden_json("tpe.json");
  for (const auto& [sizes, want] : file["hyperband_budgets"].items()) {
    const size_t comma = sizes.find(',');
    const search::PrunerOptions o{
        .name = "hyperband", .max = std::stol(sizes), .factor = std::stol(sizes.substr(comma + 1))};
    CHECK_MESSAGE(json(search::Pruner(o, Direction::minimize, "").budgets({})) == want, sizes);
  }
}

TEST_CASE("golden: PED-ANOVA has the importances of Optuna's head") {
  const json file = golden_json("tpe.json");
  const std::vector<Trial> trials = trials_of(file["importance"]["trials"], file["space"]);
  const auto got = search::importances(trials, Direction::minimize);
  const json& want = file["head"]["ped_anova_importance"];
  CHECK(got.size() == want.size());
  double sum = 0;
  for (const search::Importance& i : got) {
    expect(i.divergence, want[i.name], i.name);
    sum += i.share;
  }
  CHECK(sum == doctest::Approx(1));
  CHECK(search::importances({trials.begin(), trials.begin() + 2}, Direction::minimize).empty());
}

TEST_CASE("golden: a journal that Optuna wrote is read: states, values, mixed choices, an enqueued trial") {
  const json want = golden_json("tpe.json")["journal"];
  search::Journal journal(golden_path(want["file"]));
  journal.read();
  const search::StudyRecord& study = journal.study(want["study_name"]);
  CHECK(study.directions == std::vector{direction_of(want["direction"])});
  CHECK(json(study.user) == want["user_attrs"]);
  REQUIRE(study.trials.size() == want["trials"].size());
  const Trial* best = nullptr;
  for (size_t i = 0; i < study.trials.size(); ++i) {
    const Trial& t = study.trials[i];
    const json& w = want["trials"][i];
    CHECK(t.state == state_of(w["state"]));
    CHECK(t.value.has_value() == !w["value"].is_null());
    if (t.value) CHECK(*t.value == w["value"]);
    json params = json::object();
    for (const auto& [name, value] : t.values) params[name] = t.domain.at(name).external(value);
    CHECK_MESSAGE(params == w["params"], params.dump());
    json reports = json::object();
    for (const auto& [step, value] : t.reports)
      reports[std::to_string(step)] = std::isnan(value) ? json() : json(value);
    CHECK(reports == w["intermediate"]);
    CHECK(json(t.user) == w["user_attrs"]);
    const double sign = want["direction"] == "maximize" ? 1 : -1;
    if (t.state == State::complete && (!best || sign * *t.value > sign * *best->value)) best = &t;
  }
  REQUIRE(best);
  CHECK(best->number == want["best_number"]);
  CHECK(*best->value == want["best_value"]);
  CHECK(study.trials.back().state == State::waiting);
  CHECK(json(study.trials.back().system) == system_attributes_of_last_trial(golden_path(want["file"])));
}
