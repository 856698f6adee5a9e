// Errors as C has them. Read tasks/capi/attune.h first.
#include "tasks/capi/border.h"

#include <cstring>

namespace capi {
namespace {

constexpr size_t kLongest = 4000;  // bytes
thread_local char text[kLongest + 1] = "";

}  // namespace

void remember(const char* why) noexcept {
  size_t length = std::strlen(why);
  if (length > kLongest) {
    length = kLongest;
    while (length > 0 && (why[length] & 0xC0) == 0x80) --length;  // not in the middle of a character
  }
  std::memmove(text, why, length);
  text[length] = '\0';
}

const char* remembered() noexcept { return text; }

bool wants(const char* who, const void* buffer, size_t size, int64_t numbers) {
  if (size == 0) return false;
  engine::check(buffer != nullptr, "{}: the buffer is NULL, but its size is {}", who, size);
  if (numbers > 0 && size < size_t(numbers))
    throw TooSmall(fmt::format("{}: the buffer has room for {} numbers; there are {}", who, size, numbers));
  return numbers > 0;
}

}  // namespace capi
