// The tune program as its users run it: a small study, killed and gone on with, its report, and what it refuses.
#include <bit>
#include <set>
#include <sstream>

#include "tasks/search/journal.h"
#include "tests/support/event_files.h"
#include "tests/support/programs.h"

using namespace test;
using nn::json;

namespace {

Result tune(const std::string& arguments, const std::string& redirect = "2>&1") {
  return call("tune", arguments, redirect);
}

// A program that measures five times, better the nearer --rate is to 0.01, and then says a result.
std::string learner(const TemporaryDirectory& dir, const std::string& pause = "0") {
  return dir.write("learner.sh", R"(
for word; do
  case $word in
    --rate=*) rate=${word#*=} ;; --kind=*) kind=${word#*=} ;; --out=*) out=${word#*=} ;; --seed=*) seed=${word#*=} ;;
    --flag) flag=1 ;; --overwrite) ;;
    *) echo "error: there is no option ${word%%=*}"; exit 2 ;;
  esac
done
mkdir -p "$out"
: >"$out/log.jsonl"
echo "seed=$seed"
for step in 1 2 3 4 5; do
  sleep )" + pause + R"(
  awk -v rate="$rate" -v kind="$kind" -v step="$step" -v flag="$flag" 'BEGIN {
    d = log(rate) / log(10) + 2
    printf "{\"step\":%d,\"loss\":1}\n{\"step\":%d,\"dev\":{\"f1\":%.6f}}\n", step, step, \
      1 - d * d / 4 - (kind == "b" ? 0.3 : 0) - (flag ? 0.1 : 0) - 0.2 / step
  }' >>"$out/log.jsonl"
done
echo "result rate=$rate"
)");
}

std::string study(const TemporaryDirectory& dir, const std::string& more = "", const std::string& metric = "dev.f1") {
  return dir.write("study.json", fmt::format(R"({{
    // what is searched
    "name": "small", "metric": "{}", "direction": "maximize", "trials": 12, "seed": 3, {}
    "space": {{"rate": {{"low": 1e-4, "high": 1.0, "log": true}}, "kind": ["a", "b"], "flag": [true, false]}}
  }})",
                                             metric, more));
}

// All of a search but its times.
std::string trials_in(const std::string& out) {
  search::Journal journal(out + "/journal.log");
  journal.read();
  std::string all;
  for (const search::Trial& t : journal.study("small").trials) {
    all += fmt::format("{} {} {}", t.number, name_of(t.state), t.value.value_or(NAN));
    for (const auto& [name, value] : t.values) all += fmt::format(" {}={}", name, value);
    for (const auto& [step, value] : t.reports) all += fmt::format(" {}:{}", step, value);
    all += t.user.dump() + t.system.dump() + "\n";
  }
  return all;
}

}  // namespace

TEST_CASE("tune: a search finds the good end, prunes, writes its report, and says how to make the best again") {
  const TemporaryDirectory dir;
  const std::string program = " -- sh " + learner(dir), out = dir.path + "/out";
  const Result said = tune("--study " + study(dir, R"("pruner": {"name": "median", "startup": 3},)") +
                           " --jobs 2 --out " + out + program);
  REQUIRE_MESSAGE(said.status == 0, said.output);
  search::Journal journal(out + "/journal.log");
  journal.read();
  const auto& trials = journal.study("small").trials;
  CHECK(trials.size() == 12);
  std::set<std::string> seeds;
  for (const search::Trial& t : trials) {
    CHECK(t.over());
    CHECK(t.state != search::State::failed);
    const std::string text = nn::read_file(fmt::format("{}/trials/{}.txt", out, t.number));
    if (t.state == search::State::complete) CHECK(t.reports.size() == 5);
    if (const size_t at = text.find("seed="); at != text.npos) seeds.insert(text.substr(at, text.find('\n', at) - at));
  }
  CHECK(seeds.size() == 12);  // its own for each, pruned or not
  CHECK(said.says("best: sh "));
  CHECK(said.last_line().find("result task=tune best=") == 0);
  const std::string page = nn::read_file(out + "/report.html");
  for (const char* part : {"<h2>History</h2>", "<h2>Learning curves</h2>", "<h2>Parallel coordinates</h2>",
                           "<h2>What mattered</h2>", "<h2>Trials</h2>"})
    CHECK_MESSAGE(page.find(part) != page.npos, part);
  CHECK(page.find("http") == page.npos);  // it asks nobody
  const Result best = tune("best " + out + " --top 3");
  CHECK(best.status == 0);
  CHECK(best.last_line().find("result task=tune best=") == 0);
  CHECK(tune("importance " + out).says("rate"));
  CHECK(tune("report " + out + " --html " + dir.path + "/r.html").status == 0);
  const Result more = tune("run --trials 14 --study " + study(dir) + " --out " + out + program);
  CHECK_MESSAGE(more.status == 0, more.output);
  CHECK(more.says("12 of 14 trials are there"));
}

