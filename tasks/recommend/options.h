// What `recommend train` can be told.
#pragma once

#include "tasks/recommend/learning.h"
#include "tasks/recommend/recommender.h"
#include "tasks/run/training.h"

namespace recommend {

struct Options {
  run::TrainingOptions training;  // its batches are of so many places of histories
  DataOptions data;
  TextOptions text;
  SequenceConfig model;
  LossOptions loss;
  SimpleOptions simple;
  JoinOptions join;
  std::string protocol = "last";
  long k = 10;

  Options();
  void declare(run::Options& options);
  void settle(run::Options& options);  // after parsing. Error: what does not go together
  std::vector<std::string> inputs() const;
};

// Of each list of values the one whose model, learned from `train`, has the highest NDCG on the dev cases.
SimpleSettings choose(const SimpleOptions& options, const Data& data, const Split& split, long k);

}  // namespace recommend
