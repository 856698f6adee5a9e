// Passes over all parameters: one parallel loop, whatever the number of tensors. Read optim/adamw.cpp next.
#include "optim/groups.h"

namespace optim {
namespace {

void cut(size_t parameter, long begin, long end, bool zero, std::vector<Stretch>& into) {
  for (; begin < end; begin += kBlock) into.push_back({parameter, begin, std::min(begin + kBlock, end), zero});
}

// Runs of rows with a gradient, runs of rows without, cut into blocks.
std::vector<Stretch> stretches_of(const std::vector<Tensor>& parameters) {
  std::vector<Stretch> stretches;
  for (size_t i = 0; i < parameters.size(); ++i) {
    const Tensor& p = parameters[i];
    if (!p.has_grad()) continue;
    const long rows = p.shape().rank() == 2 ? p.dim(0) : 1, width = rows ? p.numel() / rows : 0;
    for (long first = 0, next; first < rows; first = next) {
      next = first + 1;
      while (next < rows && p.row_has_grad(next) == p.row_has_grad(first)) ++next;
      cut(i, first * width, next * width, !p.row_has_grad(first), stretches);
    }
  }
  return stretches;
}

}  // namespace

bool decays(const Tensor& parameter) {
  return !parameter.name().ends_with("bias") && parameter.name().find("LayerNorm") == std::string::npos;
}

void for_each_stretch(const std::vector<Tensor>& parameters, const std::function<void(const Stretch&)>& f) {
  const std::vector<Stretch> stretches = stretches_of(parameters);
  parallel_rows(long(stretches.size()), kBlock, [&](long i) { f(stretches[i]); });
}

double sum_of_stretches(const std::vector<Tensor>& parameters, const std::function<double(const Stretch&)>& f) {
  const std::vector<Stretch> stretches = stretches_of(parameters);
  std::vector<double> part(stretches.size());
  parallel_rows(long(part.size()), kBlock, [&](long i) { part[i] = f(stretches[i]); });
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