TEST_CASE("tune: killed again and again, a search ends with the trials that it would have had") {
  const TemporaryDirectory dir;
  const std::string file = study(dir, R"("pruner": {"name": "halving", "min": 2, "factor": 2},)");
  const std::string whole = dir.path + "/whole", cut = dir.path + "/cut";
  const std::string program = " -- sh " + learner(dir, "0.01");
  REQUIRE(tune("--study " + file + " --out " + whole + program).status == 0);
  const std::string want = trials_in(whole), call = "--study " + file + " --out " + cut + program;
  CHECK(want.find(" pruned ") != want.npos);
  for (const char* after : {"0.2", "0.5", "0.35", "0.8"})
    run_shell(fmt::format("timeout -s KILL {} {} {} >/dev/null 2>&1", after, test::program("tune"), call));
  const Result last = tune(call);
  REQUIRE_MESSAGE(last.status == 0, last.output);
  CHECK(trials_in(cut) == want);
}

TEST_CASE("tune: on SIGTERM the trial is asked to stop and stays to be gone on with") {
  const TemporaryDirectory dir;
  const std::string call = "--study " + study(dir) + " --out " + dir.path + "/out -- sh " + learner(dir, "0.3");
  const Result stopped =
      run_shell(fmt::format("{} {} 2>&1 & p=$!; n=0; until grep -Eq '\"op_code\": ?4' {}/out/journal.log 2>/dev/null "
                            "|| [ $n = 600 ]; do sleep 0.05; "
                            "n=$((n + 1)); done; kill -TERM $p; kill -TERM $p; wait $p",
                            test::program("tune"), call, dir.path));
  CHECK_MESSAGE(stopped.says("stopped by signal 15; the same command goes on"), stopped.output);
  CHECK(trials_in(dir.path + "/out").find(" running ") != std::string::npos);
}

TEST_CASE("tune: a program that appends to its log and is called again after a kill has its measurements once") {
  const TemporaryDirectory dir;
  const std::string program = dir.write("appends.sh", R"(
mkdir -p "$2"
for step in 1 2 3; do
  echo "{\"dev\":{\"f1\":0.$step}}" >>"$2/log.jsonl"
  [ -e "$3" ] || sleep 0.2
done
)");
  const std::string space = dir.write("s.json", R"({"name": "small", "metric": "dev.f1", "direction": "maximize",
    "trials": 1, "space": {"rate": {"low": 0.5, "high": 1.5}}})");
  const std::string out = dir.path + "/out", quick = dir.path + "/quick";
  const std::string call = "--study " + space + " --out " + out + " -- sh " + program + " {rate} {out} " + quick;
  run_shell(
      fmt::format("{} {} >/dev/null 2>&1 & p=$!; n=0; until grep -qs 0.2 {}/trials/0/log.jsonl || [ $n = 600 ]; "
                  "do sleep 0.02; n=$((n + 1)); done; kill -KILL $p; wait $p",
                  test::program("tune"), call, out));
  dir.write("quick", "");
  const Result said = tune(call);
  REQUIRE_MESSAGE(said.status == 0, said.output);
  search::Journal journal(out + "/journal.log");
  journal.read();
  const auto& reports = journal.study("small").trials.at(0).reports;
  CHECK(reports.size() == 3);
  CHECK(reports.at(3) == 0.3);
}

TEST_CASE("tune: a trial whose numbers are Python's NaN has failed, and a name may have dots of its own") {
  const TemporaryDirectory dir;
  const std::string program = dir.write("python.sh", R"(
mkdir -p "$2"
case $1 in
  a) echo '{"dev.f1": 0.5, "note": "NaN"}' ;;
  b) echo '{"dev.f1": NaN}' ;;
  c) echo '{"dev.f1": Infinity}' ;;
