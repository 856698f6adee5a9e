// The form of options.ini, and of files that people write for --config: a line is `option = value`.
//   name = word           everything up to the end of the line, without blanks at its ends
//   name = "a \"b\"\n"    a string of JSON, where that would not do; 'it as it stands' in single quotes
//   name = [a, "b, c"]    several values; the same as several lines with this name
//   # a comment           on a line of its own, or after a quoted value or a list
// A line with a name only switches a flag on.
#pragma once

#include <string>
#include <vector>

namespace run {

struct OptionLine {
  std::string name;
  std::vector<std::string> values;  // none: a name only
  long line = 0;                    // in the file, from 1
};

// Error: PATH:LINE: what is wrong with the line.
std::vector<OptionLine> parse_option_lines(const std::string& text, const std::string& path);

// "name=value\n" so that parse_option_lines() brings back the very bytes.
std::string option_line(const std::string& name, const std::string& value);

}  // namespace run
