// Panels, blocks and who computes which. Read engine/packed.h first, engine/packed_kernels.h next: the kernels.
#include "engine/packed.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/gelu.h"
#include "engine/packed_kernels.h"
#include "engine/parallel.h"
#include "engine/profile.h"

namespace engine {

using namespace packed;

namespace packed {
namespace {

void portable_floats(long depth, const real* x, long, const real* panel, long, const real*, const real* start,
                     real* block) {
  std::copy_n(start, kColumns, block);
  for (long i = 0; i < depth; ++i)
    for (long j = 0; j < kColumns; ++j) block[j] = std::fma(x[i], panel[i * kColumns + j], block[j]);
}

void portable_bytes(long groups, const uint8_t* x, long, const int8_t* panel, long, const int8_t*, const int32_t*,
                    int32_t* block) {
  std::fill_n(block, kColumns, 0);
  for (long g = 0; g < groups; ++g)
    for (long j = 0; j < kColumns; ++j)
      for (long i = 0; i < kGroup; ++i) block[j] += int8_t(x[g * kGroup + i]) * panel[(g * kColumns + j) * kGroup + i];
}

}  // namespace

const Kernels kPortable{{1, 1, {{portable_floats}, {}}}, {1, 1, {{portable_bytes}, {}}}, false};

}  // namespace packed

namespace {

const Kernels& kernels_of(Instructions instructions) {
#if defined(__x86_64__) && !defined(REAL_IS_DOUBLE)
  if (instructions == Instructions::amx) return amx();
  if (instructions == Instructions::avx512) return kAvx512;
  if (instructions == Instructions::avx2) return kAvx2;
#endif
  check(instructions == Instructions::portable, "packed: these instructions are not there");
  return kPortable;
}

constexpr long kLine = 64;  // bytes of the cache
constexpr real kTop = 127;  // the largest of int8 that has its negative
constexpr long kMostSummed = std::numeric_limits<int32_t>::max() / (128 * 127);

long rounded_up(long n, long to) { return (n + to - 1) / to * to; }

template <class T>
T* as(const Buffer& bytes) {
  return reinterpret_cast<T*>(bytes.data());
}

Buffer bytes_of(long size) { return Buffer((size + long(sizeof(real)) - 1) / long(sizeof(real))); }

// A row as int8, symmetric, without a zero point, so that nothing but the row itself decides: returns its scale.
//   s = max_i |x_i| / 127,   q_i = x_i / s rounded, half to even;   s = 0: all q are 0
// A row that is not finite has s = NaN, and so has every y that is made of it.
real quantise(const real* x, long n, int8_t* q) {
  real most = 0;
  int bad = 0;
#pragma omp simd reduction(max : most) reduction(| : bad)
  for (long i = 0; i < n; ++i) {
    const real size = std::abs(x[i]);
    most = size > most ? size : most;
    bad |= size <= std::numeric_limits<real>::max() ? 0 : 1;
  }
  const real s = bad ? std::numeric_limits<real>::quiet_NaN() : most / kTop;
  if (!(s > 0)) {
    std::fill_n(q, n, int8_t(0));
    return s;
  }
  for (long i = 0; i < n; ++i) q[i] = int8_t(std::min(kTop, std::max(-kTop, std::nearbyint(x[i] / s))));
  return s;
}

long rows_of(const Tensor& x) { return x.shape().without(-1).numel(); }

}  // namespace

std::vector<Instructions> instructions_here() {
  std::vector<Instructions> all{Instructions::portable};
#if defined(__x86_64__) && !defined(REAL_IS_DOUBLE)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) all.push_back(Instructions::avx2);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vnni"))
    all.push_back(Instructions::avx512);
  if (all.back() == Instructions::avx512 && amx_allowed()) all.push_back(Instructions::amx);
#endif
  return all;
}

ByteRows byte_rows(const Tensor& x) {
  check(x.shape().rank() == 2, "byte_rows: a matrix is needed; got {}", x);
  ByteRows y{x.dim(0), x.dim(1), {}, {}};
  y.values.resize(y.rows * y.columns);
  y.scales.resize(y.rows);
  parallel_rows(y.rows, y.columns, [&](long r) {
    y.scales[r] = quantise(x.data() + r * y.columns, y.columns, y.values.data() + r * y.columns);
  });
  return y;
}

void PackedLinear::take_bias(const Tensor& bias) {
  check(!bias || bias.shape() == Shape{O_}, "packed: bias must be [{}], the outputs of the weight; got {}", O_, bias);
  bias_ = Buffer(rounded_up(O_, kWide));
  bias_.zero();
  if (bias) std::copy_n(bias.data(), O_, bias_.data());
}

PackedLinear::PackedLinear(const Tensor& weight, const Tensor& bias, Instructions instructions)
    : instructions_(instructions) {
  check(weight.shape().rank() == 2, "packed: the weight must be [outputs, inputs]; got {}", weight);
  O_ = weight.dim(0), I_ = weight.dim(1);
  const long panels = rounded_up(O_, kColumns) / kColumns;
  panels_ = Buffer(panels * I_ * kColumns);
  parallel_rows(panels, I_ * kColumns, [&](long p) {
    const long columns = std::min(kColumns, O_ - p * kColumns);
    const real* from = weight.data() + p * kColumns * I_;
    real* to = panels_.data() + p * I_ * kColumns;
    for (long i = 0; i < I_; ++i)
      for (long j = 0; j < kColumns; ++j) to[i * kColumns + j] = j < columns ? from[j * I_ + i] : 0;
  });
  take_bias(bias);
}

PackedLinear::PackedLinear(const ByteRows& weight, const Tensor& bias, Instructions instructions)
    : O_(weight.rows), I_(weight.columns), instructions_(instructions) {
  check(O_ >= 0 && I_ >= 0 && weight.values.size() == size_t(O_ * I_) && weight.scales.size() == size_t(O_),
        "packed: {} values and {} scales are no int8 of [{}, {}]", weight.values.size(), weight.scales.size(), O_, I_);
  check(I_ <= kMostSummed, "packed: int8 sums of {} inputs would leave 32 bits; at most {} are added up", I_,
        kMostSummed);
  const long panels = rounded_up(O_, kColumns) / kColumns, groups = rounded_up(I_, kGroup) / kGroup;
  panels_ = bytes_of(panels * groups * kColumns * kGroup);
  scales_ = Buffer(rounded_up(O_, kWide));
  scales_.zero();
  std::copy_n(weight.scales.data(), O_, scales_.data());
  start_.assign(rounded_up(O_, kWide), 0);
  parallel_rows(panels, groups * kColumns * kGroup, [&](long p) {
    int8_t* to = as<int8_t>(panels_) + p * groups * kColumns * kGroup;
    for (long g = 0; g < groups; ++g)
      for (long j = p * kColumns; j < (p + 1) * kColumns; ++j)
        for (long i = g * kGroup; i < (g + 1) * kGroup; ++i) {
          *to = j < O_ && i < I_ ? weight.values[j * I_ + i] : int8_t(0);
          start_[j] -= 128 * *to++;
        }
  });
  take_bias(bias);
}

// packed linear: y = x W^T + b, and gelu of it where that is asked for.
//   shapes    x [R, I]   W [O, I]   b [O]   ->   y [R, O]
//   float32   y_rj = (...((b_j + x_r0 w_j0) + x_r1 w_j1) + ...), each step one fused multiply-add
//   int8      y_rj = s_r t_j sum_i q_ri v_ji + b_j,   x_r ~ s_r q_r of this row alone,   W_j ~ t_j v_j
//             (Dettmers et al. 2022, "LLM.int8()", section 2: vector-wise; outliers are not taken apart)
// A task is a tile of rows by a strip of panels: which, changes nothing but the time.
class PackedProduct {
 public:
  struct Part {
    const PackedLinear* layer;
    real* y;  // rows `stride` apart
    long stride;
    bool gelu = false;
  };
  PackedProduct(const real* x, long rows, long stride, std::vector<Part> parts)
      : x_(x), rows_(rows), stride_(stride), parts_(std::move(parts)) {
    const PackedLinear& first = *parts_[0].layer;
    for (const Part& part : parts_)
      check(part.layer->I_ == first.I_ && part.layer->bytes() == first.bytes() &&
                part.layer->instructions_ == first.instructions_,
            "packed: layers over one input must be of one kind");
    kernels_ = &kernels_of(first.instructions_);
    if (first.bytes())
      quantise_rows(first.I_);
    else if (stride_ * long(sizeof(real)) % kCrowded == 0)
      spread_rows(first.I_);
  }
  void run() const;

