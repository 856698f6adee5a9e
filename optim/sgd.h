// SGD with momentum, as torch.optim.SGD has it (Sutskever, Martens, Dahl, Hinton 2013).
#pragma once

#include "optim/groups.h"

namespace optim {

struct SgdOptions {
  double momentum = 0;
  double dampening = 0;
  double weight_decay = 0;  // of the parameters for which decays() holds; added to the gradient
  bool nesterov = false;    // needs a momentum and no dampening
  std::vector<RateOf> rates = {};
};

class Sgd {
 public:
  Sgd(std::vector<Tensor> parameters, SgdOptions options = {});
  void step(double lr, double grad_factor = 1);
  std::vector<Tensor> state() const;  // as AdamW's

 private:
  std::vector<Tensor> parameters_;
  SgdOptions options_;
  std::vector<double> factors_;
  Moment velocity_;
  Tensor moving_;  // [parameters]: 0 until its first gradient, which becomes its velocity
};

}  // namespace optim
