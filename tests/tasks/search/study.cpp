// A search that is killed anywhere and goes on, two that share a file, and what is refused.
#include "tasks/search/study.h"

#include <thread>

#include "nn/format/files.h"
#include "tests/support/support.h"
#include "tests/tasks/search/space.h"

using namespace test;
using search::Direction;
using search::Distribution;
using search::State;
using search::Study;
using search::StudySettings;
using search::Trial;

namespace {

// In memory, where a system has that: every line is flushed to the disk, which takes its time.
struct Directory {
  std::string path =
      std::filesystem::is_directory("/dev/shm") ? "/dev/shm/attune-test-XXXXXX" : "/tmp/attune-test-XXXXXX";
  Directory() { REQUIRE(mkdtemp(path.data()) != nullptr); }
  ~Directory() { std::filesystem::remove_all(path); }
  void write(const std::string& name, const std::string& content) const {
    std::ofstream(path + "/" + name, std::ios::binary) << content;
  }
};

StudySettings settings(const std::string& pruner = "halving", const std::string& sampler = "tpe", bool joint = false) {
  return {.name = "mood",
          .direction = Direction::maximize,
          .space = four_settings(),
          .sampler = {.name = sampler, .startup = 5, .joint = joint},
          .pruner = {.name = pruner, .startup = 3, .factor = 2},
          .seed = 7,
          .kept = {{"metric", "f1"}}};
}

// What a trial of four steps says: nothing but its values decides.
double score(const Trial& t, long step) {
  const double lr = std::log10(t.values.at("lr")) + 3, m = t.values.count("momentum") ? t.values.at("momentum") : 0.6;
  return -lr * lr - std::abs(t.values.at("layers") - 3) - m + 0.3 * double(step);
}

struct Stop {};

// Runs trials until there are `most`; before every write `tick` may throw.
void run(
    const std::string& path, const StudySettings& s, long most, const std::function<void()>& tick = [] {}) {
  Study study(path, s);
  const auto claim = [](long) { return true; };
  for (;;) {
    tick();
    const auto asked = study.ask(most, claim);
    if (!asked) return;
    const Trial values = study.trial(asked->number);
    bool pruned = false;
    for (long step = 1; step <= 4 && !pruned; ++step) {
      tick();
      pruned = study.report(asked->number, step, score(values, step));
    }
    tick();
    if (!pruned) study.finish(asked->number, score(values, 4));
  }
}

// All of a study but its times.
std::string what_is_in(const std::string& path) {
  search::Journal journal(path);
  journal.read();
  std::string all;
  for (const Trial& t : journal.study("mood").trials) {
    all += fmt::format("{} {} {}", t.number, name_of(t.state), t.value.value_or(NAN));
    for (const auto& [name, value] : t.values) all += fmt::format(" {}={}", name, value);
    for (const auto& [step, value] : t.reports) all += fmt::format(" {}:{}", step, value);
    all += fmt::format(" {} {}\n", t.user.dump(), t.system.dump());
  }
  return all;
}

long count(const std::string& text, const std::string& what) {
  long n = 0;
  for (size_t at = 0; (at = text.find(what, at)) != text.npos; at += what.size()) ++n;
  return n;
}

}  // namespace

TEST_CASE("study: cut off after any byte and continued, a search has the trials that it would have had") {
  const Directory dir;
  for (const auto& [pruner, joint] : {std::pair{"halving", false}, {"median", true}, {"hyperband", false}}) {
    const StudySettings s = settings(pruner, "tpe", joint);
    const std::string whole = dir.path + "/" + pruner, cut = dir.path + "/cut";
    run(whole, s, 12);
    const std::string want = what_is_in(whole), bytes = nn::read_file(whole);
    CHECK(count(want, " complete ") + count(want, " pruned ") == 12);
    CHECK_MESSAGE(count(want, " pruned ") > 0, std::string(pruner));
    size_t lines = 0;
    for (size_t at = 0; at < bytes.size(); ++at) {
      lines += bytes[at] == '\n';
      const bool edge = bytes[at] == '\n' || (at > 0 && bytes[at - 1] == '\n');
      if (!edge && at % 499) continue;  // after each line, after its first byte, and here and there within
      std::ofstream(cut, std::ios::binary | std::ios::trunc) << bytes.substr(0, at + 1);
      run(cut, s, 12);
      if (what_is_in(cut) == want) continue;
      CHECK_MESSAGE(what_is_in(cut) == want, std::string(pruner), " cut after byte ", at, " in line ", lines + 1);
      break;
    }
  }
}

