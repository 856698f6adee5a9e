// The mean of the weights after the last epochs: a better model than any of them (Popel, Bojar 2018).
#pragma once

#include "nn/params.h"

namespace translate {

// Files epochs/epoch-N.safetensors in a run's directory; a run that is continued finds those from before.
class Average {
 public:
  Average(std::string directory, int last) : directory_(std::move(directory)), last_(last) {}
  // Keeps the weights after this epoch (from 1), and drops what no mean takes from epoch `first` on: the first one that
  // a run may have to do again, from its older checkpoint.
  void keep(const nn::Params& params, long epoch, long first) const;
  // mean[i] = sum over the last epochs of w[i] / their number, added up in double, the oldest first. Parameters of
  // `into` by name; under an adapter those that are its own.
  void read(const nn::Params& into, long epoch) const;

 private:
  std::string file(long epoch) const;
  std::string directory_;
  int last_;
};

}  // namespace translate
