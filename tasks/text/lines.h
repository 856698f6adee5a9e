// A text file of any size, read a block of whole lines at a time: memory holds a block, not the file.
#pragma once

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tasks/files/gunzip.h"
#include "tasks/text/encoding.h"

namespace text {

// Whether a file is texts, one a line, by its name: .txt, or .txt.gz.
bool has_lines(const std::string& path);

class LineBlocks {
 public:
  // Of gzip what is in it. `encoding` auto: UTF-16 if it is marked, else UTF-8, which is not looked at. `block`: bytes;
  // a longer line makes its block longer. Error: no such file, a directory, not readable.
  explicit LineBlocks(const std::string& path, const std::string& encoding = "auto", size_t block = 4 << 20);

  // Goes on to the next block; false at the end. Error: an empty file that is not standard input, a NUL, a line of more
  // than kLongestLine, a gzip that is damaged, cut off or followed by something else.
  bool next();

  // Valid until next(); without \n or \r\n, or without \r where the file has no \n.
  const std::vector<std::string_view>& lines() const { return lines_; }
  long first_line() const { return first_line_; }  // the number of lines()[0], from 1
  long bytes() const;                              // of the file that are read so far
  long invalid() const;  // characters so far that another encoding than UTF-8 does not have: they became U+FFFD

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  size_t read();
  size_t fill(char* out, size_t most);
  void take(std::string_view bytes);

  std::string path_, encoding_;
  size_t block_;
  std::unique_ptr<std::FILE, Close> file_;
  std::string packed_;     // a part of the file
  std::string_view left_;  // what of packed_ was not used yet
  long read_ = 0;          // bytes of the file
  std::optional<files::Gunzip> gunzip_;
  std::optional<Decoder> decoder_;  // of anything but UTF-8
  std::string buffer_;              // a block, and behind it the start of the next one
  size_t used_ = 0;                 // how much of buffer_ is in lines_
  std::vector<std::string_view> lines_;
  long first_line_ = 1, bytes_ = 0;  // bytes_: of the text so far
  bool begun_ = false, ended_ = false;
};

// What becomes of lines that are not valid UTF-8: U+FFFD where they are not, or "WHERE: the line is not valid UTF-8".
enum class Invalid { repaired, refused };

// Every line of a file as a text, empty ones too; Example::where is file:line.
std::vector<Example> read_lines(const std::string& path, Invalid invalid = Invalid::repaired);

// Two files whose lines belong together, the first to the first. Error: an empty line, or one file longer than the
// other.
struct ParallelTexts {
  std::vector<Example> source, target;
};
ParallelTexts read_parallel(const std::string& source, const std::string& target, Invalid invalid = Invalid::repaired);

}  // namespace text
