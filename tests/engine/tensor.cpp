// The handle: what it says when it is empty, and when sizes and axes do not fit.
#include "engine/tensor.h"

#include "engine/ops.h"
#include "tests/support/support.h"

using namespace test;

TEST_CASE("tensor: every method of an empty handle says which one was called instead of reading through nothing") {
  const std::pair<const char*, std::function<void(Tensor&)>> methods[] = {
      {"shape", [](Tensor& t) { t.shape(); }},
      {"shape", [](Tensor& t) { t.dim(0); }},
      {"shape", [](Tensor& t) { t.numel(); }},
      {"data", [](Tensor& t) { t.data(); }},
      {"data", [](Tensor& t) { t.buffer(); }},
      {"item", [](Tensor& t) { t.item(); }},
      {"data", [](Tensor& t) { t.to_vector(); }},
      {"require_grad", [](Tensor& t) { t.require_grad(); }},
      {"grad", [](Tensor& t) { t.grad(); }},
      {"grad", [](Tensor& t) { t.grad_accumulator(); }},
      {"grad", [](Tensor& t) { t.grad_of_rows({0}); }},
      {"grad_data", [](Tensor& t) { t.grad_data(); }},
      {"grad_rows", [](Tensor& t) { t.grad_rows(); }},
      {"grad_of_written_rows", [](Tensor& t) { t.grad_of_written_rows(); }},
      {"grad_tensor", [](Tensor& t) { t.grad_tensor(); }},
      {"clear_grad", [](Tensor& t) { t.clear_grad(); }},
      {"name", [](Tensor& t) { t.name(); }},
      {"named", [](Tensor& t) { t.named("x"); }},
      {"detach", [](Tensor& t) { t.detach(); }},
      {"clone", [](Tensor& t) { t.clone(); }},
      {"bind", [](Tensor& t) { t.bind(Buffer(1)); }},
      {"set_node", [](Tensor& t) { t.set_node(nullptr); }},
  };
  for (const auto& one : methods) {
    Tensor empty;
    const std::string method = one.first, error = error_of([&] { one.second(empty); });
    CHECK_MESSAGE(error.starts_with(method + ": a tensor is needed; got"), method, " said: ", error);
  }
  const Tensor empty;
  CHECK(!empty);
  CHECK(!empty.wants_grad());
  CHECK(!empty.has_grad());
  CHECK(empty.text() == "nothing");
  CHECK(!empty.without_values().with_values_if_alive());
}

TEST_CASE("tensor: an axis that does not exist is named with its op and its tensor") {
  Tensor x({2, 3});
  x.named("scores");
  CHECK(error_of([&] { sum(x, 2); }) == "sum: an axis of 'scores' [2, 3] must be in [-2, 2); got 2");
  CHECK(error_of([&] { max(x, -3); }) == "max: an axis of 'scores' [2, 3] must be in [-2, 2); got -3");
  CHECK(error_of([&] { mean(x, 7); }).starts_with("mean: an axis"));
  CHECK(error_of([&] { slice(x, 2, 0, 1); }).starts_with("slice: an axis"));
  CHECK(error_of([&] { concat({x, x}, 2); }).starts_with("concat: an axis"));
  CHECK(error_of([&] { transpose(x, 0, 2); }).starts_with("transpose: an axis"));
  CHECK(error_of([&] { x.dim(4); }).starts_with("dim: an axis of 'scores' [2, 3]"));
}

TEST_CASE("shape: sizes that no tensor can have are shown") {
  CHECK(error_of([] { Shape({1, 2, 3, 4, 5}); }) == "shape: a tensor has at most 4 axes; got 5: [1, 2, 3, 4, 5]");
  CHECK(error_of([] { Shape({3, -2}); }) == "shape: no size may be negative; got [3, -2]");
  CHECK(error_of([] { Shape({1L << 40, 1L << 40}); }).find("got [1099511627776, 1099511627776]") != std::string::npos);
}

TEST_CASE("elementwise: of two single numbers the shape of more axes is the result's, in either order") {
  const std::vector<std::pair<Shape, Shape>> pairs{{{1}, {1, 1}}, {{}, {1, 1}}, {{}, {1}}, {{1, 1}, {1, 1, 1}}};
  for (const auto& [less, more] : pairs) {
    CHECK((Tensor::zeros(less) + Tensor::zeros(more)).shape() == more);
    CHECK((Tensor::zeros(more) + Tensor::zeros(less)).shape() == more);
  }
}
