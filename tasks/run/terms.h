// Terms: the loss of a batch as a sum of named terms, each with its weight; the log has every term without it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "engine/ops.h"

namespace run {

class Terms {
 public:
  // loss += weight * value. A term of weight 0 is logged and does not enter the sum.    value []
  void add(const std::string& name, double weight, const engine::Tensor& value);

  bool empty() const { return !sum_; }
  engine::Tensor sum() const;  // []; Error: no term
  // {"NAME": value, ...}, unweighted, in the order of add(); terms of one name are added up.
  const nlohmann::ordered_json& values() const { return values_; }

 private:
  engine::Tensor sum_;
  nlohmann::ordered_json values_ = nlohmann::ordered_json::object();
};

}  // namespace run
