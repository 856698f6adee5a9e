// Terms: the loss of a batch as a sum of named terms, each with its weight; the log has every term without it.
#pragma once

#include <string>

#include "engine/ops.h"
#include "nn/format/json_value.h"

namespace run {

class Terms {
 public:
  // loss += weight * value. A term of weight 0 is logged and does not enter the sum.    value []
  void add(const std::string& name, double weight, const engine::Tensor& value);

  bool empty() const { return !sum_; }
  engine::Tensor sum() const;  // []; Error: no term
  // {"NAME": value, ...}, unweighted, in the order of add(); terms of one name are added up.
  const nn::ordered_json& values() const { return values_; }
  bool plain() const { return values_.size() <= 1 && !weighted_; }  // the sum is the one term: nothing to log beside it

 private:
  engine::Tensor sum_;
  nn::ordered_json values_ = nn::ordered_json::object();
  bool weighted_ = false;  // a weight was not 1
};

}  // namespace run
