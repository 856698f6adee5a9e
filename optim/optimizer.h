// Optimizer: whichever of them the user chose.
#pragma once

#include <variant>

#include "optim/adamw.h"
#include "optim/muon.h"
#include "optim/sgd.h"

namespace optim {

class Optimizer {
 public:
  Optimizer(AdamW adamw) : chosen_(std::move(adamw)) {}
  Optimizer(Sgd sgd) : chosen_(std::move(sgd)) {}
  Optimizer(Muon muon) : chosen_(std::move(muon)) {}
  void step(double lr, double grad_factor = 1) {
    std::visit([&](auto& o) { o.step(lr, grad_factor); }, chosen_);
  }
  // The state as named tensors that share its storage: written to a checkpoint, or read into.
  std::vector<Tensor> state() const {
    return std::visit([](const auto& o) { return o.state(); }, chosen_);
  }

 private:
  std::variant<AdamW, Sgd, Muon> chosen_;
};

}  // namespace optim
