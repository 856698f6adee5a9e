// The first lesson of engine/README.md, as it stands there, compiled and run. Read engine/README.md first.
#include <iostream>
#include <sstream>

#include "tests/support/support.h"

#define main first_lesson  // the lesson is a program of its own; here it is a function
// the lesson begins
#include <iostream>

#include "engine/ops.h"

using namespace engine;

int main() {
  const Tensor x({2, 3}, {1, 2, 3, 4, 5, 6});  // two rows of three numbers, known
  Tensor w({1, 3}, {0.5, -1, 2});              // three weights, to be learned:
  w.require_grad();                            // so they ask for a gradient

  const Tensor y = linear(x, w);    // [2, 3], [1, 3] -> [2, 1]    y_n = sum_i x_ni w_i
  const Tensor loss = mean(y * y);  // [2, 1] -> []                L = (y_0^2 + y_1^2) / 2
  std::cout << "loss " << loss.item() << '\n';

  backward(loss);  // fills w.grad(): dL/dw_i = y_0 x_0i + y_1 x_1i
  for (long i = 0; i < w.numel(); ++i) std::cout << "dL/dw_" << i << " " << w.grad()[i] << '\n';

  for (long i = 0; i < w.numel(); ++i) w.data()[i] -= w.grad()[i] / 128;  // a step downhill
  const Tensor again = linear(x, w);
  std::cout << "loss " << mean(again * again).item() << '\n';
  return 0;
}
// the lesson ends
#undef main

namespace {

using namespace test;

std::string content(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// What stands between the first `begin` of a text and the next `end`.
std::string between(const std::string& text, const std::string& begin, const std::string& end) {
  const size_t start = text.find(begin) + begin.size(), stop = text.find(end, start);
  REQUIRE(text.find(begin) != std::string::npos);
  REQUIRE(stop != std::string::npos);
  return text.substr(start, stop - start);
}

TEST_CASE("first lesson: the README's program is the one compiled here, line by line") {
  const std::string here =
      between(content("tests/engine/first_lesson.cpp"), "// the lesson begins\n", "// the lesson ends");
  CHECK(between(content("engine/README.md"), "```cpp\n", "```") == here);
}

TEST_CASE("first lesson: it prints what the README says, and that is right") {
  std::ostringstream printed;
  std::streambuf* const screen = std::cout.rdbuf(printed.rdbuf());
  first_lesson();
  std::cout.rdbuf(screen);
  CHECK(between(content("engine/README.md"), "```text\n", "```") == printed.str());

  // By hand: y = (4.5, 9), L = (4.5^2 + 9^2) / 2, dL/dw = 4.5 (1, 2, 3) + 9 (4, 5, 6); then y = (225, 315) / 128.
  std::istringstream words(printed.str());
  std::string what;
  for (const double want : {50.625, 40.5, 54.0, 67.5, (225.0 * 225 + 315 * 315) / (2 * 128 * 128)}) {
    double got = 0;
    words >> what >> got;
    CHECK(got == doctest::Approx(want).epsilon(1e-5));
  }
}

}  // namespace
