// The real Optuna on journals that were written here, and the other way round: where its package is.
#include <algorithm>
#include <cmath>
#include <filesystem>

#include "nn/format/json_value.h"
#include "tasks/search/study.h"
#include "tests/support/programs.h"
#include "tests/tasks/search/space.h"

using namespace test;
using nn::json;
using search::Distribution;
using search::Study;
using search::Trial;

namespace {

// PYTHON names another one than Debian's.
std::string python() {
  const char* named = std::getenv("PYTHON");
  return named ? named : "/usr/bin/python3";
}

search::StudySettings optuna_settings() {
  return {.name = "mood \"ü\"",
          .direction = search::Direction::maximize,
          .space = four_settings(),
          .pruner = {.name = "halving", .min = 1, .factor = 2},
          .kept = {{"metric", "f1"}}};
}

void run(const std::string& path, long most) {
  Study study(path, optuna_settings());
  while (const auto asked = study.ask(most, [](long) { return true; })) {
    const double lr = study.trial(asked->number).values.at("lr");
    if (asked->number == 2) {
      study.report(asked->number, 1, NAN);
      continue;
    }
    if (asked->number == 3) {
      study.finish(asked->number, std::nullopt);
      continue;
    }
    if (!study.report(asked->number, 1, -lr)) study.finish(asked->number, -std::abs(lr - 0.001));
  }
}

json seen(const std::string& path) {
  search::Journal journal(path);
  journal.read();
  json trials = json::array();
  for (const Trial& t : journal.study("").trials) {
    json params = json::object(), reports = json::object();
    for (const auto& [name, value] : t.values) params[name] = t.domain.at(name).external(value);
    for (const auto& [step, value] : t.reports) reports[std::to_string(step)] = value;
    trials.push_back({{"number", t.number},
                      {"state", name_of(t.state)},
                      {"value", t.value ? json(*t.value) : json()},
                      {"params", params},
                      {"reports", reports}});
  }
  return trials;
}

// Python says NaN.
std::string as_here(std::string text) {
  for (size_t at; (at = text.find("NaN")) != text.npos;) text.replace(at, 3, "null");
  return text;
}

bool no_optuna() { return !std::getenv("PYTHON") && !std::filesystem::exists("/usr/lib/python3/dist-packages/optuna"); }

}  // namespace

TEST_CASE("optuna: the real one opens a journal that was written here, plots it, goes on with it, and is gone on with" *
          doctest::skip(no_optuna())) {
  const TemporaryDirectory dir;
  const std::string path = dir.path + "/journal.log";
  run(path, 12);
  const json ours = seen(path);
  const auto ask = [&](int trials) {
    const Result said = run_shell(fmt::format("{} tests/tasks/search/continue_study.py {} '{}' {} 2>&1", python(), path,
                                              optuna_settings().name, trials));
    REQUIRE_MESSAGE(said.status == 0, said.output);
    return json::parse(as_here(said.last_line()));
  };
  const json theirs = ask(4);
  CHECK_MESSAGE(json::parse(as_here(ours.dump())) == theirs["before"], theirs["before"].dump());
  CHECK(theirs["after"].size() == 17);  // twelve, four of Optuna's, one enqueued
  CHECK(theirs["importance"].contains("lr"));
  CHECK(json::parse(as_here(seen(path).dump())) == theirs["after"]);
  run(path, 20);
  const json after = seen(path);
  CHECK(after.size() == 20);
  CHECK(after[16]["params"]["lr"] == 0.01);  // the enqueued one
  for (const json& t : after) CHECK(t["state"] != "waiting");
  const json again = ask(0);
  CHECK(again["before"] == json::parse(as_here(after.dump())));
  const json plots = again["plots"];
  double best = -INFINITY;
  size_t reported = 0;
  for (const json& t : after) {
    if (t["state"] == "complete") best = std::max(best, t["value"].get<double>());
    reported += !t["reports"].empty();
  }
  CHECK(plots["best"] == best);
  CHECK(plots["curves"].size() == reported);
  CHECK(std::ranges::count(plots["coordinates"], json("lr")) == 1);
}
