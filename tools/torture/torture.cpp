// Runs of every training program over a disk that fails, call by call, and killed at random moments: resumed, they end
// in the bits of a run that nothing happened to. Read tools/torture/fault.c first: what fails.
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <sstream>

#include "nn/format/files.h"
#include "nn/format/safetensors.h"
#include "tasks/run/console.h"

namespace {

namespace fs = std::filesystem;
using engine::check;
using nlohmann::ordered_json;

// The smallest runs that have several checkpoints and several best models. @ is the directory of the data.
const std::string kTiny = "--model bert --layers 1 --hidden 8 --heads 2 --max-length 12 --lr 0.05 ";
const std::map<std::string, std::string> kRuns{
    {"sentiment", "--model pool --hidden 8 --lr 0.05 --train @/train.tsv --dev @/dev.tsv --epochs 2 --batch-size 5"},
    {"transfer", kTiny + "--train @/train.tsv --dev @/dev.tsv --epochs 2 --batch-size 5 --teacher @/teacher "
                         "--soft-targets 1 --teacher-cache OUT-cache.safetensors"},
    {"align", kTiny + "--epochs 2 --batch-size 5 --teacher @/teacher --source @/a.txt --target @/b.txt "
                      "--dev-source @/b.txt --dev-target @/a.txt"},
    {"pretrain", kTiny + "--max-steps 6 --batch-size 30 --eval-every 20 --train @/train.tsv --dev @/dev.tsv"},
    {"multitask", kTiny + "--epochs 2 --batch-size 5 --tasks @/tasks.json --single"},
    {"few_shot", kTiny + "--steps 4 --tasks @/tasks.json --ways 2 --shots 1 --queries 1 --episodes 2 --inner-steps 1"},
    {"translate",
     "--layers 1 --hidden 8 --heads 2 --intermediate 8 --vocab-size 45 --average 2 --epochs 2 "
     "--batch-size 60 --source @/a.txt --target @/b.txt --dev-source @/b.txt --dev-target @/a.txt"},
};

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size()) text.replace(at, from.size(), to);
  return text;
}

struct Ended {
  int status;  // of the shell: 128 + n after a signal
  std::string output;
  bool in_one_line() const {
    const size_t at = output.rfind("error: ");
    return status == 1 && at != output.npos && output.find('\n', at) == output.size() - 1;
  }
};

Ended shell(const std::string& command) {
  std::FILE* pipe = popen(("exec 2>&1 </dev/null; " + command).c_str(), "r");
  check(pipe != nullptr, "torture: no shell");
  Ended ended{0, ""};
  char part[4096];
  while (const size_t n = std::fread(part, 1, sizeof part, pipe)) ended.output.append(part, n);
  const int status = pclose(pipe);
  ended.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ended;
}

// Every number that a run leaves, without its times and its name: the log, the last state, the best model. The model's
// card tells how long it took.
std::string outcome(const std::string& directory) {
  std::string all;
  std::istringstream log(nn::read_file(directory + "/log.jsonl"));
  for (std::string line; std::getline(log, line);) {
    ordered_json figures = ordered_json::parse(line, nullptr, false);
    check(figures.is_object(), "{}/log.jsonl: a line is broken: {}", directory, line);
    for (const char* name : {"tokens_per_second", "seconds"}) figures.erase(name);
    all += figures.dump() + "\n";
  }
  const nn::SafeTensors last(directory + "/last.safetensors");
  for (const auto& [name, entry] : last.entries()) all += name + last.bytes(name);
  std::set<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(directory + "/best"))
    if (entry.is_regular_file() && entry.path().extension() != ".md") files.insert(entry.path());
  for (const std::string& file : files) all += file.substr(directory.size()) + nn::read_file(file);
  return all;
}

class Torture {
 public:
  Torture(std::string bin, std::string fault, std::string place)
      : bin_(fs::absolute(bin)), fault_(fs::absolute(fault)), place_(std::move(place)) {}