TEST_CASE("study: the same seed is the same search, another one is another, and none asks for what it has had") {
  const Directory dir;
  StudySettings s = settings("none");
  for (const char* name : {"a", "b"}) run(dir.path + "/" + name, s, 15);
  CHECK(what_is_in(dir.path + "/a") == what_is_in(dir.path + "/b"));
  s.seed = 8;
  run(dir.path + "/c", s, 15);
  CHECK(what_is_in(dir.path + "/a") != what_is_in(dir.path + "/c"));
  search::Journal journal(dir.path + "/a");
  journal.read();
  std::set<uint64_t> seeds;
  for (const Trial& t : journal.study("mood").trials) {
    seeds.insert(Study::seed_of(t));
    CHECK(t.values.count("momentum") == (t.values.at("optimizer") == 0));  // asked only where it means something
  }
  CHECK(seeds.size() == 15);
}

TEST_CASE("study: a grid has every point once, and ends") {
  const Directory dir;
  StudySettings s = settings("none", "grid");
  s.space.parameters[0].points = 3;
  run(dir.path + "/grid", s, 1000);
  search::Journal journal(dir.path + "/grid");
  journal.read();
  std::set<search::Values> seen;
  for (const Trial& t : journal.study("").trials) seen.insert(t.values);
  CHECK(seen.size() == 3 * 6 * (1 + 5));
  CHECK(journal.study("").trials.size() == seen.size());
  s.space.parameters[0].points = 0;
  CHECK(error_of([&] { Study(dir.path + "/x", s); }) == "space.lr: for a grid it needs `step` or `points`");
}

