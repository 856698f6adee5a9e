// Labels: the classes of a task, their order, and what stands for them in a file.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/strings.h"
#include "nn/format/json_value.h"

namespace text {

class Labels {
 public:
  Labels() = default;                                      // none yet: read_examples takes them from the data
  explicit Labels(const std::vector<std::string>& names);  // a file holds the names themselves

  // "negative,positive,neutral"; "0=negative,1=positive" for a file that holds 0 and 1; "auto" for none yet.
  static Labels parse(const std::string& spec);

  // The distinct values: integers in the order of numbers, anything else in the order of bytes.
  static Labels from_values(std::vector<std::string> values);

  // A value as a reader sees it: its letters composed (NFC), each run of blanks one space, none at the ends.
  static std::string tidy(std::string_view value);
  // "labels 'Good' and 'good' differ in letter case only: two classes", for each such pair of neighbours.
  std::vector<std::string> same_but_for_case() const;

  bool empty() const { return names_.empty(); }
  int size() const { return int(names_.size()); }
  const std::string& name(int id) const { return names_.at(size_t(id)); }
  const std::vector<std::string>& names() const { return names_; }

  int find(std::string_view value) const;  // the id of a value of the file, or of the tidy one; -1 when it is none
  std::string unknown(std::string_view value) const;  // label 'x' is not one of a, b (did you mean 'a'?), or what to do

 private:
  Labels(std::vector<std::string> values, std::vector<std::string> names);

  std::vector<std::string> values_, names_;  // [K] each: what the file holds, what the screen shows
};

// The name nearest to `word` by edit distance, letter case ignored; empty when more than a third would have to change.
std::string nearest(std::string_view word, const std::vector<std::string>& names);

// " (did you mean 'positive'?)", or nothing when no name is near.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& names);

// "there is no member 'txt' (did you mean 'text'?)", of the first key of an object that is none of `known`; else empty.
std::string unknown_member(const nn::json& object, const std::vector<std::string>& known);

using engine::shown;  // a name or value as a sentence may show it

// "negative, positive, neutral"; of more than twenty the first twenty and how many more there are.
std::string listed(const std::vector<std::string>& names);
// The same in so many columns: "a, b, c ... and 147 more"; the first name in any case.
std::string listed(const std::vector<std::string>& names, size_t columns);

}  // namespace text
