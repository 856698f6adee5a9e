// The pool: a training step asks for the same sizes again and again, and asking the system costs page faults. Freed blocks wait in lists by size class. Read engine/tensor.h next.
#include "engine/memory.h"

#include <sys/mman.h>

#include <bit>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <new>

namespace engine {
namespace {

constexpr long kAlignment = 64;
constexpr long kHugePage = 2L << 20;

#ifdef __SANITIZE_ADDRESS__
constexpr bool kReuse = false;  // a reused block would hide a use after free from the sanitizer
#else
constexpr bool kReuse = true;
#endif

// Sizes are rounded up to 2^k * {1, 5/4, 3/2, 7/4}, so that batches of nearly equal length share blocks; at most a
// quarter is wasted, and untouched pages cost nothing.
long size_class(long bytes) {
  if (bytes <= 256) return 256;
  const long step = long(std::bit_floor(static_cast<unsigned long>(bytes - 1))) / 4;
  return (bytes + step - 1) / step * step;
}

class Pool {
 public:
  void* take(long bytes) {
    const std::lock_guard lock(mutex_);
    auto& waiting = free_[bytes];
    void* block = nullptr;
    if (waiting.empty()) {
      block = fresh(bytes);
    } else {
      block = waiting.back();
      waiting.pop_back();
      use_.pooled -= bytes;
    }
    use_.in_use += bytes;
    use_.peak = std::max(use_.peak, use_.in_use);
    return block;
  }

  void give(void* block, long bytes) {
    const std::lock_guard lock(mutex_);
    use_.in_use -= bytes;
    if (!kReuse) return std::free(block);
    free_[bytes].push_back(block);
    use_.pooled += bytes;
  }

  MemoryUse use() {
    const std::lock_guard lock(mutex_);
    return use_;
  }

 private:
  void* fresh(long bytes) {
    const long alignment = bytes >= kHugePage ? kHugePage : kAlignment;
    const long rounded = (bytes + alignment - 1) / alignment * alignment;
    void* block = std::aligned_alloc(alignment, rounded);
    if (!block) {  // what waits in other sizes may be enough
      release();
      block = std::aligned_alloc(alignment, rounded);
    }
    if (!block) fail("out of memory: {} MiB more were asked for", bytes >> 20);
    if (bytes >= kHugePage) madvise(block, bytes, MADV_HUGEPAGE);  // fewer page faults and TLB misses
    return block;
  }

  void release() {
    for (auto& [bytes, waiting] : free_) {
      for (void* block : waiting) std::free(block);
      use_.pooled -= bytes * long(waiting.size());
      waiting.clear();
    }
  }

  std::mutex mutex_;
  std::map<long, std::vector<void*>> free_;
  MemoryUse use_{};
};

// Never destroyed: tensors in static storage may outlive it otherwise.
Pool& pool() {
  static Pool& pool = *new Pool;
  return pool;
}

}  // namespace

Buffer::Buffer(long size) : size_(size) {
  long bytes = 0;
  check(size >= 0 && !__builtin_mul_overflow(size, long(sizeof(real)), &bytes) && bytes < (1L << 46),
        "out of memory: {} numbers do not fit any machine", size);
  bytes = size_class(bytes);
  block_ = std::shared_ptr<real>(static_cast<real*>(pool().take(bytes)), [bytes](real* p) { pool().give(p, bytes); });
}

Buffer Buffer::part(long begin, long size) const {
  check(begin >= 0 && size >= 0 && begin + size <= size_, "buffer: part {}+{} of {}", begin, size, size_);
  Buffer part;
  part.block_ = std::shared_ptr<real>(block_, block_.get() + begin);
  part.size_ = size;
  return part;
}

void Buffer::zero() const { std::memset(data(), 0, size_ * sizeof(real)); }

MemoryUse memory_use() { return pool().use(); }

}  // namespace engine
