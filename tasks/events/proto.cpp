// The wire format of protocol buffers. Read tasks/events/proto.h first; nothing else stands before it.
#include "tasks/events/proto.h"

#include <bit>

namespace events {

static_assert(std::endian::native == std::endian::little, "numbers go into the files as they lie in memory");

void Proto::raw_varint(uint64_t value) {
  for (; value >= 0x80; value >>= 7) text_ += char(value | 0x80);
  text_ += char(value);
}

Proto& Proto::fixed(int field, int wire, const void* bytes, size_t count) {
  raw_varint(uint64_t(field) << 3 | uint64_t(wire));
  text_.append(static_cast<const char*>(bytes), count);
  return *this;
}

Proto& Proto::varint(int field, uint64_t value) {
  raw_varint(uint64_t(field) << 3);
  raw_varint(value);
  return *this;
}

Proto& Proto::number(int field, double value) { return fixed(field, 1, &value, sizeof value); }
Proto& Proto::number(int field, float value) { return fixed(field, 5, &value, sizeof value); }

Proto& Proto::bytes(int field, std::string_view value) {
  raw_varint(uint64_t(field) << 3 | 2);
  raw_varint(value.size());
  text_ += value;
  return *this;
}

}  // namespace events