TEST_CASE("study: four that share a file number their trials without a gap, and lose no line") {
  const Directory dir;
  const std::string path = dir.path + "/shared";
  const StudySettings s = settings("median");
  std::mutex mutex;
  std::set<long> taken;
  const auto work = [&] {
    Study study(path, s);
    const auto claim = [&](long number) {
      const std::lock_guard lock(mutex);
      return taken.insert(number).second;
    };
    while (const auto asked = study.ask(24, claim)) {
      const Trial values = study.trial(asked->number);
      bool pruned = false;
      for (long step = 1; step <= 4 && !pruned; ++step) pruned = study.report(asked->number, step, score(values, step));
      if (!pruned) study.finish(asked->number, score(values, 4));
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(work);
  for (std::thread& t : threads) t.join();
  const std::string all = what_is_in(path);
  CHECK(count(all, "\n") == 24);
  CHECK(count(all, " complete ") + count(all, " pruned ") == 24);
  CHECK(!std::filesystem::exists(path + ".lock"));
}

TEST_CASE("study: a lock that a killed process left is no obstacle, a line that is broken in the middle is an error") {
  const Directory dir;
  const std::string path = dir.path + "/journal";
  const StudySettings s = settings("none");
  run(path, s, 2);
  std::filesystem::create_symlink("attune-99", path + ".lock");
  run(path, s, 3);
  CHECK(count(what_is_in(path), "\n") == 3);
  const std::string bytes = nn::read_file(path);
  dir.write("journal", bytes + "{\"op_code\": 7, \"trial_id\": 2, \"st");
  run(path, s, 4);
  CHECK(count(what_is_in(path), "\n") == 4);
  CHECK(nn::read_file(path).substr(0, bytes.size()) == bytes);
  dir.write("journal", "{\"op_code\":0,\n" + bytes);
  CHECK(error_of([&] { Study(path, s); }).find(path + ":1: ") == 0);
}

TEST_CASE("study: trials that Optuna enqueued come first, with the values that were asked for") {
  const Directory dir;
  const std::string path = dir.path + "/journal";
  const StudySettings s = settings("none");
  run(path, s, 1);
  {
    std::ofstream out(path, std::ios::app);
    out << R"({"op_code": 4, "worker_id": "p", "study_id": 0, "datetime_start": null, "state": 4, "value": null, )"
        << R"("values": null, "distributions": {}, "params": {}, "user_attrs": {}, "system_attrs": )"
        << R"({"fixed_params": {"lr": 0.001, "optimizer": "adamw", "layers": 99}}, "intermediate_values": {}})"
        << "\n";
  }
  run(path, s, 3);
  search::Journal journal(path);
  journal.read();
  const Trial& t = journal.study("mood").trials[1];
  CHECK(t.state == State::complete);
  CHECK(t.values.at("lr") == 0.001);
  CHECK(t.values.at("optimizer") == 1);
  CHECK(t.values.at("layers") <= 6);  // 99 cannot be chosen
  CHECK(t.values.count("momentum") == 0);
}

TEST_CASE("study: numbers that are none are written and read as Python does; a value that is none has failed") {
  const Directory dir;
  const std::string path = dir.path + "/journal";
  Study study(path, settings("none"));
  const long number = study.ask(1, [](long) { return true; })->number;
  study.report(number, 1, NAN);
  study.report(number, 2, -INFINITY);
  study.finish(number, NAN);
  const std::string text = nn::read_file(path);
  CHECK(text.find("\"intermediate_value\":NaN") != text.npos);
  CHECK(text.find("\"intermediate_value\":-Infinity") != text.npos);
  search::Journal journal(path);
  journal.read();
  const Trial& t = journal.study("mood").trials[0];
  CHECK(std::isnan(t.reports.at(1)));
  CHECK(t.reports.at(2) == -INFINITY);
  CHECK(t.state == State::failed);
  study.finish(study.ask(2, [](long) { return true; })->number, INFINITY);  // which Optuna has as a value
  CHECK(nn::read_file(path).find("\"values\":[Infinity]") != text.npos);
  journal.read();
  CHECK(journal.study("mood").trials[1].value == INFINITY);
  CHECK(journal.study("mood").trials[1].state == State::complete);
}

TEST_CASE("study: another space, direction or metric than the file's is refused in one sentence") {
  const Directory dir;
  const std::string path = dir.path + "/journal";
  run(path, settings(), 2);
  const auto error = [&](const std::function<void(StudySettings&)>& change) {
    StudySettings s = settings();
    change(s);
    return error_of([&] { Study(path, s); });
  };
  CHECK(error([](StudySettings& s) { s.space.parameters[1].distribution = Distribution::whole(1, 8); }) ==
        path + ": the study 'mood' there is of another space: layers is whole 1 to 6; here it is whole 1 to 8");
  CHECK(error([](StudySettings& s) { s.space.parameters.pop_back(); }).find("here it is not there") !=
        std::string::npos);
  CHECK(error([](StudySettings& s) { s.direction = Direction::minimize; }) ==
        path + ": the study 'mood' there is to maximize; here it is to minimize");
  CHECK(error([](StudySettings& s) { s.kept["metric"] = "accuracy"; }) ==
        path + ": the study 'mood' there has another metric: \"f1\"; here it is \"accuracy\"");
  CHECK(error([](StudySettings& s) { std::swap(s.space.parameters[0], s.space.parameters[3]); }) ==
        "space.momentum: depends on 'optimizer', which has to stand before it");
}

TEST_CASE("space: what cannot be a parameter is refused in one sentence") {
  const auto error = [](const Distribution& d) { return error_of([&] { d.require_valid("lr"); }); };
  CHECK(error(Distribution::number(1, 0.1)) == "lr: the lower bound is above the upper: 1 > 0.1");
  CHECK(error(Distribution::number(0, 1, true)) == "lr: on a logarithm's scale the lower bound is above 0; got 0");
  CHECK(error(Distribution::whole(16, 250, false, 16)) ==
        "lr: from 16 in steps of 16 the last is 240; the upper bound is 250");
  CHECK(error(Distribution::number(1, 8, true, 1)) == "lr: a logarithm's scale has no steps; got 1");
  CHECK(error(Distribution::choice({})) == "lr: there is nothing to choose from");
  CHECK(error(Distribution::choice({"a", "b", "a"})) == "lr: the choice \"a\" is there twice");
  CHECK(error(Distribution::number(0.5, 0.95, false, 0.05)) == "");
  for (const Distribution& d : {Distribution::number(1e-5, 0.1, true), Distribution::whole(16, 256, false, 16),
                                Distribution::choice({"a", nullptr, 3, true, 0.5})})
    CHECK((Distribution::from_optuna(d.to_optuna(), "") == d));
}
