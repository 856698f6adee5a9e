// Passes over all parameters: one parallel loop, whatever the number of tensors. Read optim/adamw.cpp next.
#include "optim/groups.h"

namespace optim {
namespace {

struct Stretch {
  size_t parameter;
  long begin, end;
};

std::vector<Stretch> stretches_of(const std::vector<Tensor>& parameters) {
  std::vector<Stretch> stretches;
  for (size_t p = 0; p < parameters.size(); ++p)
    for (long begin = 0; parameters[p].has_grad() && begin < parameters[p].numel(); begin += kBlock)
      stretches.push_back({p, begin, std::min(begin + kBlock, parameters[p].numel())});
  return stretches;
}

}  // namespace

bool decays(const Tensor& parameter) {
  return !parameter.name().ends_with("bias") && parameter.name().find("LayerNorm") == std::string::npos;
}

void for_each_stretch(const std::vector<Tensor>& parameters, const std::function<void(size_t, long, long)>& f) {
  const std::vector<Stretch> stretches = stretches_of(parameters);
  parallel_rows(long(stretches.size()), kBlock,
                [&](long i) { f(stretches[i].parameter, stretches[i].begin, stretches[i].end); });
}

double sum_of_stretches(const std::vector<Tensor>& parameters, const std::function<double(size_t, long, long)>& f) {
  const std::vector<Stretch> stretches = stretches_of(parameters);
  std::vector<double> part(stretches.size());
  parallel_rows(long(part.size()), kBlock,
                [&](long i) { part[i] = f(stretches[i].parameter, stretches[i].begin, stretches[i].end); });
  double sum = 0;
  for (double p : part) sum += p;
  return sum;
}

Moment::Moment(const std::vector<Tensor>& parameters) {
  long size = 0;
  for (const Tensor& p : parameters) {
    begin.push_back(size);
    size += (p.numel() + 15) / 16 * 16;
  }
  all = Buffer(size);
  all.zero();
}

}  // namespace optim
