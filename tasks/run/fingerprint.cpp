// Fingerprints of data, by part. Read tasks/run/checkpoint.cpp next: where they are compared.
#include "tasks/run/fingerprint.h"

#include <algorithm>
#include <map>
#include <sstream>

#include "engine/base.h"
#include "engine/random.h"

namespace run {

Fingerprint& Fingerprint::add(const std::string& part, std::string_view bytes) {
  auto found = std::find_if(parts_.begin(), parts_.end(), [&](const auto& p) { return p.first == part; });
  if (found == parts_.end()) found = parts_.insert(parts_.end(), {part, 0});
  for (const uint64_t word : {engine::hash_of(bytes), uint64_t(bytes.size())}) {
    uint64_t h = (found->second ^ word) * 0x9E3779B97F4A7C15u;
    found->second = h ^ (h >> 29);
  }
  return *this;
}

Fingerprint& Fingerprint::add_values(const std::string& part, const std::vector<engine::Tensor>& values) {
  for (const engine::Tensor& t : values)
    add(part, {reinterpret_cast<const char*>(t.data()), size_t(t.numel()) * sizeof(engine::real)});
  return *this;
}

std::string Fingerprint::text() const {
  std::string text;
  for (const auto& [part, value] : parts_) text += fmt::format("{} {:016x}\n", part, value);
  return text;
}

std::string Fingerprint::difference(const std::string& before, const std::string& now) {
  std::map<std::string, std::pair<std::string, std::string>> values;  // of a part, before and now
  const auto read = [&](const std::string& text, auto member) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
      if (const size_t blank = line.rfind(' '); blank != std::string::npos)
        values[line.substr(0, blank)].*member = line.substr(blank + 1);
  };
  read(before, &std::pair<std::string, std::string>::first);
  read(now, &std::pair<std::string, std::string>::second);
  std::string names;
  for (const auto& [part, value] : values)
    if (value.first != value.second) names += (names.empty() ? ": " : ", ") + part;
  return names;
}

}  // namespace run
