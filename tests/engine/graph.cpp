// The graph: accumulation, errors, memory, the switches.
#include "engine/graph.h"

#include <thread>

#include "engine/debug.h"
#include "tests/support/support.h"

using namespace test;

TEST_CASE("backward: a tensor that is used twice gets the sum of both gradients") {
  Tensor x = varied({3}).require_grad();
  backward(sum(x * x + x));
  for (int i = 0; i < 3; ++i) CHECK(x.grad()[i] == doctest::Approx(2 * x.data()[i] + 1));
}

TEST_CASE("backward: several losses accumulate in the gradient until it is cleared") {
  Tensor x = varied({3}).require_grad();
  backward(sum(x));
  backward(sum(x * 2));
  CHECK(x.grad()[1] == doctest::Approx(3));
  x.clear_grad();
  CHECK(!x.has_grad());
  CHECK(x.grad()[1] == 0);
}

TEST_CASE("backward: a second walk over the same graph is an error, not a doubled gradient") {
  Tensor x = varied({3}).require_grad();
  const Tensor y = x * x, loss = sum(y);
  backward(loss);
  CHECK(error_of([&] { backward(loss); }).find("already walked") != std::string::npos);
  CHECK(error_of([&] { backward(sum(y)); }).find("already walked") != std::string::npos);
}

TEST_CASE("backward: a kept graph adds twice when walked twice, until a walk releases it") {
  Tensor x = varied({3}).require_grad();
  const Tensor loss = sum(x * x);
  backward(loss, Graph::keep);
  const Tensor once = x.grad_tensor();
  backward(loss, Graph::keep);
  for (int i = 0; i < 3; ++i) CHECK(x.grad()[i] == 2 * once.data()[i]);
  backward(loss);
  CHECK(error_of([&] { backward(loss, Graph::keep); }).find("already walked") != std::string::npos);
}

TEST_CASE("backward: what two losses share is walked from each, and each walk fills its own gradient alone") {
  Tensor x = varied({4, 5}).require_grad(), w = varied({3, 5}, 2).require_grad();
  const auto losses_of = [&] {
    const Tensor shared = feed_forward(x, w, varied({3}, 3), varied({2, 3}, 4), varied({2}, 5));
    return std::pair(sum(shared * shared), sum(engine::tanh(shared)));
  };
  const auto gradient = [&](const Tensor& loss, Graph graph) {
    w.clear_grad();
    backward(loss, graph);
    return w.grad_tensor().to_vector();
  };
  const auto [a, b] = losses_of();
  const std::vector<real> from_a = gradient(a, Graph::keep), from_b = gradient(b, Graph::release);
  CHECK(same_bits(from_a, gradient(losses_of().first, Graph::release)));
  CHECK(same_bits(from_b, gradient(losses_of().second, Graph::release)));
  CHECK(error_of([&, loss = a] { backward(loss); }).find("already walked") != std::string::npos);
}

TEST_CASE("backward: needs a scalar with a history") {
  Tensor x = varied({3}).require_grad();
  CHECK(error_of([&] { backward(x * x); }).find("must be a scalar") != std::string::npos);
  CHECK(error_of([&] { backward(sum(varied({3}))); }).find("wants a gradient") != std::string::npos);
  const NoGrad no_grad;
  CHECK(error_of([&] { backward(sum(x)); }).find("NoGrad") != std::string::npos);
}

TEST_CASE("detach and NoGrad cut the history") {
  Tensor x = varied({3}).require_grad();
  backward(sum(x * x.detach()));
  CHECK(x.grad()[0] == doctest::Approx(x.data()[0]));
  const NoGrad no_grad;
  CHECK(!(x * x).wants_grad());
}

TEST_CASE("not_differentiable: a gradient that arrives is an error") {
  Tensor x = varied({2, 3}).require_grad();
  CHECK(argmax(x).shape() == Shape{2});
  CHECK(error_of([&] { backward(sum(argmax(x))); }).find("argmax: has no gradient") != std::string::npos);
}

