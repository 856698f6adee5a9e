// What every file of the project stands on: the number type, the one exception, and check().
#pragma once

#include <fmt/core.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace engine {

// The number type of every tensor. The double build exists for gradient checks: finite differences need the digits.
#ifdef REAL_IS_DOUBLE
using real = double;
#else
using real = float;
#endif

// Any condition that the caller, the user or the data broke. Programs print it as `error: ...` and exit with 1.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Throws Error with the formatted sentence. The format string is verified at compile time.
template <class... Args>
[[noreturn]] void fail(fmt::format_string<const Args&...> text, const Args&... args) {
  throw Error(fmt::format(text, args...));
}

// Throws unless `condition` holds. The sentence reads: who: what must hold; what arrived.
template <class... Args>
void check(bool condition, fmt::format_string<const Args&...> text, const Args&... args) {
  if (!condition) [[unlikely]]
    throw Error(fmt::format(text, args...));
}

}  // namespace engine
