// Where a request ends, read from its own bytes: httplib passes over lines that it does not understand, and so takes
// for a second request what another server before this one has taken for the first one's body.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace http {

class Head {
 public:
  // Of a request, its first line and the empty one at the end among them. Refusal 400: a line that is no field, or a
  // body whose end can be seen in two places.
  explicit Head(std::string_view bytes);

  bool in_chunks() const { return !values("transfer-encoding").empty(); }
  bool announces_body() const;
  bool ends_connection() const;
  // Of a request that has a body. Refusal: it has more bytes than `most`, no length, or is packed.
  void check_body(size_t most) const;

 private:
  std::vector<std::string> values(std::string_view name) const;  // of every field of this name, in lower case

  std::vector<std::pair<std::string, std::string>> fields_;
};

// As recv(): how many bytes came, at most `size`; 0 or less: no more come.
using Read = std::function<long(char* to, size_t size)>;

// A body in chunks, and the fields behind them, which nobody asks for. Refusal 413: more bytes than `most`; 400.
std::string read_chunks(const Read& read, size_t most);

}  // namespace http