  void write_data() const {
    const char *words[] = {"awful bad poor", "fine good great", "the train at noon"},
               *labels[] = {"negative", "positive", "neutral"};
    const auto table = [&](const char* name, int first, int last) {
      std::string rows = "label\ttext\n";
      for (int i = first; i < last; ++i) rows += fmt::format("{}\t{} {} thing\n", labels[i % 3], i, words[i % 3]);
      nn::write_file(place_ + "/" + name, rows);
    };
    table("train.tsv", 0, 15), table("dev.tsv", 15, 21);
    for (const int first : {0, 5}) {
      std::string lines;
      for (int i = first; i < first + 8; ++i) lines += fmt::format("{} {} thing\n", i, words[i * i % 3]);
      nn::write_file(place_ + (first ? "/b.txt" : "/a.txt"), lines);
    }
    nn::write_file(place_ + "/tasks.json",
                   fmt::format(R"({{"tasks": {{"mood": {{"train": "{0}/train.tsv", "dev": "{0}/dev.tsv"}},
                                              "again": {{"train": "{0}/dev.tsv", "dev": "{0}/train.tsv"}}}}}})",
                               place_));
    const Ended teacher = shell(bin_ + "/sentiment train " + kTiny + "--max-steps 2 --train " + place_ +
                                "/train.tsv --dev " + place_ + "/dev.tsv --out " + place_ + "/teacher");
    check(teacher.status == 0, "torture: {}", teacher.output);
  }

  // The command of a run into a new directory; what surrounds it before.
  std::string fresh(const std::string& program, const std::string& out) const {
    return bin_ + "/" + program + " train " + replaced(replaced(kRuns.at(program), "@", place_), "OUT", out) +
           " --overwrite --out " + out;
  }

  Ended with_fault(const std::string& program, const std::string& out, const std::string& how, long at) const {
    return shell(fmt::format("FAULT_BELOW={} FAULT_HOW={} FAULT_AT={} FAULT_COUNT={}/count LD_PRELOAD={} exec {}", out,
                             how, at, place_, fault_, fresh(program, out)));
  }

  // Resumed, or, where there is nothing to resume yet, begun.
  Ended go_on(const std::string& program, const std::string& out) const {
    if (program == "pretrain" && fs::exists(out + "/result.json"))
      return {0, ""};  // a budget that is used up is used up
    if (fs::exists(out + "/options.ini") || fs::exists(out + "/replaced/options.ini"))
      return shell("exec " + bin_ + "/" + program + " train --resume " + out);
    return shell("exec " + fresh(program, out));
  }

  void whole(const std::string& program) {
    const std::string out = place_ + "/" + program;
    const auto begun = std::chrono::steady_clock::now();
    const Ended one = shell("exec " + fresh(program, out));
    seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    check(one.status == 0, "torture: {}: {}", program, one.output);
    whole_ = outcome(out);
    clear(out);
    const Ended counted = with_fault(program, out, "count", 0);
    check(counted.status == 0 && outcome(out) == whole_, "torture: {}: two equal runs differ", program);
    calls_ = std::stol(nn::read_file(place_ + "/count"));
    clear(out);
  }

  // Every `every`-th call of a run fails in this way, in a run of its own.
  void walk(const std::string& program, const std::string& how, long every) {
    const std::string out = place_ + "/" + program;
    long runs = 0, stopped = 0;
    for (long k = 1; k <= calls_; k += every, ++runs) {
      const std::string name = fmt::format("{} {} at call {} of {}", program, how, k, calls_);
      const Ended fault = with_fault(program, out, how, k);
      if (how == "kill" ? fault.status != 128 + SIGKILL : fault.status != 0 && !fault.in_one_line())
        note(name, fmt::format("status {}: {}", fault.status, fault.output));
      stopped += fault.status != 0;
      compare(name, program, out);
    }
    fmt::print("{:<10} {:<7} {:>4} faults, {:>4} runs stopped, {} lost\n", program, how, runs, stopped, lost_);
    std::fflush(stdout);
    total_ += runs;
    all_lost_ += std::exchange(lost_, 0);
  }

  // kill -9 after a random time, up to three times, then the rest.
  void kill_at_random(const std::string& program, long times, std::mt19937& random) {
    const std::string out = place_ + "/" + program;
    long killed = 0;
    for (long i = 0; i < times; ++i) {
      for (int again = int(random() % 3); again >= 0; --again) {
        const double after = seconds_ * double(random()) / double(std::mt19937::max());
        const std::string command =
            fs::exists(out + "/options.ini") ? bin_ + "/" + program + " train --resume " + out : fresh(program, out);
        killed += shell(fmt::format("exec timeout -s KILL {:.4f} {}", after, command)).status == 128 + SIGKILL;
      }
      compare(fmt::format("{} killed at random, {}", program, i), program, out);
    }
    fmt::print("{:<10} kill -9 {:>4} times at random moments, {} lost\n", program, killed, lost_);
    std::fflush(stdout);
    total_ += killed;
    all_lost_ += std::exchange(lost_, 0);
  }

  long total() const { return total_; }
  long lost() const { return all_lost_; }
  long calls() const { return calls_; }

 private:
  void note(const std::string& name, const std::string& what) {
    fmt::print("LOST: {}: {}\n", name, what);
    ++lost_;
  }

  void clear(const std::string& out) const {
    fs::remove_all(out);
    fs::remove(out + "-cache.safetensors");
  }

  void compare(const std::string& name, const std::string& program, const std::string& out) {
    const Ended rest = go_on(program, out);
    std::string result;
    try {
      result = rest.status == 0 ? outcome(out) : "";
    } catch (const engine::Error& e) { result = e.what(); }
    if (rest.status != 0)
      note(name, "cannot be resumed: " + rest.output);
    else if (result != whole_)
      note(name, "ends in other bits than a run that nothing happened to");
    clear(out);
  }

  std::string bin_, fault_, place_, whole_;
  double seconds_ = 0;
  long calls_ = 0, total_ = 0, lost_ = 0, all_lost_ = 0;
};

