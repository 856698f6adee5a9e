// safetensors: the file format of published weights. A header that names every tensor, then the numbers.
// https://github.com/huggingface/safetensors
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "engine/packed.h"
#include "nn/format/files.h"

namespace nn {
using namespace engine;

// An open file, or the files that an index (NAME.safetensors.index.json) makes one of. Every header is verified whole
// before anything is believed: sizes, types and offsets must account for every byte of the file, once; an index must
// name each tensor of its files, and each of them once.
class SafeTensors {
 public:
  struct Entry {
    std::string dtype;  // F32, F16, BF16, F64, I32, I64, ...
    std::vector<long> shape;
    long begin = 0, end = 0;  // bytes, from the start of the data
    size_t file = 0;          // of those that there are
    long numel() const;
  };

  // Error: no such file; not safetensors (what it is instead, where that can be seen: the pointer of git-lfs, a page, a
  // pickle, an archive); a header or index that lies.
  explicit SafeTensors(const std::string& path);

  const std::string& path() const { return path_; }
  const std::map<std::string, Entry>& entries() const { return entries_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  bool has(const std::string& name) const { return entries_.count(name) > 0; }
  const Entry& entry(const std::string& name) const;

  Tensor read(const std::string& name) const;  // F64, F32, F16 and BF16, converted to real; I8 with its scales
  void read_into(const std::string& name, real* to) const;
  ByteRows read_bytes(const std::string& name) const;         // I8 [R, C], and NAME_scale [R, 1]
  std::vector<int> read_ints(const std::string& name) const;  // I32 and I64
  std::string bytes(const std::string& name) const { return bytes_of(entry(name)); }  // as they stand there

 private:
  void open(const std::string& path);
  void open_index(const std::string& path);
  std::string bytes_of(const Entry& entry) const;

  struct File {
    std::string path;
    long data_start;
  };
  std::string path_;
  std::vector<File> files_;
  std::map<std::string, Entry> entries_;
  std::map<std::string, std::string> metadata_;
};

// The weights of a model directory: model.safetensors, or the files of model.safetensors.index.json. Error: neither,
// with what there is instead (a pickle, another framework's weights, an adapter alone).
SafeTensors open_weights(const std::string& directory);

// Writes the tensors, {"format": "pt"} among the metadata: some loaders refuse files without it. As F16 every number is
// the nearest that half precision has, ties to even. Error: a finite number beyond its range of 65504. As I8 a matrix
// is two tensors, its rows as engine/packed.h has them and, with the suffix `kScale`, their scales as F32 [R, 1].
// Error: a number that is not finite.
enum class Stored { f32, f16, i8 };
constexpr const char* kScale = "_scale";
void save_safetensors(const std::string& path, const std::vector<Tensor>& named_tensors,
                      std::map<std::string, std::string> metadata = {}, Stored stored = Stored::f32);
using HowStored = std::function<Stored(const Tensor&)>;
void save_safetensors(const std::string& path, const std::vector<Tensor>& named_tensors,
                      std::map<std::string, std::string> metadata, const HowStored& how);

}  // namespace nn
