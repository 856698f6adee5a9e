// SlowWeights: an average of a model's weights over the steps, and what the model says with it.
//
//   w' <- b w' + (1 - b) w,   b = 0.99 in the first tenth of the steps, then 0.999            (Tarvainen, Valpola 2017)
//
// SMART's proximal point (Jiang et al. 2020, Bregman): the distance of what a step says to what w' says of the same
// texts, with the same dropout, holds the step back where the model would forget.
#pragma once

#include <functional>

#include "nn/params.h"

namespace objective {

class SlowWeights {
 public:
  explicit SlowWeights(const nn::Params& params);      // a copy of what is trained, as it is
  void follow(long step, long steps);                  // at the beginning of a step, from 0; at 0 nothing has moved yet
  void with(const std::function<void()>& work) const;  // while the average stands in their place; without gradients
  const std::vector<engine::Tensor>& state() const { return slow_; }  // for a checkpoint, named smart.NAME

 private:
  void swap() const;

  std::vector<engine::Tensor> weights_, slow_;
};

}  // namespace objective
