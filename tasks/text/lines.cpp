// Blocks of lines: read, look for the last line feed, keep what is behind it for the next block.
// Nothing to read before.
#include "tasks/text/lines.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>

#include "nn/format/files.h"
#include "tasks/text/utf8.h"

namespace text {

using engine::check;

LineBlocks::LineBlocks(const std::string& path, size_t block) : path_(path), block_(block) {
  check(!std::filesystem::is_directory(path), "{}: a directory, not a file", path);
  file_.reset(std::fopen(path.c_str(), "rb"));
  nn::check_io(file_ != nullptr, path, "read");
}

// Appends up to a block to buffer_ and says where its last line ends; 0 when no line ends in what was read.
size_t LineBlocks::read() {
  const size_t before = buffer_.size();
  buffer_.resize(before + block_);
  const size_t got = std::fread(buffer_.data() + before, 1, block_, file_.get());
  nn::check_io(!std::ferror(file_.get()), path_, "read");
  buffer_.resize(before + got);
  ended_ = got < block_;
  const std::string_view fresh = std::string_view(buffer_).substr(before);
  check_text(fresh, path_, bytes_);
  bytes_ += long(got);
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
  std::string_view block = std::string_view(buffer_).substr(0, used_);
  if (first) drop_byte_order_marks(block);
  check(!first || !block.empty(), "{}: the file is empty", path_);
  for (size_t start = 0; start < block.size();) {
    const size_t end = std::min(block.find('\n', start), block.size());
    std::string_view line = block.substr(start, end - start);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines_.push_back(line);
    start = end + 1;
  }
  return !lines_.empty();
}

std::vector<Example> read_lines(const std::string& path) {
  std::vector<Example> texts;
  LineBlocks blocks(path);
  while (blocks.next())
    for (size_t i = 0; i < blocks.lines().size(); ++i) {
      const std::string_view line = blocks.lines()[i];
      texts.push_back({.text = repair_utf8(std::string(line)).text,
                       .where = fmt::format("{}:{}", path, blocks.first_line() + long(i))});
    }
  return texts;
}

ParallelTexts read_parallel(const std::string& source, const std::string& target) {
  ParallelTexts texts{read_lines(source), read_lines(target)};
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
