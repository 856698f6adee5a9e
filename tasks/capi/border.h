// The border between C and C++: what is thrown stays on this side, and what was wrong is a text of the thread.
#pragma once

#include <exception>

#include "engine/base.h"
#include "tasks/capi/attune.h"
#include "tasks/run/console.h"

namespace capi {

// What attune_error() says in this thread from now on, shortened where it is very long. Takes no memory.
void remember(const char* why) noexcept;
const char* remembered() noexcept;

// A buffer that does not hold what was asked for.
struct TooSmall : engine::Error {
  using Error::Error;
};

// What every function of attune.h does: work() in silence, or `failed` and a text.
template <class Result, class Work>
Result guarded(Result failed, Work work) noexcept {
  try {
    const run::Quiet quiet;
    return work();
  } catch (const TooSmall& e) {
    remember(e.what());
    if constexpr (std::is_integral_v<Result>) return ATTUNE_SIZE;
  } catch (const std::bad_alloc&) { remember("out of memory"); } catch (const std::exception& e) {
    remember(e.what());
  } catch (...) { remember("an error that says nothing of itself"); }
  return failed;
}

// Whether the caller's buffer is to be filled: false if it only asks for the size.
// Error: `who`: NULL, or room for fewer numbers than there are.
bool wants(const char* who, const void* buffer, size_t size, int64_t numbers);

}  // namespace capi
