// AdamW: Adam with decoupled weight decay (Kingma, Ba 2015; Loshchilov, Hutter 2019), in three published variants.
#pragma once

#include "optim/groups.h"

namespace optim {

enum class AdamVariant {
  torch,         // torch.optim.AdamW: decay first, both moments corrected for their start at zero
  transformers,  // transformers.AdamW of 2021: epsilon before the correction of v, decay last
  bert           // Google's BERT: no correction, decay inside the step
};
AdamVariant adam_variant(const std::string& name);  // "torch", "transformers" or "bert"

struct AdamWOptions {
  AdamVariant variant = AdamVariant::torch;
  double beta1 = 0.9, beta2 = 0.999;
  double eps = 1e-8;           // bert and transformers were published with 1e-6
  double weight_decay = 0.01;  // of the parameters for which decays() holds
  std::vector<RateOf> rates = {};
};

class AdamW {
 public:
  AdamW(std::vector<Tensor> parameters, AdamWOptions options = {});

  // One update of every parameter that has a gradient, with all gradients multiplied by grad_factor (clip.h).
  void step(double lr, double grad_factor = 1);

  // The moments and the steps taken, as named tensors that share their storage: for a checkpoint, and back before the
  // first step.
  std::vector<Tensor> state() const;

 private:
  std::vector<Tensor> parameters_;
  AdamWOptions options_;
  std::vector<double> factors_;  // of the rate, one a parameter
  Moment m_, v_;
  TouchedRows touched_;
  Tensor steps_;  // [parameters]: each counts its own
};

}  // namespace optim
