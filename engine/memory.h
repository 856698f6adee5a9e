// Buffer: the storage of tensors and of what a backward keeps; it comes from a pool and goes back to it.
#pragma once

#include <memory>

#include "engine/base.h"

namespace engine {

// A block of numbers, uninitialised, 64-byte aligned. Copies share it; the last one gives it back to the pool.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(long size);

  real* data() const { return block_.get(); }
  long size() const { return size_; }
  real& operator[](long i) const { return block_.get()[i]; }
  explicit operator bool() const { return block_ != nullptr; }
  Buffer part(long begin, long size) const;  // shares the block
  void zero() const;

 private:
  std::shared_ptr<real> block_;
  long size_ = 0;
};

struct MemoryUse {
  long in_use;  // bytes that live tensors hold now
  long peak;    // the most they ever held
};
MemoryUse memory_use();
void forget_peak();  // from now on, the peak is that of what follows

}  // namespace engine
