// A text file of any size, read a block of whole lines at a time: memory holds a block, not the file.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tasks/text/data.h"

namespace text {

class LineBlocks {
 public:
  // Error: no such file, a directory, not readable. `block`: bytes; a longer line makes its block longer.
  explicit LineBlocks(const std::string& path, size_t block = 4 << 20);

  // Goes on to the next block; false at the end. Error: an empty file, a NUL.
  bool next();

  const std::vector<std::string_view>& lines() const { return lines_; }  // valid until next(); no \n, no \r\n
  long first_line() const { return first_line_; }                        // the number of lines()[0], from 1
  long bytes() const { return bytes_; }                                  // read so far

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  size_t read();

  std::string path_;
  size_t block_;
  std::unique_ptr<std::FILE, Close> file_;
  std::string buffer_;    // a block, and behind it the start of the next one
  size_t used_ = 0;  // how much of buffer_ is in lines_
  std::vector<std::string_view> lines_;
  long first_line_ = 1, bytes_ = 0;
  bool ended_ = false;
};

// Every line of a file as a text, empty ones too; Example::where is file:line. Invalid UTF-8 becomes U+FFFD.
std::vector<Example> read_lines(const std::string& path);

// Two files whose lines belong together, the first to the first. Error: an empty line, or one file longer than the other.
struct ParallelTexts {
  std::vector<Example> source, target;
};
ParallelTexts read_parallel(const std::string& source, const std::string& target);

}  // namespace text
