// A tensor that is too large for memory, alone in a safetensors file: written piece after piece, read part by part.
#pragma once

#include <cstdio>
#include <memory>

#include "nn/format/safetensors.h"

namespace nn {

// Writes the F32 tensor `name` of `count` numbers, which `content` hands over from the first to the last. The file is
// whole or absent. Error: more or fewer numbers than announced.
using Append = std::function<void(const real* numbers, long count)>;
void write_tensor_stream(const std::string& path, const std::string& name, long count,
                         std::map<std::string, std::string> metadata,
                         const std::function<void(const Append&)>& content);

class TensorStream {
 public:
  TensorStream(const std::string& path, const std::string& name);
  const std::map<std::string, std::string>& metadata() const { return file_.metadata(); }
  long count() const { return entry_.numel(); }
  void read(long first, long numbers, real* to) const;

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  SafeTensors file_;
  SafeTensors::Entry entry_;
  std::unique_ptr<std::FILE, Close> open_;
  long start_;  // of the tensor, in bytes
};

}  // namespace nn