esac >"$2/log.jsonl"
)");
  const std::string space = dir.write("s.json", R"({"name": "small", "metric": "dev.f1", "direction": "maximize",
    "sampler": "grid", "trials": 3, "space": {"kind": ["a", "b", "c"]}})");
  const Result said = tune("--study " + space + " --out " + dir.path + "/out -- sh " + program + " {kind} {out}");
  REQUIRE_MESSAGE(said.status == 0, said.output);
  search::Journal journal(dir.path + "/out/journal.log");
  journal.read();
  std::vector<std::string> ends(3);
  for (const search::Trial& t : journal.study("small").trials)
    ends.at(size_t(t.values.at("kind"))) = fmt::format("{} {}", name_of(t.state), t.value.value_or(NAN));
  CHECK(ends[0] == "complete 0.5");
  CHECK(ends[1].starts_with("failed"));
  CHECK(ends[2] == "complete inf");
}

TEST_CASE("tune: a training program is searched, its runs resumed where they are cut off") {
  const TemporaryDirectory dir;
  const std::string data = three_moods(dir);
  const std::string file = dir.write("moods.json", R"({"metric": "dev.accuracy", "direction": "maximize", "trials": 4,
    "sampler": "random", "space": {"lr": {"low": 0.001, "high": 0.1, "log": true},
    "batch-size": {"type": "int", "low": 2, "high": 8, "step": 2}, "optimizer": ["adamw", "sgd"],
    "momentum": {"low": 0.5, "high": 0.95, "if": {"optimizer": "sgd"}}}})");
  const std::string call = "--study " + file + " --out " + dir.path +
                           "/out -- sentiment train --model pool --hidden 8 " + "--heads 2 --epochs 3 --data " + data;
  run_shell(fmt::format("timeout -s KILL 1 {} {} >/dev/null 2>&1", test::program("tune"), call));
  const Result said = tune(call);
  REQUIRE_MESSAGE(said.status == 0, said.output);
  CHECK(said.last_line().find("complete=4 pruned=0 failed=0") != std::string::npos);
  for (int i = 0; i < 4; ++i) {
    double best = -1;
    for (const json& line : lines_of(nn::read_file(fmt::format("{}/out/trials/{}/log.jsonl", dir.path, i))))
      if (line.contains("dev")) best = std::max(best, line["dev"]["accuracy"].get<double>());
    search::Journal journal(dir.path + "/out/journal.log");
    journal.read();
    CHECK(journal.study("").trials[size_t(i)].value == best);
    CHECK(journal.study("").trials[size_t(i)].reports.size() == 3);
  }
  const Result unknown = tune("--study " + dir.write("x.json", R"({"metric": "dev.accuracy", "direction": "maximize",
    "space": {"rate": {"low": 0.5, "high": 1.5}}})") +
                              " --out " + dir.path + "/x -- sentiment train --data " + data);
  CHECK(unknown.status == 1);
  CHECK_MESSAGE(unknown.says("error: trial 0: sentiment: there is no option --rate"), unknown.output);
}

