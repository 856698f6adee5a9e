// Gzip (RFC 1952) out of pieces of any size: one member or several, zeros behind them.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

struct z_stream_s;

namespace files {

class Gunzip {
 public:
  static bool is(std::string_view beginning);  // by its first two bytes

  explicit Gunzip(std::string path);  // its name in errors
  // Unpacks from the front of `bytes`, takes away what it has used, and returns how many bytes it wrote into
  // out[0, most): fewer than `most` only when `bytes` are used up. Error: damaged, or something else behind a member.
  size_t unpack(std::string_view& bytes, char* out, size_t most);
  // No bytes follow. Error: the last member has not ended.
  void finish() const;

 private:
  struct Close {
    void operator()(z_stream_s* stream) const;
  };

  std::string path_;
  std::unique_ptr<z_stream_s, Close> stream_;
  bool inside_ = true;  // a member: its bytes have not ended
  bool later_ = false;  // a member has ended before
};

}  // namespace files
