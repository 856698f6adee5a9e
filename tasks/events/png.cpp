// PNG files by zlib, whose checksum is PNG's, too. Read tasks/events/png.h first.
#include "tasks/events/png.h"

#include <zlib.h>

#include "engine/base.h"

namespace events {
namespace {

std::string big_endian(uint32_t value) { return {char(value >> 24), char(value >> 16), char(value >> 8), char(value)}; }

// length u32, type, data, CRC-32 of type and data
std::string chunk(const std::string& type, const std::string& data) {
  const std::string body = type + data;
  const uLong crc = crc32(0, reinterpret_cast<const Bytef*>(body.data()), uInt(body.size()));
  return big_endian(uint32_t(data.size())) + body + big_endian(uint32_t(crc));
}

}  // namespace

std::string grey_png(long width, long height, const std::vector<uint8_t>& pixels) {
  engine::check(width > 0 && height > 0 && long(pixels.size()) == width * height,
                "a picture of {} x {} pixels: {} are given", width, height, pixels.size());
  std::string rows;  // a byte before each row names its filter: 0, none
  for (long y = 0; y < height; ++y) {
    rows += '\0';
    rows.append(reinterpret_cast<const char*>(pixels.data()) + y * width, size_t(width));
  }
  uLongf size = compressBound(uLong(rows.size()));
  std::string packed(size, '\0');
  const int status = compress2(reinterpret_cast<Bytef*>(packed.data()), &size,
                               reinterpret_cast<const Bytef*>(rows.data()), uLong(rows.size()), Z_BEST_SPEED);
  engine::check(status == Z_OK, "a picture of {} x {} pixels: zlib gives up ({})", width, height, status);
  packed.resize(size);
  const std::string header = big_endian(uint32_t(width)) + big_endian(uint32_t(height)) +
                             std::string("\x08\0\0\0\0", 5);  // 8 bits, grey, deflate, filters by row, no interlacing
  return "\x89PNG\r\n\x1a\n" + chunk("IHDR", header) + chunk("IDAT", packed) + chunk("IEND", "");
}

}  // namespace events
