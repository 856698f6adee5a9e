// The system's iconv converts; which encoding it is told stands in the bytes, as far as anything does.
// Read tasks/text/utf8.h before.
#include "tasks/text/encoding.h"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include "engine/base.h"
#include "tasks/text/utf8.h"

namespace text {

using engine::check;

namespace {

const iconv_t kNone = reinterpret_cast<iconv_t>(-1);

std::string upper(std::string name) {
  for (char& c : name) c = char(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return name;
}

// As iconv calls it.
std::string system_name(const std::string& name) {
  const std::string known = upper(name);
  return known == "LATIN-1" ? "ISO-8859-1" : known == "UTF-16" ? "UTF-16LE" : known;
}

long line_at(std::string_view bytes, size_t at) {
  return 1 + std::count(bytes.begin(), bytes.begin() + long(at), '\n');
}

std::string converted(const std::string& encoding, std::string_view bytes, long& invalid) {
  std::string out;
  out.reserve(bytes.size() + bytes.size() / 8);
  Decoder decoder(encoding);
  decoder.decode(bytes, out);
  decoder.finish(out);
  invalid = decoder.invalid();
  return out;
}

// The first byte that is no UTF-8, if more of what is not ASCII is none than is, and windows-1252 has all of it.
std::optional<size_t> first_of_windows(std::string_view bytes) {
  long good = 0, bad = 0;
  size_t first = 0;
  for (size_t at = 0; at < bytes.size();) {
    const size_t start = at;
    const bool valid = next_code_point(bytes, at).valid;
    good += valid && at - start > 1;
    if (!valid && bad++ == 0) first = start;
  }
  const bool whole = bytes.find_first_of("\x81\x8D\x8F\x90\x9D") == bytes.npos;  // windows-1252 has nothing there
  return bad > good && whole ? std::optional<size_t>(first) : std::nullopt;
}

// The word around a byte, as windows-1252.
std::string word_at(std::string_view bytes, size_t at) {
  constexpr std::string_view kEnds = " \t\r\n,;|\"";
  const size_t before = bytes.find_last_of(kEnds, at), begin = before == bytes.npos ? 0 : before + 1;
  const size_t end = std::min(bytes.find_first_of(kEnds, at), bytes.size());
  long invalid = 0;
  return shown(converted("windows-1252", bytes.substr(begin, end - begin), invalid));
}

}  // namespace

std::string encoding_error(const std::string& name) {
  const std::string known = upper(name);
  if (known == "AUTO" || known == "UTF-8") return "";
  const bool plain = !name.empty() && name.find_first_of("/,") == name.npos;
  const iconv_t converter = plain ? iconv_open("UTF-8", system_name(name).c_str()) : kNone;
  if (converter == kNone)
    return fmt::format("auto, utf-8, utf-16, windows-1252, latin-1, or a name that `iconv -l` lists; got '{}'",
                       shown(name));
  iconv_close(converter);
  return "";
}

bool is_wide(const std::string& encoding) {
  const std::string name = upper(encoding);
  return name.starts_with("UTF-16") || name.starts_with("UTF-32");
}

Decoder::Decoder(const std::string& encoding)
    : converter_(nullptr, iconv_close),
      unit_(upper(encoding).starts_with("UTF-16")   ? 2
            : upper(encoding).starts_with("UTF-32") ? 4
                                                    : 1) {
  const std::string error = encoding_error(encoding);
  check(error.empty(), "encoding: {}", error);
  converter_.reset(iconv_open("UTF-8", system_name(encoding).c_str()));
  check(converter_.get() != kNone, "encoding: '{}' cannot be read here", shown(encoding));
}

void Decoder::decode(std::string_view bytes, std::string& out) {
  std::string joined;
  if (!rest_.empty()) {
    joined = std::exchange(rest_, {}).append(bytes);
    bytes = joined;
  }
  char* in = const_cast<char*>(bytes.data());
  size_t left = bytes.size();
  std::array<char, 1 << 14> block;
  while (left > 0) {
    char* to = block.data();
    size_t room = block.size();
    const bool failed = iconv(converter_.get(), &in, &left, &to, &room) == size_t(-1);
    const int why = failed ? errno : 0;
    out.append(block.data(), block.size() - room);
    if (why == EINVAL) {
      rest_.assign(in, left);
      return;
    }
    if (why != EILSEQ) continue;  // done, or the block is full
    append_utf8(out, kReplacement);
    ++invalid_;
    in += std::min(unit_, left);
    left -= std::min(unit_, left);
  }
}

void Decoder::finish(std::string& out) {
  if (rest_.empty()) return;
  append_utf8(out, kReplacement);
  ++invalid_;
  rest_.clear();
}

Wide wide_encoding_of(std::string_view bytes) {
  using namespace std::string_view_literals;
  for (const auto& [mark, encoding] : {std::pair{"\xFF\xFE\0\0"sv, "UTF-32LE"},
                                       {"\0\0\xFE\xFF"sv, "UTF-32BE"},
                                       {"\xFF\xFE"sv, "UTF-16LE"},
                                       {"\xFE\xFF"sv, "UTF-16BE"}})
    if (bytes.starts_with(mark)) return {encoding, true};
  constexpr size_t kBeginning = 4096;
  if (bytes.size() % 2 == 1) return {};
  const size_t units = std::min(bytes.size(), kBeginning) / 2;
  size_t zeros[2] = {0, 0};
  for (size_t i = 0; i < 2 * units; ++i) zeros[i % 2] += bytes[i] == '\0';
  const size_t most = std::max(zeros[0], zeros[1]);
  if (std::min(zeros[0], zeros[1]) > 0 || most < 2 || 8 * most < units) return {};
  return {zeros[1] > 0 ? "UTF-16LE" : "UTF-16BE", false};
}

std::string to_utf8(std::string bytes, const std::string& encoding, const std::string& path,
                    std::vector<Warning>& warnings) {
  const std::string error = encoding_error(encoding), name = upper(encoding);
  check(error.empty(), "encoding: {}", error);
  const bool found_out = name == "AUTO";
  std::string from = name;
  if (found_out || name == "UTF-16") {
    const Wide wide = wide_encoding_of(bytes);
    if (!wide.encoding.empty()) from = wide.encoding;
    if (found_out && !wide.encoding.empty() && !wide.marked)
      warnings.push_back(
          {"no byte-order mark, and each second byte is zero: read as " + from + "; --encoding names another", 0,
           path});
  }
  if (from == "AUTO")
    if (const std::optional<size_t> at = is_utf8(bytes) ? std::nullopt : first_of_windows(bytes)) {
      from = "windows-1252";
      warnings.push_back(
          {fmt::format("not UTF-8: read as windows-1252, '{}'; --encoding names another", word_at(bytes, *at)), 0,
           fmt::format("{}:{}", path, line_at(bytes, *at))});
    }
  if (from != "AUTO" && from != "UTF-8") {
    long invalid = 0;
    bytes = converted(from, bytes, invalid);
    const size_t first = invalid > 0 ? std::min(bytes.find("\uFFFD"), bytes.size()) : 0;
    if (invalid > 0)
      warnings.push_back({fmt::format("what {} does not have became U+FFFD", from), invalid,
                          fmt::format("{}:{}", path, line_at(bytes, first))});
    return bytes;
  }
  Repaired repaired = repair_utf8(std::move(bytes));
  if (repaired.invalid > 0)
    warnings.push_back(
        {kInvalidUtf8, repaired.invalid, fmt::format("{}:{}", path, line_at(repaired.text, repaired.first_invalid))});
  return std::move(repaired.text);
}

}  // namespace text
