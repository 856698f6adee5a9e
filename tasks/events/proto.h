// Proto: protocol buffers as TensorBoard reads them, written field by field. Four wire types make up the format, so
// that a generator and its library would weigh more than this page.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace events {

// A message under way. Every field is `key payload` with key = field << 3 | wire type; numbers are little-endian:
//   0 varint: seven bits a byte, the lowest first     1 eight bytes     2 a length, then so many bytes     5 four bytes
// A field that holds its default is written here all the same: whoever wants it left out does not call.
class Proto {
 public:
  Proto& varint(int field, uint64_t value);
  Proto& number(int field, double value);  // eight bytes
  Proto& number(int field, float value);   // four bytes
  Proto& bytes(int field, std::string_view value);
  Proto& message(int field, const Proto& value) { return bytes(field, value.text_); }

  const std::string& text() const { return text_; }

 private:
  void raw_varint(uint64_t value);
  Proto& fixed(int field, int wire, const void* bytes, size_t count);

  std::string text_;
};

}  // namespace events