void torture(run::Options& options, const run::Parse& parse) {
  std::vector<std::string> programs, how{"kill", "eio", "enospc", "eintr", "short"};
  std::string bin = "build/release", fault = "build/torture/fault.so";
  long every = 1, kills = 20, seed = 1;
  options.add("PROGRAM", programs, "training programs; default: all of them");
  options.add("--how", how, "kill,eio,enospc,eintr,short").delimiter(',');
  options.add("--every", every, "not every call fails once, but every so-manieth").positive();
  options.add("--kills", kills, "kill -9 at so many random moments of each program").not_negative();
  options.add("--seed", seed, "of the moments").not_negative();
  options.add("--bin", bin, "where the programs are");
  options.add("--fault", fault, "the library that fails, made by `make torture`");
  parse();
  if (programs.empty())
    for (const auto& [name, run] : kRuns) programs.push_back(name);
  for (const std::string& name : programs)
    if (!kRuns.contains(name)) run::usage_error("{}: not a training program", name);
  check(fs::exists(fault), "{}: no such file; `make torture` builds it", fault);
  setenv("OMP_NUM_THREADS", "1", 1);
  std::string place = fs::temp_directory_path() / "torture-XXXXXX";
  check(mkdtemp(place.data()) != nullptr, "{}: cannot be created", place);
  Torture all(bin, fault, place);
  all.write_data();
  std::mt19937 random{uint32_t(seed)};
  for (const std::string& program : programs) {
    all.whole(program);
    for (const std::string& one : how) all.walk(program, one, every);
    if (kills) all.kill_at_random(program, kills, random);
  }
  fs::remove_all(place);
  fmt::print("result task=torture programs={} faults={} lost={}\n", programs.size(), all.total(), all.lost());
  if (all.lost()) throw run::Exit{1};
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<char*> words(argv, argv + argc);
  std::string run = "run";
  if (argc < 2 || std::string(argv[1]) != "--help") words.insert(words.begin() + 1, run.data());
  words.push_back(nullptr);
  return run::program(int(words.size()) - 1, words.data(), "torture", "Training programs over a disk that fails.",
                      {{"run", "fail at every call, resume, compare", torture}});
}
