// RFC 9112, sections 5 to 7: what may be read in two ways is refused. Read tasks/http/framing.h first.
#include "tasks/http/framing.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "engine/strings.h"
#include "tasks/http/refusal.h"

namespace http {

namespace {

constexpr size_t kChunkLine = 4096;  // bytes before a chunk, or of a field behind the last one
constexpr size_t kPiece = 16 << 10;  // of a chunk: bytes that are read at once

// RFC 9110, 5.6.2.
bool is_token(std::string_view name) {
  const auto may_be = [](char c) {
    const char lower = engine::ascii_lower(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  };
  return !name.empty() && std::ranges::all_of(name, may_be);
}

bool is_control(char c) { return (c >= 0 && c < ' ' && c != '\t') || c == 0x7f; }

std::string_view without_blanks(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t"), end = text.find_last_not_of(" \t");
  return begin == text.npos ? "" : text.substr(begin, end + 1 - begin);
}

// One that has not come whole, is longer than `most` or does not end in both signs of a line's end is none.
std::optional<std::string> read_line(const Read& read, size_t most) {
  std::string line;
  for (char c = 0; line.size() < most + 2 && read(&c, 1) == 1;) {
    line += c;
    if (c != '\n') continue;
    if (!line.ends_with("\r\n")) break;
    return line.substr(0, line.size() - 2);
  }
  return std::nullopt;
}

// What stands before a chunk: hexadecimal digits, and maybe more behind a semicolon.
std::optional<uint64_t> chunk_size(const std::string& line) {
  uint64_t size = 0;
  const auto [stop, error] = std::from_chars(line.data(), line.data() + line.size(), size, 16);
  const std::string_view rest = without_blanks({stop, line.data() + line.size()});
  const bool is_size = error == std::errc() && (rest.empty() || rest.starts_with(';'));
  return is_size ? std::optional(size) : std::nullopt;
}

}  // namespace

Head::Head(std::string_view bytes) {
  for (size_t at = bytes.find("\r\n"), end = 0; at != bytes.npos; at = end) {
    at += 2;
    end = bytes.find("\r\n", at);
    const std::string_view line = bytes.substr(at, std::min(end, bytes.size()) - at);
    if (line.empty()) break;
    const size_t colon = line.find(':');
    ask(colon != line.npos && is_token(line.substr(0, colon)) && std::ranges::none_of(line, is_control), 400,
        "a header is `Name: value` on a line of its own; '{}' is none", engine::shown(line.substr(0, colon)));
    fields_.emplace_back(engine::ascii_lower(std::string(line.substr(0, colon))),
                         engine::ascii_lower(std::string(without_blanks(line.substr(colon + 1)))));
  }
  const std::vector<std::string> lengths = values("content-length"), encodings = values("transfer-encoding");
  for (const std::string& length : lengths) ask(length == lengths[0], 400, "there are two different Content-Length");
  ask(encodings.size() <= 1, 400, "there is more than one Transfer-Encoding");
  ask(encodings.empty() || lengths.empty(), 400, "a body has a Content-Length or is chunked, not both");
}

std::vector<std::string> Head::values(std::string_view name) const {
  std::vector<std::string> all;
  for (const auto& [field, value] : fields_)
    if (field == name) all.push_back(value);
  return all;
}

bool Head::announces_body() const {
  return in_chunks() || std::ranges::any_of(values("content-length"), [](const std::string& n) { return n != "0"; });
}

bool Head::ends_connection() const {
  for (const std::string& value : values("connection"))
    for (const std::string& word : engine::split(value, ','))
      if (without_blanks(word) == "close") return true;
  return false;
}

void Head::check_body(size_t most) const {
  const std::vector<std::string> lengths = values("content-length"), encodings = values("transfer-encoding");
  ask(values("content-encoding").empty(), 415, "a body that is packed is not read; send it as it is");
  if (!encodings.empty())
    return ask(encodings[0] == "chunked", 501, "a Transfer-Encoding other than chunked is not read");
  ask(!lengths.empty(), 411, "a request with a body must say its Content-Length");
  const auto length = engine::parse_number<uint64_t>(lengths[0]);
  ask(length.has_value(), 400, "Content-Length is no number");
  ask(*length <= most, 413, "the body has {} bytes; at most {} are read (--max-body)", *length, most);
}

std::string read_chunks(const Read& read, size_t most) {
  std::string body;
  const auto check = [](bool whole) { ask(whole, 400, "the body is not in chunks, or not all of them came"); };
  for (;;) {
    const auto line = read_line(read, kChunkLine);
    check(line.has_value());
    const auto size = chunk_size(*line);
    check(size.has_value());
    ask(*size <= most - body.size(), 413, "the body has more bytes than the {} that are read (--max-body)", most);
    if (*size == 0) break;
    for (size_t left = *size; left > 0;) {  // memory for what comes, not for what is announced
      const size_t at = body.size();
      body.resize(at + std::min(left, kPiece));
      const long n = read(body.data() + at, body.size() - at);
      check(n > 0);
      body.resize(at + size_t(n));
      left -= size_t(n);
    }
    check(read_line(read, 0) == "");
  }
  for (;;) {
    const auto field = read_line(read, kChunkLine);
    check(field.has_value());
    if (field->empty()) return body;
  }
}

}  // namespace http
