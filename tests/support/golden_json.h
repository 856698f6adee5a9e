// Numbers in JSON that another library computed: reading them, and comparing with what is null where it is undefined.
#pragma once

#include <map>

#include "nn/format/json.h"
#include "tests/support/support.h"

namespace test {

using nn::json;
using Rows = std::vector<std::vector<double>>;

// Kept to the end: a loop over a part of it must not outlive it.
inline const json& golden_json(const std::string& file) {
  static std::map<std::string, json> read;
  if (const auto found = read.find(file); found != read.end()) return found->second;
  return read[file] = nn::read_json(golden_path(file));
}

// |got - want| <= relative |want| + absolute; null wants what is no finite number.
inline void expect(double got, const json& want, const std::string& what, double relative = 1e-9,
                   double absolute = 1e-14) {
  const double number = want.is_null() ? 0 : want.get<double>();
  const bool same =
      want.is_null() ? !std::isfinite(got) : std::abs(got - number) <= relative * std::abs(number) + absolute;
  CHECK_MESSAGE(same, what, ": ", fmt::format("{} instead of {}", got, want.dump()));
}

inline void expect_all(const std::vector<double>& got, const json& want, const std::string& what,
                       double relative = 1e-9, double absolute = 1e-14) {
  REQUIRE_MESSAGE(got.size() == want.size(), what);
  for (size_t i = 0; i < got.size(); ++i) expect(got[i], want[i], fmt::format("{} at {}", what, i), relative, absolute);
}

inline std::vector<bool> flags(const json& numbers) {
  std::vector<bool> f;
  for (const int x : numbers) f.push_back(x != 0);
  return f;
}

}  // namespace test
