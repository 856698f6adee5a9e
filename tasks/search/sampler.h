// Samplers: what to try next. TPE (Bergstra et al. 2011) with the split, the weights and the estimators of Optuna; at
// random; a grid. A trial's values are a function of (seed, its number, the trials before): nothing else is kept.
#pragma once

#include <cstdint>

#include "tasks/search/journal.h"
#include "tasks/search/parzen.h"

namespace search {

struct SamplerOptions {
  std::string name = "tpe";  // tpe, random, grid
  long startup = 10;         // trials that are over before TPE has something to go by
  long candidates = 24;      // drawn where good trials are; the one that is most likelier there than elsewhere is taken
  bool joint = true;         // all parameters in one draw (Optuna after 4.9); false: one at a time (3.1.0)

  void require_valid(const std::string& who) const;
};

long below_count(long n);  // min(ceil(n / 10), 25): the trials that count as good, of n

// Trials that are good and those that are not, each by number, of all that are complete or pruned: complete ones by
// value, then pruned ones, the longest first, then by their last report, what is no number last, without a report
// behind all. `running`: they count, too, as not good, for several at a time.
struct Split {
  std::vector<const Trial*> below, above;
  long n = 0;  // complete or pruned
};
Split split(const std::vector<const Trial*>& trials, Direction direction, bool running = false);

// TPE's choice among `points`: the first one of the highest log l(x) - log g(x).
size_t best_candidate(const std::vector<double>& log_l, const std::vector<double>& log_g);

class Sampler {
 public:
  Sampler(SamplerOptions options, Space space, uint64_t seed, Direction direction);

  // Of trial `number`, from those it may look at; `given` stay as they are. What has been tried already is drawn again,
  // ten times at most.
  Values sample(long number, const std::vector<const Trial*>& trials, const Values& given = {}) const;
  long grid_size() const { return long(grid_.size()); }  // 0: another sampler, without an end

 private:
  Values draw(long number, long attempt, const std::vector<const Trial*>& trials, const Values& given) const;
  double at_random(const Distribution& d, Draws& draws) const;
  double by_tpe(const Parameter& p, const Split& trials, Draws& draws) const;
  void jointly(const Split& trials, Draws draws, Values& values) const;
  void lay_grid(size_t from, Values values);
  std::vector<double> choose(const std::vector<Distribution>& domain, const std::vector<std::string>& names,
                             const Split& trials, Draws& draws) const;

  SamplerOptions o_;
  Space space_;
  uint64_t seed_;
  Direction direction_;
  std::vector<Values> grid_;
};

}  // namespace search
