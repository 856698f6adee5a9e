// The loss of a batch as a sum of named terms.
#include "tasks/run/terms.h"

#include "tests/support/support.h"

using namespace test;

TEST_CASE("terms: the sum goes from left to right; a weight of 0 is in the log and not in the sum; names add up") {
  const Tensor a = Tensor::scalar(real(0.1)).require_grad(), b = Tensor::scalar(real(0.7)).require_grad();
  run::Terms terms;
  CHECK(error_of([&] { terms.sum(); }) == "terms: the loss has no term of a weight other than 0");
  terms.add("a", 1, a);
  CHECK(terms.plain());
  CHECK(terms.sum().is(a));  // no operation: the bits of a loss with one term stay
  terms.add("b", real(0.3), b);
  terms.add("none", 0, Tensor::scalar(5));
  terms.add("b", 2, b);
  CHECK(terms.sum().item() == (real(0.1) + real(0.7) * real(0.3)) + real(0.7) * 2);
  CHECK(!terms.plain());
  CHECK(
      terms.values().dump() ==
      nn::ordered_json({{"a", double(real(0.1))}, {"b", double(real(0.7)) + double(real(0.7))}, {"none", 5.0}}).dump());
  CHECK(error_of([&] { terms.add("x", NAN, a); }).find("'x' must be a number") != std::string::npos);
  CHECK(error_of([&] { terms.add("x", 1, varied({2})); }) == "terms: 'x' must be one number");
  run::Terms weighted;
  weighted.add("hard", 0.5, a);
  CHECK(!weighted.plain());
}
