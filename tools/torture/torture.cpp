// Every program that trains or writes a directory, over a disk that fails, call by call, and killed at random moments:
// gone on with, it ends in the bits of a run that nothing happened to. Read tools/torture/fault.c and works.h first.
#include <fmt/ranges.h>
#include <signal.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <random>
#include <sstream>
#include <utility>

#include "engine/strings.h"
#include "nn/format/files.h"
#include "tasks/run/console.h"
#include "tasks/text/labels.h"
#include "tools/torture/process.h"
#include "tools/torture/works.h"

namespace {

namespace fs = std::filesystem;
using engine::check;
using torture::Ended;
using torture::shell;

const std::vector<std::string> kWays{"kill", "eio", "enospc", "eintr", "short", "full", "readonly", "memory"};

class Torture {
 public:
  Torture(const std::string& bin, const std::string& fault, std::string place, std::string keep)
      : bin_(fs::absolute(bin)), fault_(fs::absolute(fault)), place_(std::move(place)), keep_(std::move(keep)) {
    torture::write_data(place_, bin_);
  }

  // What nothing happens to, twice, and how many calls there are that can fail.
  void whole(const std::string& name) {
    name_ = name, work_ = torture::works().at(name), out_ = place_ + "/out-" + name;
    before();
    const auto begun = std::chrono::steady_clock::now();
    const Ended one = shell("exec " + filled_in(work_.first));
    seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    check(one.status == 0, "torture: {}: {}", name, one.output);
    whole_ = torture::outcome(out_);
    clear();
    before();
    const Ended counted = with_fault("count", 0);
    check(counted.status == 0 && torture::outcome(out_) == whole_, "torture: {}: two equal runs differ", name);
    std::istringstream(nn::read_file(place_ + "/count")) >> calls_ >> allocations_;
    clear();
  }

  // Every `every`-th call of a run fails in this way, in a run of its own; of allocations, as many.
  void walk(const std::string& how, long every) {
    long runs = 0, stopped = 0;
    const long all = how == "memory" ? allocations_ : calls_;
    const long stride = std::max(every, every * all / std::max(1L, calls_));
    for (long k = 1; k <= all; k += stride, ++runs) {
      const std::string name = fmt::format("{} {} at {} of {}", name_, how, k, all);
      before();
      const Ended fault = with_fault(how, k);
      if (how == "kill" ? fault.status != 128 + SIGKILL : fault.status != 0 && !fault.in_one_line())
        note(name, fmt::format("status {}: {}", fault.status, fault.output));
      stopped += fault.status != 0;
      compare(name, 1 + k % 2);
    }
    fmt::print("{:<10} {:<8} {:>4} faults, {:>4} runs stopped, {} lost\n", name_, how, runs, stopped, lost_);
    std::fflush(stdout);
    total_ += runs;
    all_lost_ += std::exchange(lost_, 0);
  }

  // A run that is over is not gone on with when what it read, or its options, are others: each file that the command
  // names, and the tables behind a task file, with another last word.
  void change(const std::string& data) {
    if (!work_.again.empty()) return;
    check(shell("exec " + filled_in(work_.first)).status == 0, "torture: {}", name_);
    const std::string resume =
        filled_in(work_.first).substr(0, filled_in(work_.first).find(' ')) + " train --resume " + out_;
    long changes = 0;
    const auto refused = [&](const std::string& path, const std::string& before, const std::string& after,
                             const std::string& why) {
      nn::write_file(path, after);
      const Ended ended = shell("exec " + resume);
      nn::write_file(path, before);
      ++changes;
      const bool said = ended.output.find(why) != ended.output.npos ||
                        ended.output.find("a cache for other texts") != ended.output.npos;
      if (!ended.in_one_line() || !said)
        note(name_ + " with another " + fs::path(path).filename().string(), ended.output);
    };
    for (const std::string& file : torture::files_of(work_.first)) {
      const std::string path = data + "/" + file, before = nn::read_file(path);
      std::string after = before;
      char& last = after[after.find_last_not_of("\n.")];
      last = last >= '0' && last < '9' ? char(last + 1) : last == 'x' ? 'y' : 'x';
      refused(path, before, after, "the data has changed since: ");
    }
    const std::string path = out_ + "/options.ini", before = nn::read_file(path);
    const size_t at = before.find("\nseed=");
    check(at != before.npos, "{}: no seed", path);
    refused(path, before, before.substr(0, at) + "\nseed=7" + before.substr(before.find('\n', at + 1)),
            "options.ini has changed since: it said ");
    fmt::print("{:<10} {} changes of data and options, {} not refused\n", name_, changes, lost_);
    all_lost_ += std::exchange(lost_, 0);
    clear();
  }

  // kill -9 after a random time, up to three times, then the rest.
  void kill_at_random(long times, std::mt19937& random) {
    long killed = 0;
    for (long i = 0; i < times; ++i) {
      before();
      for (int again = int(random() % 3); again >= 0; --again) {
        const double after = seconds_ * double(random()) / double(std::mt19937::max());
        killed += shell("exec " + (fs::exists(out_) ? next() : filled_in(work_.first)), after).status == 128 + SIGKILL;
      }
      compare(fmt::format("{} killed at random, {}", name_, i), 1 + i % 2);
    }
    fmt::print("{:<10} kill -9 {:>4} times at random moments, {} lost\n", name_, killed, lost_);
    std::fflush(stdout);
    total_ += killed;
    all_lost_ += std::exchange(lost_, 0);
  }

  long total() const { return total_; }
  long lost() const { return all_lost_; }

