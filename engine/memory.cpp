// The pool: a training step asks for the same sizes again and again, and asking the system costs page faults. Small
// blocks wait in lists by size; large ones are cut from regions of address space. Read engine/tensor.h next.
#include "engine/memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <new>

namespace engine {
namespace {

constexpr long kAlignment = 64;
constexpr long kSmall = 64L << 10;  // bytes up to which a block comes from a list
constexpr long kRegion = 1L << 40;  // bytes of address space to ask for; only pages that were touched are memory
constexpr long kHugePage = 2L << 20;

#ifdef __has_feature  // clang has no macro of g++'s name
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
constexpr bool kReuse = false;  // a reused block would hide a use after free from the sanitizer
#else
constexpr bool kReuse = true;
#endif

// The double build is the tests' alone: there a block begins as NaNs and is followed by some that signal, which must
// still be there when it comes back. So a number that is read before it is written, or past the end, spoils a result,
// and one that is written past the end, or added to there, which makes its NaN a quiet one, ends the process.
constexpr long kGuard = sizeof(real) == 8 ? 8 : 0;    // numbers
constexpr uint64_t kSignals = 0x7ff4'1414'1414'1414;  // one of them
constexpr long kMostFilled = 1L << 20;                // bytes: larger blocks may be address space that nobody touches

void guard(real* block, long bytes) {
  if (kGuard == 0) return;
  if (bytes <= kMostFilled) std::memset(block, 0xff, bytes);
  char* end = reinterpret_cast<char*>(block) + bytes;
  for (long i = 0; i < kGuard; ++i) std::memcpy(end + i * long(sizeof kSignals), &kSignals, sizeof kSignals);
}

void check_guard(const real* block, long bytes) {
  const char* end = reinterpret_cast<const char*>(block) + bytes;
  for (long i = 0; i < kGuard; ++i)
    if (std::memcmp(end + i * long(sizeof kSignals), &kSignals, sizeof kSignals) != 0) {
      std::fprintf(stderr, "buffer: something was written past the end of a block of %ld bytes\n", bytes);
      std::abort();
    }
}

// A small size is rounded up to 2^k * {1, 5/4, 3/2, 7/4}, so that batches of nearly equal length share blocks; a large
// one to the alignment.
long rounded(long bytes) {
  if (bytes <= 256) return 256;
  if (bytes > kSmall) return (bytes + kAlignment - 1) / kAlignment * kAlignment;
  const long step = long(std::bit_floor(static_cast<unsigned long>(bytes - 1))) / 4;
  return (bytes + step - 1) / step * step;
}

// Large blocks: the free block with the lowest address that is large enough is cut; a block that comes back is joined
// with free neighbours. So what backward frees, from the last layer to the first, makes room for gradients.
class Regions {
 public:
  void* take(long bytes) {
    for (auto block = free_.begin(); block != free_.end(); ++block) {
      const auto [start, size] = *block;
      if (size < bytes) continue;
      free_.erase(block);
      if (size > bytes) free_.emplace(start + bytes, size - bytes);
      return start;
    }
    if (!grow(bytes)) fail("out of memory: {} MiB more were asked for", bytes >> 20);
    return take(bytes);
  }

  void give(void* pointer, long bytes) {
    char* start = static_cast<char*>(pointer);
    auto next = free_.lower_bound(start);
    if (next != free_.end() && next->first == start + bytes) {
      bytes += next->second;
      next = free_.erase(next);
    }
    if (next != free_.begin()) {
      const auto before = std::prev(next);
      if (before->first + before->second == start) {
        before->second += bytes;
        return;
      }
    }
    free_.emplace(start, bytes);
  }

 private:
  // One region for everything, so that low addresses are used first; less where the system allows less.
  bool grow(long bytes) {
    for (long size = kRegion; size >= bytes + kHugePage; size /= 2) {
      void* region = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (region == MAP_FAILED) continue;
      madvise(region, size, MADV_HUGEPAGE);  // fewer page faults and TLB misses
      give(region, size);
      return true;
    }
    return false;
  }

  std::map<char*, long> free_;
};

class Pool {
 public:
  void* take(long bytes) {
    const std::lock_guard lock(mutex_);
    void* block = nullptr;
    if (!kReuse)
      block = std::aligned_alloc(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
    else if (bytes > kSmall)
      block = regions_.take(bytes);
    else if (auto& waiting = small_[bytes]; !waiting.empty()) {
      block = waiting.back();
      waiting.pop_back();
    } else {
      block = std::aligned_alloc(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
    }
    if (!block) fail("out of memory: {} bytes more were asked for", bytes);
    use_.in_use += bytes;
    use_.peak = std::max(use_.peak, use_.in_use);
    return block;
  }

  void give(void* block, long bytes) {
    const std::lock_guard lock(mutex_);
    use_.in_use -= bytes;
    if (!kReuse) return std::free(block);
    if (bytes > kSmall) return regions_.give(block, bytes);
    small_[bytes].push_back(block);
  }

  MemoryUse use() {
    const std::lock_guard lock(mutex_);
    return use_;
  }

  void forget_peak() {
    const std::lock_guard lock(mutex_);
    use_.peak = use_.in_use;
  }

 private:
  std::mutex mutex_;
  std::map<long, std::vector<void*>> small_;
  Regions regions_;
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
  const long taken = rounded(bytes + kGuard * long(sizeof(real)));
  block_ = std::shared_ptr<real>(static_cast<real*>(pool().take(taken)), [bytes, taken](real* p) {
    check_guard(p, bytes);
    pool().give(p, taken);
  });
  guard(block_.get(), bytes);
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
void forget_peak() { pool().forget_peak(); }

}  // namespace engine
