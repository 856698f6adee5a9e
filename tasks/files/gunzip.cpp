// zlib unpacks a member; between members stand zeros or nothing.
#include "tasks/files/gunzip.h"

#include <zlib.h>

#include <algorithm>
#include <utility>

#include "engine/base.h"

namespace files {

using engine::check;

bool Gunzip::is(std::string_view beginning) { return beginning.starts_with("\x1F\x8B"); }

void Gunzip::Close::operator()(z_stream_s* stream) const {
  inflateEnd(stream);
  delete stream;
}

Gunzip::Gunzip(std::string path) : path_(std::move(path)), stream_(new z_stream()) {
  check(inflateInit2(stream_.get(), 16 + MAX_WBITS) == Z_OK, "{}: zlib cannot begin", path_);
}

size_t Gunzip::unpack(std::string_view& bytes, char* out, size_t most) {
  size_t written = 0;
  while (written < most) {
    if (!inside_) {
      bytes.remove_prefix(std::min(bytes.find_first_not_of('\0'), bytes.size()));  // tapes and disks fill up with zeros
      if (bytes.empty()) break;
      inflateReset(stream_.get());
      inside_ = later_ = true;
    }
    const size_t in = std::min<size_t>(bytes.size(), 1 << 30), room = std::min<size_t>(most - written, 1 << 30);
    stream_->next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_->avail_in = uInt(in);
    stream_->next_out = reinterpret_cast<Bytef*>(out + written);
    stream_->avail_out = uInt(room);
    const int status = inflate(stream_.get(), Z_NO_FLUSH);
    const bool foreign = status == Z_DATA_ERROR && later_ && std::string_view(stream_->msg) == "incorrect header check";
    check(!foreign, "{}: compressed by gzip, and something else stands behind it", path_);
    check(status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR, "{}: compressed by gzip, and damaged",
          path_);
    bytes.remove_prefix(in - stream_->avail_in);
    written += room - stream_->avail_out;
    inside_ = status != Z_STREAM_END;
    if (status == Z_BUF_ERROR) break;  // nothing left to read
  }
  return written;
}

void Gunzip::finish() const {
  check(!inside_, "{}: compressed by gzip, and ends in the middle: was it copied whole?", path_);
}

}  // namespace files