TEST_CASE("graph: a chain of a hundred thousand ops neither recurses in backward nor when it is dropped") {
  Tensor x = varied({1}).require_grad();
  for (const bool walk : {true, false}) {
    Tensor y = x;
    for (int i = 0; i < 100'000; ++i) y = y * real(1);
    if (walk) backward(sum(y));
  }
  CHECK(x.grad()[0] == 1);
}

TEST_CASE("graph: dropping one loss leaves the history of a tensor that another loss still uses") {
  Tensor x = varied({3}).require_grad();
  const Tensor shared = x * x;
  { const Tensor dropped = sum(shared * real(3)); }
  backward(sum(shared));
  CHECK(x.grad()[2] == doctest::Approx(2 * x.data()[2]));
}

TEST_CASE("graph: memory falls while backward walks, and nothing is left after it") {
  Tensor x = varied({1000, 100}).require_grad();
  x.grad();
  const long before = memory_use().in_use;
  {
    Tensor y = x;
    for (int i = 0; i < 10; ++i) y = engine::tanh(y);
    const Tensor loss = sum(y);
    y = Tensor();
    backward(loss);
    CHECK(memory_use().in_use <= before + 4096);
  }
  CHECK(memory_use().in_use == before);
}

TEST_CASE("graph: a kept graph gives its memory back when its tensors die") {
  Tensor x = varied({100, 20}).require_grad();
  x.grad();
  const long before = memory_use().in_use;
  {
    Tensor y = x;
    for (int i = 0; i < 10; ++i) y = engine::tanh(y);
    const Tensor loss = sum(y);
    const long built = memory_use().in_use;
    backward(loss, Graph::keep);
    CHECK(memory_use().in_use == built);
  }
  CHECK(memory_use().in_use == before);
}

TEST_CASE("first_nonfinite: names the oldest tensor that holds a NaN") {
  Tensor x = varied({3}).require_grad();
  x.named("weights");
  const Tensor fine = x * x;
  const Tensor bad = engine::log(-(fine + Tensor::scalar(1)));
  const Tensor loss = sum(bad * fine);
  CHECK(first_nonfinite(loss) == "result of log: [3] holds a NaN or infinity");
  x.data()[1] = NAN;
  CHECK(first_nonfinite(sum(x * x)) == "input of mul: 'weights' [3] holds a NaN or infinity");
  CHECK(first_nonfinite(sum(varied({3}).require_grad())) == "");
}

TEST_CASE("CHECK_NAN: the op that makes a NaN is named, forwards and backwards") {
  switches().check_nan = true;
  Tensor x = Tensor({2}, {real(-1), real(0)}).require_grad();
  CHECK(error_of([&] {
          engine::log(x.named("input"));
        }).find("log: the result [2] has a NaN or infinity; inputs: 'input' [2]") == 0);
  CHECK(error_of([&] {
          backward(sum(engine::sqrt(Tensor(x).detach().require_grad() * real(0))));
        }).find("sqrt: the gradient") == 0);
  switches().check_nan = false;
}

TEST_CASE("GRAPH: the graph in Graphviz's language has every op and every leaf once") {
  Tensor x = varied({3}).require_grad();
  x.named("w");
  const std::string dot = graph_as_dot(sum(x * x));
  CHECK(dot.find("digraph loss {") == 0);
  CHECK(dot.find("label=\"mul\\n[3]\"") != std::string::npos);
  CHECK(dot.find("\"w\" [style=rounded") != std::string::npos);
  CHECK(dot.find("label=\"sum\\n[]\"") != std::string::npos);
}

TEST_CASE("backward: a walk that fails leaves results no gradient that the next one would add to") {
  Tensor x = varied({3}).require_grad();
  const Tensor h = x * 2;
  CHECK(error_of([&] { backward(sum(h * 5) + sum(argmax(reshape(h, {1, 3}))), Graph::keep); }) != "");
  x.clear_grad();
  backward(sum(h));
  CHECK(x.grad_tensor().to_vector() == std::vector<real>{2, 2, 2});
}

TEST_CASE("backward: in another thread than the one that recorded some of the graph, nothing is lost") {
  Tensor x = varied({2}).require_grad();
  Tensor h = x;
  for (int i = 0; i < 9; ++i) h = h * 1;
  std::thread([&] { backward(sum(h * 5 + h)); }).join();
  CHECK(x.grad_tensor().to_vector() == std::vector<real>{6, 6});
}
