// Refusal: an answer that is a sentence and a status instead of what was asked for.
#pragma once

#include "engine/base.h"

namespace http {

struct Refusal : engine::Error {
  int status;
  long retry_after = 0;    // seconds; 0: not said
  std::string allow = {};  // of 405: the methods that there are
  Refusal(int s, const std::string& sentence, long seconds = 0)
      : engine::Error(sentence), status(s), retry_after(seconds) {}
};

// As engine::check(), for what a client asks: the text is not what was meant (422), JSON is none (400), ...
template <class... Args>
void ask(bool condition, int status, fmt::format_string<const Args&...> text, const Args&... args) {
  if (!condition) [[unlikely]]
    throw Refusal(status, fmt::format(text, args...));
}

}  // namespace http
