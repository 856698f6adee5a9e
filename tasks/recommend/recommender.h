// Recommender: the items, who took what, the models over them and how they are joined: what a directory holds and what
// answers. Simple models are not stored; they are counted again from the interactions, in seconds.
#pragma once

#include <memory>
#include <optional>

#include "tasks/recommend/joined.h"
#include "tasks/recommend/sequence.h"
#include "tasks/recommend/spread.h"

namespace recommend {

// What the simple models are told; lists are what is tried on the dev part.
struct SimpleOptions {
  std::vector<double> ease{50, 100, 200, 400}, knn{20, 100}, damping{0, 1, 5}, decay{0.7, 0.95, 1}, content{3, 10};
  long reach = 5, recent = 10, near = 10, most_items = 20000;  // beyond which closed forms' I^2 numbers are too many
  void declare(run::Options& options);
};
// What was chosen. 0: there is none.
struct SimpleSettings {
  double ease = 0, damping = 1, decay = 0.7, content = 0;
  long knn = 100, reach = 5, recent = 10, near = 10;
};

struct Recommender {
  Data data;
  std::string protocol = "last";
  uint64_t seed = 42;
  long k = 10;
  SimpleSettings settings;
  std::unique_ptr<SequenceModel> sequence;
  std::vector<Spread> spread;  // what the dev part allows of diversity
  Joined joined;               // without weights: there is no second stage yet
  SparseRows words;            // of the items
  Tensor vectors;              // v [I, C] of the sequence model

  long items() const { return long(data.items.size()); }
  // The models over what `histories` say, in the order in which the second stage has them: popularity, recent, knn,
  // ease where there is one, transitions, near, words, content where there is one, attention.
  std::vector<Source> sources(const std::vector<History>& histories) const;
  Source attention() const;
  // Takes the sequence model's vectors as they are now.
  void take_vectors();
};

// A model directory: recommend.json, items.jsonl, interactions.tsv, config.json, model.safetensors.
void save_recommender(const Recommender& r, const std::string& directory);
std::unique_ptr<Recommender> load_recommender(const std::string& directory);  // DIR, or DIR/best of a run

// One answer.
struct Recommended {
  int item = 0;
  double score = 0, probability = 0;  // log share among the candidates; calibrated
  int because = -1;                   // an item of the history; -1: none
  double part = 0;                    // its part of what all items of the history that speak for it add
};
// A recommender that answers: its simple models are counted once, from all interactions.
class Answering {
 public:
  explicit Answering(const Recommender& r) : r_(r), sources_(r.sources(r.data.whole())) {}
  std::vector<Recommended> operator()(const std::vector<int>& history, const Wanted& wanted) const;
  const Recommender& model() const { return r_; }

 private:
  const Recommender& r_;
  std::vector<Source> sources_;
};

// Which item of the history is named for each of some items: that with the largest reason, if it is above 0.
struct Reason {
  int item = -1;
  double part = 0;
};
std::vector<Reason> reasons_for(const Recommender& r, Items history, const std::vector<int>& items);

}  // namespace recommend
