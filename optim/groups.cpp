// Passes over all parameters: one parallel loop, whatever the number of tensors. Read optim/adamw.cpp next.
#include "optim/groups.h"

#include <fnmatch.h>

#include <algorithm>

#include "engine/strings.h"

namespace optim {
namespace {

void cut(size_t parameter, long begin, long end, Rows rows, std::vector<Chunk>& into) {
  for (; begin < end; begin += kBlock) into.push_back({parameter, begin, std::min(begin + kBlock, end), rows});
}

// Runs of rows of one kind, cut into blocks.
std::vector<Chunk> chunks_of(const std::vector<Tensor>& parameters, const TouchedRows* touched) {
  std::vector<Chunk> chunks;
  for (size_t i = 0; i < parameters.size(); ++i) {
    const Tensor& p = parameters[i];
    if (!p.has_grad()) continue;
    const std::vector<char>* with_gradient = p.grad_rows();
    if (!with_gradient) {
      cut(i, 0, p.numel(), Rows::with_gradient, chunks);
      continue;
    }
    const auto kind = [&](long row) {
      if ((*with_gradient)[row]) return Rows::with_gradient;
      return touched && !touched->of(i, row) ? Rows::untouched : Rows::without_gradient;
    };
    const long rows = p.dim(0), width = p.dim(1);
    for (long first = 0, next; first < rows; first = next) {
      next = first + 1;
      while (next < rows && kind(next) == kind(first)) ++next;
      cut(i, first * width, next * width, kind(first), chunks);
    }
  }
  return chunks;
}

}  // namespace

std::vector<double> rate_factors(const std::vector<Tensor>& parameters, const std::vector<RateOf>& rates) {
  std::vector<double> factors(parameters.size(), 1);
  for (const RateOf& rate : rates)
    for (size_t p = 0; p < parameters.size(); ++p)
      if (fnmatch(rate.names.c_str(), parameters[p].name().c_str(), 0) == 0) factors[p] = rate.factor;
  return factors;
}

bool decays(const Tensor& parameter) {
  const std::string name = engine::ascii_lower(parameter.name());
  if (name.ends_with("bias") || name.ends_with("lora_magnitude_vector")) return false;
  for (const char* of_norm : {"layernorm", "layer_norm", "rmsnorm"})
    if (name.find(of_norm) != std::string::npos) return false;
  const std::vector<std::string> parts = engine::split(name, '.');
  return std::ranges::none_of(parts, [](const std::string& p) { return p == "norm" || p.ends_with("_norm"); });
}

void for_each_chunk(const std::vector<Tensor>& parameters, const std::function<void(const Chunk&)>& f,
                    const TouchedRows* touched) {
  const std::vector<Chunk> chunks = chunks_of(parameters, touched);
  parallel_tasks(long(chunks.size()), [&](long i) { f(chunks[i]); });
}

double sum_of_chunks(const std::vector<Tensor>& parameters, const std::function<double(const Chunk&)>& f) {
  const std::vector<Chunk> chunks = chunks_of(parameters, nullptr);
  std::vector<double> part(chunks.size());
  parallel_tasks(long(part.size()), [&](long i) { part[i] = f(chunks[i]); });
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

void TouchedRows::update(const std::vector<Tensor>& parameters, std::initializer_list<const Moment*> moments) {
  rows_.resize(parameters.size());
  for (size_t p = 0; p < parameters.size(); ++p) {
    const std::vector<char>* with_gradient = parameters[p].grad_rows();
    std::vector<char>& touched = rows_[p];
    if (with_gradient && touched.empty()) {  // the first time: a checkpoint may have filled the moments
      const long width = parameters[p].dim(1);
      touched.resize(with_gradient->size());
      parallel_rows(long(touched.size()), width, [&](long row) {
        for (const Moment* moment : moments) {
          const real* x = moment->of(p) + row * width;
          touched[row] |= std::any_of(x, x + width, [](real number) { return number != 0; });
        }
      });
    }
    for (size_t row = 0; row < touched.size(); ++row) touched[row] |= !with_gradient || (*with_gradient)[row];
  }
}

}  // namespace optim
