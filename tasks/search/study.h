// Study: a search that several processes share and that goes on after a kill. Whoever runs trials calls
//
//   search::Study study("journal.log", {...});
//   while (const auto trial = study.ask(50, claim)) {          // values for one more, or one that was left running
//     for each measurement: if (study.report(trial->number, step, value)) stop it;   // what the pruner says
//     study.finish(trial->number, value);                      // nothing to do where it was pruned
//   }
#pragma once

#include <functional>
#include <set>

#include "tasks/search/pruner.h"
#include "tasks/search/sampler.h"

namespace search {

struct StudySettings {
  std::string name;
  Direction direction = Direction::maximize;
  Space space;
  SamplerOptions sampler = {};
  PrunerOptions pruner = {};
  uint64_t seed = 1;
  ordered_json kept = ordered_json::object();  // what else makes it this study: {"metric": ..., "command": ...}
};

struct Asked {
  long number = 0;
  bool resumed = false;  // it was running when its process was killed
};

class Study {
 public:
  // Opens the study in the journal, or begins it. Error: it is of another space, direction, or of something else in
  // `kept`; settings that do not go together.
  Study(const std::string& journal, StudySettings settings);

  // The next trial that is to be run here, of `most` in all; nothing when they are all there. claim(number) makes it
  // this process's own as long as the process lives, and says false where another has it: those that were left running
  // and that nobody has are gone on with first; what Optuna enqueued comes next.
  using Claim = std::function<bool(long number)>;
  std::optional<Asked> ask(long most, const Claim& claim);

  // A measurement at `step`. True: the pruner has given the trial up, and it is kept so. A step that is there already,
  // of a run that repeats its steps after a kill, is not asked about again.
  bool report(long number, long step, double value);
  // The end of a trial that was not pruned; failed without a value, or where it is no number.
  void finish(long number, std::optional<double> value);

  void read() { journal_.read(); }  // what other processes have done
  const StudyRecord& record() const { return *journal_.find(settings_.name); }
  const Trial& trial(long number) const { return record().trials.at(size_t(number)); }
  static uint64_t seed_of(const Trial& trial) { return trial.user.value(kSeed, uint64_t(0)); }  // a trial's own

 private:
  static constexpr const char* kSeed = "tune_seed";  // marks a trial as one of ours

  using Lines = std::vector<ordered_json>;
  void open();
  void require_same(const StudyRecord& there) const;
  std::vector<const Trial*> visible(long number) const;  // Hyperband: of its bracket
  Values fixed(const Trial& trial) const;
  bool take(Journal::Locked& lock, const Trial& trial);
  void create(Journal::Locked& lock, long number);
  bool decide(const Trial& trial, Lines& lines) const;
  uint64_t own_seed(long number) const;

  StudySettings settings_;
  Journal journal_;
  Sampler sampler_;
  Pruner pruner_;
  std::set<long> own_;
};

// The complete trial of the best value, the first of equals; nullptr: none is complete.
const Trial* best_of(const std::vector<Trial>& trials, Direction direction);

}  // namespace search
