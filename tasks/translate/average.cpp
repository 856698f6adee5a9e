// Weights of epochs, kept and averaged. Read tasks/translate/main.cpp next: when.
#include "tasks/translate/average.h"

#include <algorithm>
#include <filesystem>

#include "nn/format/safetensors.h"

namespace translate {

std::string Average::file(long epoch) const { return fmt::format("{}/epoch-{}.safetensors", directory_, epoch); }

void Average::keep(const nn::Params& params, long epoch, long first) const {
  std::error_code error;
  std::filesystem::create_directories(directory_, error);
  engine::check(!error, "{}: cannot be created: {}", directory_, error.message());
  nn::save_safetensors(file(epoch), params.own());
  for (long old = std::min(epoch, first) - last_; old > 0 && std::filesystem::remove(file(old), error);) --old;
}

void Average::read(const nn::Params& into, long epoch) const {
  std::vector<nn::SafeTensors> files;
  for (long e = std::max(1L, epoch - last_ + 1); e <= epoch; ++e)
    if (std::filesystem::exists(file(e))) files.emplace_back(file(e));
  for (const engine::Tensor& p : into.own()) {
    std::vector<double> sum(p.numel());
    for (const nn::SafeTensors& f : files) {
      const engine::Tensor weights = f.read(p.name());
      for (long i = 0; i < p.numel(); ++i) sum[i] += double(weights.data()[i]);
    }
    for (long i = 0; i < p.numel(); ++i) p.data()[i] = engine::real(sum[i] / double(files.size()));
  }
}

}  // namespace translate
