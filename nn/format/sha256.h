// SHA-256 (FIPS 180-4): what names a file or a base model for good. Of our own, since sixty lines weigh less than a
// library of cryptography that every program would have to be linked with; it need not be faster than a disk.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace nn {

class Sha256 {
 public:
  // By the processor's own instructions where it has them, which are six times as fast, or without.
  explicit Sha256(bool by_instructions = true) : by_instructions_(by_instructions) {}
  void add(std::string_view bytes);
  std::string hex();  // the digest of all that was added; nothing can be added after it

 private:
  void blocks(const uint8_t* bytes, size_t count);

  bool by_instructions_;
  std::array<uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<uint8_t, 64> rest_{};  // of the last block, as far as it goes
  uint64_t length_ = 0;             // bytes
};

std::string sha256_hex(std::string_view bytes);

}  // namespace nn