TEST_CASE("tune: what is wrong is said in one line") {
  const TemporaryDirectory dir;
  const std::string script = learner(dir), program = " -- sh " + script, out = " --out " + dir.path + "/out";
  const auto error = [&](const std::string& content, const std::string& command) {
    const Result said = tune("--study " + dir.write("s.json", content) + out + command + " 2>&1 | grep '^error'", "");
    CHECK_MESSAGE(said.one_line(), said.output);
    return said.output;
  };
  const auto space = [](const std::string& s) {
    return R"({"name": "small", "metric": "dev.f1", "direction": "maximize", "space": )" + s + "}";
  };
  const std::string path = dir.path + "/s.json";
  CHECK(error(space(R"({"rate": {"low": 1.5, "high": 0.5}})"), program) ==
        "error: " + path + ": space.rate: the lower bound is above the upper: 1.5 > 0.5\n");
  CHECK(error(space(R"({"rate": {"low": 1, "high": 8}})"), program) ==
        "error: " + path + ": space.rate: both bounds are whole: \"type\": \"int\" or \"float\" says what is meant\n");
  CHECK(error(space(R"({"kind": ["a", "b"], "rate": {"low": 0.5, "high": 1.5, "if": {"kinds": "a"}}})"), program) ==
        "error: " + path +
            ": space.rate.if: 'kinds' is not a parameter that stands before it (did you mean 'kind'?)\n");
  CHECK(error(space(R"({"rate": {"low": 0.5, "high": 1.5, "logs": true}})"), program).find("did you mean 'log'?") !=
        std::string::npos);
  const auto misspelt = [&](const std::string& content, const std::string& meant) {
    const std::string said = error(content, program);
    CHECK_MESSAGE(said.find("(did you mean '" + meant + "'?)") != std::string::npos, said);
  };
  misspelt(space(R"({"rate": {"lo": 0.5, "high": 1.5}})"), "low");
  misspelt(space(R"({"rate": {"low": 0.5, "high": 1.5, "type": "flot"}})"), "float");
  misspelt(space(R"({"kind": {"choice": ["a", "b"]}})"), "choices");
  misspelt(space(R"({"kind": ["able", "bold"], "rate": {"low": 0.5, "high": 1.5, "if": {"kind": "bolt"}}})"), "bold");
  for (const auto& [now, wrong, meant] : {std::tuple{"maximize", "maximise", "maximize"},
                                          {"direction", "direcion", "direction"},
                                          {"metric", "metrics", "metric"},
                                          {"space", "spce", "space"}}) {
    std::string content = space(R"({"rate": {"low": 0.5, "high": 1.5}})");
    misspelt(content.replace(content.find(now), std::string(now).size(), wrong), meant);
  }
  for (const auto& [key, meant] : {std::pair{R"("sampler": "tpee")", "tpe"},
                                   {R"("pruner": "medain")", "median"},
                                   {R"("sampler": {"nam": "tpe"})", "name"},
                                   {R"("pruner": {"name": "halving", "facto": 3})", "factor"}})
    misspelt(space(R"({"rate": {"low": 0.5, "high": 1.5}}, )" + std::string(key)), meant);
  for (const auto& [entry, key] : {std::pair{R"("pruner": {"name": "median", "factor": 3})", "factor"},
                                   {R"("pruner": {"name": "median", "percentile": 25})", "percentile"},
                                   {R"("pruner": {"name": "halving", "warmup": 3})", "warmup"},
                                   {R"("pruner": {"name": "halving", "max": 9})", "max"},
                                   {R"("pruner": {"name": "hyperband", "rate": 1})", "rate"},
                                   {R"("pruner": {"startup": 3})", "startup"},
                                   {R"("sampler": {"name": "grid", "startup": 3})", "startup"}}) {
    const std::string said = error(space(R"({"rate": {"low": 0.5, "high": 1.5}}, )" + std::string(entry)), program);
    CHECK_MESSAGE(said.find(fmt::format("there is no key '{}'; the keys are name", key)) != said.npos, said);
  }
  CHECK(error(space(R"({"rate": {"low": 0.5, "high": 1.5}})"), " -- sh " + script + " --rate=1") ==
        "error: --rate is in the command, and in the space: which one is meant?\n");
  CHECK(error(space(R"({"rate": {"low": 0.5, "high": 1.5}})"), " -- no-such-program") ==
        "error: 'no-such-program' is not a program beside this one, nor one of PATH\n");
  CHECK(error(space(R"({"size": {"low": 0.5, "high": 1.5}})"), program + " --kind=a") ==
        "error: trial 0: sh: there is no option --size\n");
  CHECK(error(space(R"({"rate": {"low": 0.5, "high": 1.5}})"), program + " --kind=a").find("is of another space") !=
        std::string::npos);
  const std::string f2 = R"({"name": "small", "metric": "dev.f2", "direction": "maximize", "space":
    {"rate": {"low": 0.5, "high": 1.5}}})";
  CHECK(error(f2, " --overwrite" + program + " --kind=a") ==
        "error: metric dev.f2: " + dir.path +
            "/out/trials/0/log.jsonl does not have it; there is dev.f1, loss, step (did you mean 'dev.f1'?)\n");
  CHECK(tune("best " + dir.path + "/nowhere").says("error: "));
  CHECK(tune("run --study " + path).status == 2);
}

