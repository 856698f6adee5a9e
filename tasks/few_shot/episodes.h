// Episodes: small tasks drawn from a pool of large ones, N classes with K labelled texts each (Vinyals et al. 2016).
#pragma once

#include "tasks/few_shot/pool.h"

namespace few_shot {

// Label i of both parts stands for classes[i].
struct Episode {
  std::vector<int> classes;         // [N] of the task
  text::EncodedSet support, query;  // to learn from, and to be tested on
};

text::EncodedSet together(const text::EncodedSet& a, const text::EncodedSet& b);

constexpr long kAllOthers = -1;

// Of each class `shots` texts to learn from and `queries` others, as far as there are; copies of the former behind
// them, where the task has some, but never of the latter. A function of `random` alone.
// Error: a class with fewer texts than `shots`, or none left to be tested on though some are wanted.
Episode draw_episode(const PoolTask& task, const std::vector<int>& classes, long shots, long queries,
                     const engine::Random& random);

struct EpisodeSize {
  long ways = 5, shots = 5, queries = 5;  // N, K, Q
};

// Episodes of a pool, by step and number: a resumed run draws what it would have drawn.
class Episodes {
 public:
  // Error: a task with fewer than N classes that have K + Q texts.
  Episodes(const std::vector<PoolTask>& pool, const EpisodeSize& size, uint64_t seed);
  Episodes(std::vector<PoolTask>&&, const EpisodeSize&, uint64_t) = delete;  // the pool must outlive it
  struct Drawn {
    const PoolTask& task;
    Episode episode;
    int number;  // of the task in the pool
  };
  // First the task, with a probability by its classes that have enough texts; then classes; then texts.
  Drawn at(long step, long number) const;

 private:
  const std::vector<PoolTask>& pool_;
  EpisodeSize size_;
  uint64_t seed_;
  std::vector<std::vector<int>> usable_;  // by task: its classes with enough texts
  long classes_ = 0;                      // of all tasks together
};

}  // namespace few_shot
