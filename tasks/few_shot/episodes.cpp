// From a pool of tasks to episodes, by counter. Read engine/random.h and tasks/text/batches.h first.
#include "tasks/few_shot/episodes.h"

namespace few_shot {

using engine::check;
using engine::Random;

namespace {

// The texts `rows` of a set, with labels of their own.
text::EncodedSet subset(const text::EncodedSet& set, const Indices& rows, const Indices& labels) {
  text::EncodedSet part;
  for (int row : rows) {
    part.windows.insert(part.windows.end(), set.windows.begin() + set.begin[row],
                        set.windows.begin() + set.begin[row + 1]);
    part.begin.push_back(int(part.windows.size()));
  }
  part.labels = labels;
  return part;
}

}  // namespace

text::EncodedSet together(const text::EncodedSet& a, const text::EncodedSet& b) {
  text::EncodedSet all = a;
  all.windows.insert(all.windows.end(), b.windows.begin(), b.windows.end());
  for (size_t i = 1; i < b.begin.size(); ++i) all.begin.push_back(a.begin.back() + b.begin[i]);
  all.labels.insert(all.labels.end(), b.labels.begin(), b.labels.end());
  return all;
}

Episode draw_episode(const PoolTask& task, const std::vector<int>& classes, long shots, long queries,
                     const Random& random) {
  struct {
    Indices rows, labels;
  } support, query;
  for (size_t i = 0; i < classes.size(); ++i) {
    const Indices& rows = task.rows_of[classes[i]];
    const long n = long(rows.size());
    check(n >= shots + (queries != 0), "{}: {} texts of '{}' to learn from{}: it has {}", task.name, shots,
          text::shown(task.labels[classes[i]]), queries ? " and at least one to be tested on" : "", n);
    Random order = random;
    order.call += uint32_t(i);
    const std::vector<int> place = engine::permutation(int(n), order);
    const long end = queries == kAllOthers ? n : std::min(n, shots + queries);
    for (long j = 0; j < end; ++j) {
      auto& part = j < shots ? support : query;
      part.rows.push_back(rows[place[j]]);
      part.labels.push_back(int(i));
    }
  }
  Episode episode{classes, subset(task.set, support.rows, support.labels), subset(task.set, query.rows, query.labels)};
  for (long first = 0; first < task.copies.size(); first += task.set.size()) {
    Indices again = support.rows;
    for (int& row : again) row += int(first);
    episode.support = together(episode.support, subset(task.copies, again, support.labels));
  }
  return episode;
}

Episodes::Episodes(const std::vector<PoolTask>& pool, const EpisodeSize& size, uint64_t seed)
    : pool_(pool), size_(size), seed_(seed) {
  for (const PoolTask& task : pool) {
    std::vector<int> usable;
    for (size_t k = 0; k < task.rows_of.size(); ++k)
      if (long(task.rows_of[k].size()) >= size.shots + size.queries) usable.push_back(int(k));
    check(long(usable.size()) >= size.ways,
          "{}: an episode needs {} classes with {} texts each; {} of its {} classes have as many", task.name, size.ways,
          size.shots + size.queries, usable.size(), task.labels.size());
    classes_ += long(usable.size());
    usable_.push_back(std::move(usable));
  }
}

Episodes::Drawn Episodes::at(long step, long number) const {
  constexpr uint32_t kCalls = 4096;  // of one episode: its task, classes, texts of each class
  Random random{seed_, engine::Stream::shuffle, uint32_t(step), 1 + uint32_t(number) * kCalls};
  uint32_t word;
  random.words(0, 1, &word);
  long drawn = long(uint64_t(word) * uint64_t(classes_) >> 32);
  size_t t = 0;
  while (drawn >= long(usable_[t].size())) drawn -= long(usable_[t++].size());
  random.call += 1;
  std::vector<int> classes;
  for (int place : engine::permutation(int(usable_[t].size()), random))
    if (long(classes.size()) < size_.ways) classes.push_back(usable_[t][place]);
  random.call += 1;
  return {pool_[t], draw_episode(pool_[t], classes, size_.shots, size_.queries, random), int(t)};
}

}  // namespace few_shot
