// Encodings: bytes to UTF-8, by the name of their encoding or by what the bytes say of it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "tasks/text/data.h"

namespace text {

inline constexpr const char* kInvalidUtf8 = "invalid UTF-8 became U+FFFD";  // what a Warning says of it

// What is wrong with the name of an encoding; empty: nothing. Known are auto, utf-8, utf-16, windows-1252, latin-1, and
// what the system's iconv knows.
std::string encoding_error(const std::string& name);

// UTF-16 and UTF-32, whose line ends are no single byte.
bool is_wide(const std::string& encoding);

// Any encoding but UTF-8, block by block; what it does not have becomes U+FFFD.
class Decoder {
 public:
  explicit Decoder(const std::string& encoding);          // Error: as encoding_error()
  void decode(std::string_view bytes, std::string& out);  // appends
  void finish(std::string& out);                          // the end: half a character is none
  long invalid() const { return invalid_; }

 private:
  std::unique_ptr<void, int (*)(void*)> converter_;
  size_t unit_;  // bytes to go on by after what is no character
  std::string rest_;
  long invalid_ = 0;
};

// UTF-16 or UTF-32 by a byte-order mark, or UTF-16 without one, where every second byte of the beginning is zero as a
// rule and no other is; empty: neither.
struct Wide {
  std::string encoding;  // UTF-16LE, ...
  bool marked = false;
};
Wide wide_encoding_of(std::string_view bytes);

// A whole file to UTF-8. `encoding` auto: UTF-8 if it is, wide_encoding_of(), else windows-1252 if more of what is not
// ASCII is none of UTF-8 than is; what is a guess is said in `warnings`, with the first line in doubt. Of UTF-8, that
// which is none of it becomes U+FFFD, and a warning says so.
std::string to_utf8(std::string bytes, const std::string& encoding, const std::string& path,
                    std::vector<Warning>& warnings);

}  // namespace text