TEST_CASE("tune: with --events the search is one experiment, its space in the root; runs below it have none") {
  const TemporaryDirectory dir;
  const std::string out = dir.path + "/out", space = dir.write("s.json", R"({"name": "small", "metric": "dev.accuracy",
    "direction": "maximize", "trials": 2, "space": {"lr": {"low": 1e-4, "high": 0.5, "log": true},
    "heads": {"type": "int", "low": 1, "high": 2}, "optimizer": ["adamw", "sgd"], "no-shuffle": [true, false]}})");
  const std::string command = "--study " + space + " --out " + out + " -- sentiment train --model pool --max-steps 2";
  REQUIRE(tune(command + " --events auto").status == 0);
  const std::string experiment = hparams_of(out, "experiment");
  const auto parameter = [&](size_t n) {
    std::vector<std::string> found;
    for (const Field& f : fields_of(field_at(experiment, {2}).bytes))
      if (f.number == 4) found.push_back(f.bytes);
    REQUIRE(found.size() == 4);
    return found[n];
  };
  const auto number = [](const Field& f) { return std::bit_cast<double>(f.value); };
  CHECK(field_at(parameter(0), {1}).bytes == "lr");
  CHECK(field_at(parameter(0), {4}).value == 3);  // a number
  CHECK(number(field_at(parameter(0), {6, 1})) == 1e-4);
  CHECK(number(field_at(parameter(0), {6, 2})) == 0.5);
  CHECK(number(field_at(parameter(1), {6, 2})) == 2);
  CHECK(field_at(parameter(2), {5, 1, 3}).bytes == "adamw");
  CHECK(field_at(parameter(3), {4}).value == 2);  // true or false
  CHECK(field_at(experiment, {2, 5, 1, 2}).bytes == "dev/accuracy");
  for (const char* trial : {"/trials/0/events", "/trials/1/events"}) {
    CHECK(hparams_of(out + trial, "experiment").empty());
    CHECK(!hparams_of(out + trial, "session_start_info").empty());
    CHECK(shown_scalars(out + trial).count("dev/accuracy") == 1);
  }
  REQUIRE(tune("--overwrite " + command).status == 0);
  CHECK(events::event_files(out).empty());
}

TEST_CASE(
    "tune: of several functions TPE's best are lower than those found at random, and nothing is lower than it can be") {
  const Result said = tune("compare --seeds 12 --trials 50 --sampler independent tpe random");
  REQUIRE_MESSAGE(said.status == 0, said.output);
  std::istringstream in(said.output);
  int rows = 0;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string name;
    double minimum, ours, others;
    if (!(words >> name >> minimum >> ours >> others)) continue;
    ++rows;
    CHECK(ours >= minimum - 1e-5);
    CHECK(others >= minimum - 1e-5);
  }
  CHECK(rows == 10);
  const size_t at = said.output.rfind("p that tpe is lower ");
  REQUIRE(at != std::string::npos);
  CHECK(std::stod(said.output.substr(at + 20)) < 0.01);
}

TEST_CASE(
    "tune: samplers are laid beside the values of another program, function by function, and theirs must be whole") {
  const TemporaryDirectory dir;
  std::string lines;
  for (const char* function : {"branin", "hartmann6", "ackley5", "conditional", "training"})
    for (int seed = 1; seed <= 3; ++seed) lines += fmt::format("{} {} {}\n", function, seed, 1e6 + seed);
  const std::string compare = "compare --seeds 3 --trials 5 --sampler tpe random --beside ";
  const Result said = tune(compare + dir.write("worse", lines) + " --timing");
  REQUIRE_MESSAGE(said.status == 0, said.output);
  CHECK(said.says(" beside    p lower"));
  CHECK(said.says("1e+06"));
  const size_t at = said.output.rfind("p that tpe is lower ");
  REQUIRE(at != std::string::npos);
  CHECK(std::stod(said.output.substr(at + 20)) < 0.001);  // than a million
  for (const char* name : {"tpe: ", "random: "}) {
    const size_t time = said.output.rfind(name);
    REQUIRE(time != std::string::npos);
    CHECK(std::stod(said.output.substr(time + std::string(name).size())) >= 0);
  }
  const Result some = tune(compare + dir.write("some", "branin 1 2\nbranin 2 3\nbranin 3 3\n"));
  CHECK(some.status == 1);
  CHECK(some.says("there is no value of beside for hartmann6"));
  CHECK(tune(compare + dir.write("bad", "branin 1\n")).says("bad:1: `function seed value` is wanted; got "));
  CHECK(tune(compare + dir.write("bad", lines + "branin 1 low\n")).says("bad:16: `function seed value` is wanted"));
}