 private:
  std::string filled_in(const std::string& text) const { return torture::filled_in(text, place_, bin_, out_); }

  void before() const {
    if (work_.before.empty()) return;
    const Ended ended = shell(filled_in(work_.before));
    check(ended.status == 0, "torture: {}", ended.output);
  }

  Ended with_fault(const std::string& how, long at) const {
    return shell(fmt::format("FAULT_BELOW={} FAULT_HOW={} FAULT_AT={} FAULT_COUNT={}/count LD_PRELOAD={} exec {}", out_,
                             how, at, place_, fault_, filled_in(work_.first)));
  }

  // The command that goes on after a fault.
  std::string next() const {
    if (!work_.again.empty()) return "sh -c '" + filled_in(work_.again) + "'";
    if (name_ == "pretrain" && fs::exists(out_ + "/result.json")) return "true";  // a budget that is used up is used up
    const bool begun = fs::exists(out_ + "/options.ini") || fs::exists(out_ + "/replaced/options.ini");
    const std::string first = filled_in(work_.first);
    return begun ? first.substr(0, first.find(' ')) + " train --resume " + out_ : first;
  }

  void note(const std::string& name, const std::string& what) {
    fmt::print("LOST: {}: {}\n", name, what);
    ++lost_;
    if (!keep_.empty())
      fs::copy(place_ + "/before", fmt::format("{}/{}", keep_, all_lost_ + lost_), fs::copy_options::recursive);
  }

  void clear() const {
    torture::bury();
    fs::remove_all(out_);
    fs::remove_all(out_ + ".part");
    fs::remove(out_ + "-cache.safetensors");
  }

  // Goes on, with as many threads, and looks at what there is in the end.
  void compare(const std::string& name, long threads) {
    if (!keep_.empty()) {
      fs::remove_all(place_ + "/before");
      fs::create_directories(place_ + "/before");
      std::error_code error;  // trials of a search that was killed are still ending
      fs::copy(out_, place_ + "/before/" + name_, fs::copy_options::recursive, error);
    }
    const Ended rest = shell(fmt::format("OMP_NUM_THREADS={} exec {}", threads, next()));
    std::string result;
    try {
      result = rest.status == 0 ? torture::outcome(out_) : "";
    } catch (const std::exception& e) { result = e.what(); }
    if (rest.status != 0)
      note(name, "cannot be gone on with: " + rest.output);
    else if (result != whole_)
      note(name, "ends in other bits than a run that nothing happened to: " + difference(result));
    clear();
  }

  // The first line of `result` that is another one.
  std::string difference(const std::string& result) const {
    const size_t at =
        size_t(std::mismatch(result.begin(), result.end(), whole_.begin(), whole_.end()).first - result.begin());
    const size_t begin = at ? result.rfind('\n', at - 1) + 1 : 0;
    return engine::shown(result.substr(begin, result.find('\n', at) - begin), 300);
  }

  std::string bin_, fault_, place_, keep_, name_, out_, whole_;
  torture::Work work_;
  double seconds_ = 0;
  long calls_ = 0, allocations_ = 0, total_ = 0, lost_ = 0, all_lost_ = 0;
};

void torture_command(run::Options& options, const run::Parse& parse) {
  std::vector<std::string> programs, how = kWays;
  std::string bin = "build/release", fault = "build/torture/fault.so", keep;
  long every = 1, kills = 20, seed = 1;
  options.add("PROGRAM", programs, "sentiment, merge, ...; default: all of them");
  options.add("--how", how, fmt::format("{}", fmt::join(kWays, ","))).delimiter(',');
  options.add("--every", every, "not every call fails once, but every so-manieth").positive();
  options.add("--kills", kills, "kill -9 at so many random moments of each program").not_negative();
  options.add("--seed", seed, "of the moments").not_negative();
  options.add("--keep", keep, "a directory for what was there before somebody failed to go on with it");
  options.add("--bin", bin, "where the programs are");
  options.add("--fault", fault, "the library that fails, made by `make torture`");
  parse();
  if (programs.empty())
    for (const auto& [name, work] : torture::works()) programs.push_back(name);
  for (const std::string& name : programs)
    if (!torture::works().contains(name)) run::usage_error("{}: nothing that writes a directory", name);
  for (const std::string& one : how)
    if (std::ranges::find(kWays, one) == kWays.end())
      run::usage_error("--how {}: not one of {}", one, text::listed(kWays));
  check(fs::exists(fault), "{}: no such file; `make torture` builds it", fault);
  setenv("OMP_NUM_THREADS", "1", 1);
  std::string place = fs::temp_directory_path() / "torture-XXXXXX";
  check(mkdtemp(place.data()) != nullptr, "{}: cannot be created", place);
  Torture all(bin, fault, place, keep);
  std::mt19937 random{uint32_t(seed)};
  for (const std::string& name : programs) {
    all.whole(name);
    for (const std::string& one : how) all.walk(one, every);
    all.change(place);
    if (kills) all.kill_at_random(kills, random);
  }
  fs::remove_all(place);
  fmt::print("result task=torture works={} faults={} lost={}\n", programs.size(), all.total(), all.lost());
  if (all.lost()) throw run::Exit{1};
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<char*> words(argv, argv + argc);
  std::string run = "run";
  const std::string first = argc > 1 ? argv[1] : "";  // `run` where the program has started itself again
  if (first != "--help" && first != run) words.insert(words.begin() + 1, run.data());
  words.push_back(nullptr);
  return run::program(int(words.size()) - 1, words.data(), "torture", "Training programs over a disk that fails.",
                      {{"run", "fail at every call, go on, compare", torture_command}});
}
