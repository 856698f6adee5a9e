// The ops of a training step, one by one, with Google Benchmark, beside what the machine can do: multiply-adds for the
// products, bytes for the rest. `make bench` runs it; `build/release/kernels --benchmark_filter=gemm` a part of it.
#include <benchmark/benchmark.h>
#include <omp.h>

#include <chrono>

#include "engine/blas.h"
#include "engine/ops.h"
#include "engine/startup.h"
#include "optim/adamw.h"
#include "optim/clip.h"
#include "tools/bench/limits.h"

namespace {

using namespace engine;

Tensor noise(const Shape& shape) {
  Tensor t(shape);
  Random{1, Stream::init, 0, 0}.normals(real(0.5), t.numel(), t.data());
  return t;
}

// The columns of a kernel that takes `flops` operations and has to move `bytes` at least. `limit` is the part of the
// machine's rate that was reached, by whichever of the two takes longer.
void count(benchmark::State& state, double flops, double bytes) {
  using benchmark::Counter;
  const auto rate = [](double amount) { return Counter(amount, Counter::kIsIterationInvariantRate); };
  state.counters["FLOP/s"] = rate(flops);
  state.counters["B/s"] = rate(bytes);
  state.counters["limit"] = rate(std::max(flops / bench::flops_limit(), bytes / bench::bytes_limit()));
}

template <class Work>
void add(const std::string& name, double flops, double bytes, Work work) {
  benchmark::RegisterBenchmark(name.c_str(),
                               [=](benchmark::State& state) {
                                 work();  // the first time allocates
                                 for (auto _ : state) work();
                                 count(state, flops, bytes);
                               })
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

// An op forwards, without a graph, and backwards: the forward pass before it is not timed. `leaves` get gradients.
void add_op(const std::string& name, double flops, double bytes, const std::vector<Tensor>& leaves,
            const std::function<Tensor()>& op) {
  add(name + " forward", flops, bytes, [=] {
    const NoGrad no_grad;
    benchmark::DoNotOptimize(op().data());
  });
  const auto seconds_of_backward = [=] {
    const Tensor loss = sum(op());
    const auto start = std::chrono::steady_clock::now();
    backward(loss);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    for (const Tensor& x : leaves) x.clear_grad();
    return seconds.count();
  };
  benchmark::RegisterBenchmark((name + " backward").c_str(),
                               [=](benchmark::State& state) {
                                 seconds_of_backward();
                                 for (auto _ : state) state.SetIterationTime(seconds_of_backward());
                                 count(state, 2 * flops, 2 * bytes);
                               })
      ->UseManualTime()
      ->Unit(benchmark::kMillisecond);
}

void add_products(long C) {
  const long F = 4 * C;
  struct {
    const char* what;
    long m, n, k;
    bool a_transposed, b_transposed;
  } const shapes[] = {
      {"y = x W^T", 0, F, C, false, true}, {"dx = dy W", 0, C, F, false, false}, {"dW = dy^T x", F, C, 0, true, false}};
  for (const long rows : {2048L, 373L, 32L})
    for (const auto& s : shapes) {
      const long m = s.m ? s.m : rows, n = s.n, k = s.k ? s.k : rows;
      const Tensor a = noise({s.a_transposed ? k : m, s.a_transposed ? m : k});
      const Tensor b = noise({s.b_transposed ? n : k, s.b_transposed ? k : n}), c({m, n});
      add(fmt::format("gemm {} {}x{}x{}", s.what, m, n, k), 2. * double(m * n) * double(k),
          4. * double(m * k + k * n + m * n), [=] {
            gemm({{m,
                   n,
                   {{{a.data(), a.dim(1), s.a_transposed}, {b.data(), b.dim(1), s.b_transposed}, k}},
                   c.data(),
                   n}});
          });
    }
}

void add_attention(long B, long T, long C, long window = 0) {
  Indices offsets;
  for (long b = 0; b <= B; ++b) offsets.push_back(int(b * T));
  const Ragged all(offsets, C / 64), layout = window ? all.within(window, 1) : all;
  const double pairs = double(layout.pairs()) / double(layout.heads);
  const Tensor qkv = noise({B * T, 3 * C}).require_grad();
  add_op(fmt::format("self_attention {}x{}x{}{}", B, T, C, window ? fmt::format(" window {}", window) : ""),
         4. * pairs * double(C), 16. * double(B * T * C), {qkv}, [=] {
           return self_attention(qkv, layout, real(0.125), {real(0.1), {1, Stream::dropout, 0, 0}});
         });
}

void add_rows(long N, long C) {
  const double size = 4. * double(N * C);
  const DropoutMask mask{real(0.1), {1, Stream::dropout, 0, 0}};
  const Tensor x = noise({N, C}).require_grad(), r = noise({N, C}).require_grad();
  const Tensor gamma = noise({C}).require_grad(), beta = noise({C}).require_grad();
  const std::string shape = fmt::format(" {}x{}", N, C);
  add_op("dropout_add_norm" + shape, 0, 3 * size, {x, r, gamma, beta},
         [=] { return dropout_add_norm(x, r, gamma, beta, real(1e-12), mask); });
  add_op("layer_norm" + shape, 0, 2 * size, {x, gamma, beta}, [=] { return layer_norm(x, gamma, beta, real(1e-12)); });
  add_op("dropout" + shape, 0, 2 * size, {x}, [=] { return dropout(x, mask); });
  add_op("softmax" + shape, 0, 2 * size, {x}, [=] { return softmax(x); });
  add_op("gelu" + shape, 0, 2 * size, {x}, [=] { return gelu(x); });
  const Tensor table = noise({30522, C}).require_grad();
  Indices ids(N);
  for (long i = 0; i < N; ++i) ids[i] = int(i * 7919 % 30522);
  add_op("embedding" + shape, 0, 2 * size, {table}, [=] { return embedding(table, ids); });
  const Tensor W1 = noise({4 * C, C}).require_grad(), b1 = noise({4 * C}).require_grad();
  const Tensor W2 = noise({C, 4 * C}).require_grad();
  add_op("feed_forward" + shape, 16. * double(N * C) * double(C), 10 * size, {x, W1, b1, W2, beta},
         [=] { return feed_forward(x, W1, b1, W2, beta); });
}

void add_cross_entropy(long N, long K) {
  const Tensor logits = noise({N, K}).require_grad();
  Indices targets(N);
  for (long i = 0; i < N; ++i) targets[i] = int(i * 7919 % K);
  add_op(fmt::format("cross_entropy {}x{}", N, K), 0, 4. * double(N * K), {logits},
         [=] { return cross_entropy(logits, targets); });
}

void add_optimiser(long millions) {
  static std::vector<Tensor> parameters;  // shared by what is registered
  parameters = {noise({millions * 1000, 1000}).require_grad().named("weight")};
  Random{2, Stream::init, 0, 0}.normals(real(0.1), parameters[0].numel(), parameters[0].grad());
  const auto adamw = std::make_shared<optim::AdamW>(parameters);
  const double numbers = double(parameters[0].numel());
  add(fmt::format("grad_norm of {} M", millions), 2 * numbers, 4 * numbers, [=] { optim::grad_norm(parameters); });
  add(fmt::format("AdamW of {} M", millions), 0, 28 * numbers, [=] { adamw->step(1e-5); });
}

}  // namespace

int main(int argc, char** argv) {
  start_again_with_best_settings(argv);
  benchmark::AddCustomContext("blas", blas_description());
  benchmark::AddCustomContext("limit, GFLOP/s", fmt::format("{:.0f}", bench::flops_limit() / 1e9));
  benchmark::AddCustomContext("limit, GB/s", fmt::format("{:.1f}", bench::bytes_limit() / 1e9));
  for (long C : {768, 256, 128}) add_products(C);
  for (long T : {23, 128, 512}) add_attention(2048 / T, T, 768);
  add_attention(4, 512, 768, 32);
  add_rows(2048, 768);
  add_rows(373, 256);
  add_cross_entropy(600, 8192);
  add_optimiser(110);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
}
