// What tests share: tensors with asymmetric values, comparisons that say where, the golden folder, temporary files,
// commands of the shell.
#pragma once

#include <doctest/doctest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "engine/ops.h"

namespace test {

using namespace engine;

inline std::string golden_path(const std::string& file) {
  const char* folder = std::getenv("GOLDEN");
  return std::string(folder ? folder : "tests/golden") + "/" + file;
}

// Values without any symmetry that could hide a mistake.
inline Tensor varied(const Shape& shape, real seed = 1) {
  Tensor t(shape);
  for (long i = 0; i < t.numel(); ++i) t.data()[i] = real(1.3 * std::sin(seed * 0.7 + 1.7 * i + 0.013 * seed * i * i));
  return t;
}

// The largest violation of |a - b| <= absolute + relative |b|, as a sentence; empty when there is none. NaN equals NaN.
inline std::string differs(const real* a, const real* b, long n, double absolute, double relative) {
  for (long i = 0; i < n; ++i) {
    if (std::isnan(a[i]) && std::isnan(b[i])) continue;
    if (!(std::abs(double(a[i]) - b[i]) <= absolute + relative * std::abs(double(b[i]))))
      return fmt::format("at {}: {} instead of {}", i, a[i], b[i]);
  }
  return "";
}
inline std::string differs(const Tensor& a, const Tensor& b, double absolute = 1e-5, double relative = 1.3e-4) {
  if (a.numel() != b.numel()) return fmt::format("{} instead of {}", a.shape(), b.shape());
  return differs(a.data(), b.data(), a.numel(), absolute, relative);
}
inline bool same_bits(const std::vector<real>& a, const std::vector<real>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(real)) == 0;
}

// The largest |a_i|, and the largest |a_i - b_i|; infinity where a value is NaN or has none beside it.
inline double largest_magnitude(const std::vector<real>& a) {
  double most = 0;
  for (const real x : a) most = std::isnan(x) ? INFINITY : std::max(most, std::abs(double(x)));
  return most;
}
inline double largest_difference(const std::vector<real>& a, const std::vector<real>& b) {
  if (a.size() != b.size()) return INFINITY;
  std::vector<real> difference(a.size());
  for (size_t i = 0; i < a.size(); ++i) difference[i] = a[i] - b[i];
  return largest_magnitude(difference);
}

inline doctest::Approx exactly(double value) { return doctest::Approx(value).epsilon(1e-12); }

// The message of the Error that f throws; empty when it throws none.
template <class F>
std::string error_of(F f) {
  try {
    f();
  } catch (const Error& e) { return e.what(); }
  return "";
}

// A directory of the test's own, removed with what is in it.
struct TemporaryDirectory {
  std::string path;
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "attune-test-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path); }
  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(path + "/" + name, std::ios::binary) << content;
    return path + "/" + name;
  }
};

// What a command of the shell said, and its exit status.
struct Result {
  int status;
  std::string output;
  bool says(const std::string& what) const { return output.find(what) != std::string::npos; }
  bool one_line() const { return output.find('\n') == output.size() - 1; }
  std::string last_line() const {
    const size_t end = output.find_last_not_of('\n');
    return output.substr(output.rfind('\n', end) + 1, end - output.rfind('\n', end));
  }
};
inline Result run_shell(const std::string& command) {
  std::FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  Result result{0, ""};
  char part[4096];
  while (const size_t n = std::fread(part, 1, sizeof part, pipe)) result.output.append(part, n);
  result.status = WEXITSTATUS(pclose(pipe));
  return result;
}

// A program beside this test runner, as a word of a command.
inline std::string program(const std::string& name) {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / name;
}

}  // namespace test