  static constexpr long kTileRows = 168;            // whose numbers stay in the second cache or near it
  static constexpr long kTogether = 2 * kTileRows;  // of one product that the next one reads

 private:
  // Rows so far apart fall on few sets of the first cache; 14 of them would drive each other out. On one core, 126 rows
  // of 3072, 768 outputs: 86 to 109 GFLOP/s.
  static constexpr long kCrowded = 2048;     // bytes
  static constexpr long kTasksEach = 8;      // of a thread, so that none waits long for the others
  static constexpr long kWorthIt = 1 << 18;  // multiply-adds below which one thread does it alone

  void quantise_rows(long I);
  void spread_rows(long I);
  void strip(const Part& part, long top, long rows, long first, long last) const;
  void block(const Part& part, long row, int rows, long panel, int panels, long fetch) const;

  const real* x_;
  long rows_, stride_;  // of bytes: in bytes
  std::vector<Part> parts_;
  const Kernels* kernels_;
  Buffer spread_, bytes_, scales_;
};

void PackedProduct::spread_rows(long I) {
  const long apart = I + kLine / long(sizeof(real));
  spread_ = Buffer(rows_ * apart);
  parallel_rows(rows_, I, [&](long r) { std::copy_n(x_ + r * stride_, I, spread_.data() + r * apart); });
  x_ = spread_.data();
  stride_ = apart;
}

void PackedProduct::quantise_rows(long I) {
  const long apart = rounded_up(I, kLine) + kLine;
  bytes_ = bytes_of(rows_ * apart);
  scales_ = Buffer(rows_);
  const auto flip = uint8_t(kernels_->biased ? 128 : 0);  // q + 128 is q with its highest bit turned
  parallel_rows(rows_, I, [&](long r) {
    auto* to = as<int8_t>(bytes_) + r * apart;
    scales_[r] = quantise(x_ + r * stride_, I, to);
    std::fill_n(to + I, rounded_up(I, kGroup) - I, int8_t(0));
    const uint8_t bit = flip;  // a copy: `flip` is read again after each byte, which might have written it
    for (long i = 0, whole = rounded_up(I, kGroup); i < whole; ++i) to[i] = int8_t(uint8_t(to[i]) ^ bit);
  });
  stride_ = apart;
}

void PackedProduct::run() const {
  if (rows_ == 0) return;
  const long tiles = (rows_ + kTileRows - 1) / kTileRows, threads = omp_get_max_threads();
  struct Task {
    const Part* part;
    long top, rows, first, last;  // panels
  };
  std::vector<Task> tasks;
  double work = 0;
  for (long tile = 0; tile < tiles; ++tile)
    for (const Part& part : parts_) {
      const long wide = (part.layer->O_ + kWide - 1) / kWide, panels = (part.layer->O_ + kColumns - 1) / kColumns;
      const long wanted = (kTasksEach * threads + tiles * long(parts_.size()) - 1) / (tiles * long(parts_.size()));
      const long strips = std::clamp(wanted, 1L, wide), top = tile * rows_ / tiles;
      const long rows = (tile + 1) * rows_ / tiles - top;
      work += double(rows) * double(part.layer->O_ * part.layer->I_);
      for (long s = 0; s < strips; ++s)
        tasks.push_back({&part, top, rows, s * wide / strips * kMostPanels,
                         std::min((s + 1) * wide / strips * kMostPanels, panels)});
    }
  profile_work(2 * work);
#pragma omp parallel for schedule(dynamic) if (work > kWorthIt)
  for (const Task& t : tasks) strip(*t.part, t.top, t.rows, t.first, t.last);
}

// While the second of the slivers of rows is computed, the panels that come next are fetched into the cache.
void PackedProduct::strip(const Part& part, long top, long rows, long first, long last) const {
  const bool bytes = part.layer->bytes();
  const int most = bytes ? kernels_->bytes.rows : kernels_->floats.rows;
  const int wide = bytes ? kernels_->bytes.panels : kernels_->floats.panels;
  const long slivers = (rows + most - 1) / most;  // of equal height, give or take a row
  for (long p = first; p < last; p += wide) {
    const int panels = int(std::min<long>(wide, last - p));
    const long after = p + 2 * panels <= last ? p + panels : p;
    for (long s = 0; s < slivers; ++s) {
      const long row = s * rows / slivers;
      block(part, top + row, int((s + 1) * rows / slivers - row), p, panels,
            s == std::min(1L, slivers - 1) ? after : p);
    }
  }
}

void PackedProduct::block(const Part& part, long row, int rows, long panel, int panels, long fetch) const {
  const PackedLinear& w = *part.layer;
  const long j = panel * kColumns, columns = std::min(panels * kColumns, w.O_ - j);
  const auto put = [&](auto value) {
    for (long r = 0; r < rows; ++r) {
      real* y = part.y + (row + r) * part.stride + j;
      if (part.gelu)
        for (long c = 0; c < columns; ++c) y[c] = gelu_at(value(r, c)).value;
      else
        for (long c = 0; c < columns; ++c) y[c] = value(r, c);
    }
  };
  if (!w.bytes()) {
    alignas(kLine) real sums[kMostRows * kWide];
    const long size = w.I_ * kColumns;
    const real* from = w.panels_.data();
    kernels_->floats.of[panels - 1][rows - 1](w.I_, x_ + row * stride_, stride_, from + panel * size, size,
                                              from + fetch * size, w.bias_.data() + j, sums);
    return put([&](long r, long c) { return sums[r * kWide + c]; });
  }
  alignas(kLine) int32_t sums[kMostRows * kWide];
  const long groups = (w.I_ + kGroup - 1) / kGroup, size = groups * kColumns * kGroup;
  const int8_t* from = as<int8_t>(w.panels_);
  kernels_->bytes.of[panels - 1][rows - 1](groups, as<uint8_t>(bytes_) + row * stride_, stride_, from + panel * size,
                                           size, from + fetch * size, w.start_.data() + j, sums);
  const real *s = scales_.data() + row, *t = w.scales_.data() + j, *b = w.bias_.data() + j;
  put([=, &sums](long r, long c) { return std::fma(real(sums[r * kWide + c]), s[r] * t[c], b[c]); });
}

Tensor packed_linears(const Tensor& x, const std::vector<const PackedLinear*>& layers) {
  check(!layers.empty(), "packed: at least one layer is needed");
  long width = 0;
  for (const PackedLinear* layer : layers) {
    check(x.dim(-1) == layer->inputs(), "packed: the last axis of x must be the {} inputs of the weight; got x {}",
          layer->inputs(), x);
    width += layer->outputs();
  }
  Tensor y(x.shape().with(-1, width));
  std::vector<PackedProduct::Part> parts;
  real* to = y.data();
  for (const PackedLinear* layer : layers) {
    parts.push_back({layer, to, width});
    to += layer->outputs();
  }
  PackedProduct(x.data(), rows_of(x), x.dim(-1), parts).run();
  return not_differentiable("packed_linear", {x}, y);
}

Tensor linear(const Tensor& x, const PackedLinear& layer) { return packed_linears(x, {&layer}); }

Tensor feed_forward(const Tensor& x, const PackedLinear& grow, const PackedLinear& shrink) {
  check(x.dim(-1) == grow.inputs() && grow.outputs() == shrink.inputs(),
        "packed feed_forward: x must end in {}, and {} outputs be {} inputs; got x {}", grow.inputs(), grow.outputs(),
        shrink.inputs(), x);
  const long R = rows_of(x), apart = grow.outputs() + kLine / long(sizeof(real));  // not crowded
  // int8 reads gelu's results twice, and is so fast that it pays to do so before the caches lose them: 8 % of 4,096
  // rows, 768 and 3,072 wide. float32 is bound by its multiply-adds.
  const long together = grow.bytes() ? std::min(R, PackedProduct::kTogether) : R;
  const Buffer g(together * apart);
  Tensor y(x.shape().with(-1, shrink.outputs()));
  for (long top = 0; top < R; top += together) {
    const long rows = std::min(together, R - top);
    PackedProduct(x.data() + top * x.dim(-1), rows, x.dim(-1), {{&grow, g.data(), apart, true}}).run();
    PackedProduct(g.data(), rows, apart, {{&shrink, y.data() + top * shrink.outputs(), shrink.outputs()}}).run();
  }
  return not_differentiable("packed_feed_forward", {x}, y);
}

}  // namespace engine
