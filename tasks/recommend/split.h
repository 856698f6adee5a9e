// Split: what is learned from, what settings are chosen on, and what is measured, as a protocol says.
#pragma once

#include "tasks/recommend/data.h"

namespace recommend {

// One list to be ranked: who has taken `history` (oldest first) takes `targets` next.
struct Case {
  int user = 0;
  std::vector<int> history, targets;
};

// Protocols:
//   last     the last item of every user is the test, the one before it the dev part; the rest is learned from. The
//            test knows the dev item. Users with fewer than three interactions are learned from only.
//   time     one cut for all: the last 10 % of all interactions are the test, the 10 % before them the dev part. A user
//            who had nothing before a cut is cold: an empty history.
//   random   of every user 20 % at random are the test, 10 % of the others the dev part
//   cold     20 % of the items, drawn, lose all their interactions and are ranked among themselves; 10 % more are the
//            dev part in the same way
// Otherwise all items are ranked that the user has not had. What a user took once more adds its weight where it was
// there before what is held out, of this user or, by time, of all; random and cold know no time, and there all of it does.
struct Split {
  std::string protocol;
  std::vector<History> train;  // [U]
  std::vector<History> known;  // [U] train and dev part: what may be counted when the test is measured
  std::vector<Case> dev, test;
  std::vector<int> dev_among, test_among;  // the items that are ranked; empty: all
  std::string text() const;                // "last item out, all 3650 items ranked that the user has not had, ..."
};
Split split_by(const std::string& protocol, const Data& data, uint64_t seed);
// With at most `most` dev cases, drawn, in their order.
Split with_some_of_dev(Split split, long most, uint64_t seed);

std::vector<int> items_of(const History& history);

}  // namespace recommend
