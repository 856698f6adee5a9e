// Blocks of lines: read, look for the last line feed, keep what is behind it for the next block.
// Nothing to read before.
#include "tasks/text/lines.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>

#include "nn/format/files.h"
#include "tasks/text/separated.h"
#include "tasks/text/utf8.h"

namespace text {

using engine::check;

bool has_lines(const std::string& path) { return path.ends_with(".txt") || path.ends_with(".txt.gz"); }

LineBlocks::LineBlocks(const std::string& path, const std::string& encoding, size_t block)
    : path_(path), encoding_(encoding), block_(block) {
  check(!std::filesystem::is_directory(path), "{}: a directory, not a file", path);
  file_.reset(std::fopen(path.c_str(), "rb"));
  nn::check_io(file_ != nullptr, path, "read");
}

long LineBlocks::bytes() const { return read_ - long(left_.size()); }

long LineBlocks::invalid() const { return decoder_ ? decoder_->invalid() : 0; }

// Appends what the file holds to buffer_, as UTF-8.
void LineBlocks::take(std::string_view bytes) {
  if (!begun_) {
    const Wide wide = wide_encoding_of(bytes);
    const bool says = encoding_ == "auto" ? wide.marked : encoding_ == "utf-16" && !wide.encoding.empty();
    const std::string encoding = says ? wide.encoding : encoding_;
    if (encoding != "auto" && encoding != "utf-8") decoder_.emplace(encoding);
    begun_ = true;
  }
  if (decoder_)
    decoder_->decode(bytes, buffer_);
  else
    buffer_ += bytes;
  if (decoder_ && ended_) decoder_->finish(buffer_);
}

// The next bytes of the file, unpacked, into out[0, most); fewer only at its end.
size_t LineBlocks::fill(char* out, size_t most) {
  size_t got = 0;
  for (bool more = true; got < most && more;) {
    if (left_.empty()) {
      packed_.resize(1 << 16);
      left_ = std::string_view(packed_).substr(0, std::fread(packed_.data(), 1, packed_.size(), file_.get()));
      nn::check_io(!std::ferror(file_.get()), path_, "read");
      if (read_ == 0 && files::Gunzip::is(left_)) gunzip_.emplace(path_);
      read_ += long(left_.size());
      more = !left_.empty();
    }
    if (gunzip_) {
      got += gunzip_->unpack(left_, out + got, most - got);
      if (!more) gunzip_->finish();
    } else {
      const size_t n = left_.copy(out + got, most - got);
      left_.remove_prefix(n);
      got += n;
    }
  }
  return got;
}

// Appends up to a block to buffer_ and says where its last line ends; 0 when no line ends in what was read.
size_t LineBlocks::read() {
  check(buffer_.size() <= kLongestLine, "{}:{}: a line of more than {} MiB: no text, or a file without line ends",
        path_, first_line_, kLongestLine >> 20);
  const size_t before = buffer_.size();
  std::string block(std::max<size_t>(block_, begun_ ? 1 : 4), '\0');  // 4: a mark of its encoding
  const size_t got = fill(block.data(), block.size());
  ended_ = got < block.size();
  take(std::string_view(block).substr(0, got));
  const std::string_view fresh = std::string_view(buffer_).substr(before);
  check_text(fresh, path_, bytes_);
  bytes_ += long(fresh.size());
  const size_t end = fresh.rfind('\n');
  return ended_ ? buffer_.size() : end == fresh.npos ? 0 : before + end + 1;
}

bool LineBlocks::next() {
  const bool first = bytes_ == 0;
  first_line_ += long(lines_.size());
  lines_.clear();
  buffer_.erase(0, used_);
  used_ = 0;
  while (!ended_ && used_ == 0) used_ = read();
  if (first && ended_ && buffer_.find('\n') == buffer_.npos)  // old Macs'
    std::replace(buffer_.begin(), buffer_.end(), '\r', '\n');
  std::string_view block = std::string_view(buffer_).substr(0, used_);
  if (first) drop_byte_order_marks(block);
  check(!first || !block.empty() || path_ == "/dev/stdin", "{}: the file is empty", path_);  // of a pipe no error
  for (size_t start = 0; start < block.size();) {
    const size_t end = std::min(block.find('\n', start), block.size());
    std::string_view line = block.substr(start, end - start);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines_.push_back(line);
    start = end + 1;
  }
  return !lines_.empty();
}

std::vector<Example> read_lines(const std::string& path, Invalid invalid) {
  std::vector<Example> texts;
  LineBlocks blocks(path);
  while (blocks.next()) {
    for (size_t i = 0; i < blocks.lines().size(); ++i) {
      Repaired line = repair_utf8(std::string(blocks.lines()[i]));
      texts.push_back(
          {.text = std::move(line.text), .where = fmt::format("{}:{}", path, blocks.first_line() + long(i))});
      check(invalid == Invalid::repaired || line.invalid == 0, "{}: the line is not valid UTF-8", texts.back().where);
    }
    check(invalid == Invalid::repaired || blocks.invalid() == 0,
          "{}: it has bytes that are no character of its encoding", path);
  }
  return texts;
}

ParallelTexts read_parallel(const std::string& source, const std::string& target, Invalid invalid) {
  ParallelTexts texts{read_lines(source, invalid), read_lines(target, invalid)};
  for (const std::vector<Example>* side : {&texts.source, &texts.target})
    for (const Example& e : *side)
      check(!is_blank(e.text), "{}: the line is empty; a pair needs both texts: remove the line from both files",
            e.where);
  check(texts.source.size() == texts.target.size(),
        "{} has {} lines, {} has {}: line i of one must belong to line i of the other", source, texts.source.size(),
        target, texts.target.size());
  return texts;
}

}  // namespace text
