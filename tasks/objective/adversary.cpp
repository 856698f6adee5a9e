// The search for the worst place near a batch's embeddings. Read tasks/objective/adversary.h and
// nn/loss/adversarial.h first: kinds and steps.
#include "tasks/objective/adversary.h"

#include <cmath>

#include "engine/graph.h"
#include "nn/loss/adversarial.h"

namespace objective {

using engine::Indices;
using engine::real;

Adversary::Adversary(const RobustOptions& options, nn::Model& net, uint64_t seed)
    : options_(options), net_(net), seed_(seed), ascents_(options.number_of_ascents()) {}

void Adversary::begin(long step) {
  part_ = uint32_t(step) == step_ ? part_ + 1 : 0;
  step_ = uint32_t(step);
  masks_ = net_.params.mode().calls;
}

engine::Random Adversary::random(uint32_t what) const {
  return {seed_ ^ engine::hash_of("robust"), engine::Stream::sample, step_, 4 * part_ + what};
}

nn::Encoded Adversary::run(const text::Batch& part, const Tensor& delta, const nn::Rows& read, nn::Trace* trace) const {
  net_.params.mode().calls = masks_;
  if (!delta) return net_.encoder(part.tokens, read, trace);
  return net_.encoder.run(net_.encoder.embed(part.tokens) + delta, part.tokens.offsets, read, trace);
}

namespace {

Tensor asked(Tensor delta) {
  delta.require_grad();
  return delta;
}

// Uniform in a cube, of about this norm for each text (Zhu et al. 2020: u / sqrt(T C) times it, u in [-1, 1)).
Tensor drawn(const engine::Shape& shape, const Indices& offsets, double norm, const engine::Random& random) {
  Tensor d(shape);
  random.uniforms(1, d.numel(), d.data());
  const long C = d.dim(1);
  for (size_t b = 0; b + 1 < offsets.size(); ++b) {
    const double scale = norm / std::sqrt(double((offsets[b + 1] - offsets[b]) * C));
    for (long i = offsets[b] * C; i < offsets[b + 1] * C; ++i) d.data()[i] *= real(scale);
  }
  return d;
}

// While it lives, parameters want no gradient: a pass costs less, and leaves none behind.
class OnlyTheInput {
 public:
  explicit OnlyTheInput(const nn::Params& params) {
    for (Tensor t : params.tensors())
      if (t.wants_grad()) asleep_.push_back(t.require_grad(false));
  }
  ~OnlyTheInput() {
    for (Tensor& t : asleep_) t.require_grad();
  }
  OnlyTheInput(const OnlyTheInput&) = delete;

 private:
  std::vector<Tensor> asleep_;
};

}  // namespace

Tensor Adversary::first(const text::Batch& part) const {
  const engine::Shape shape{long(part.tokens.ids.size()), net_.config.hidden_size};
  const bool draws = is("freelb") || is("smart");
  return asked(draws ? drawn(shape, part.tokens.offsets, options_.norm_of_start(), random(0)) : Tensor::zeros(shape));
}

Tensor Adversary::climbed(const Tensor& delta, const text::Batch& part) const {
  const engine::NoGrad no_grad;
  const Indices& offsets = part.tokens.offsets;
  const double rate = is("fgm") ? options_.size_of_ball() : options_.rate_of_ascent();
  const double ball = is("fgm") ? 0 : options_.size_of_ball();
  const Tensor to = delta + nn::steepest(delta.grad_tensor(), offsets, real(rate));
  return asked((ball > 0 ? nn::within_ball(to, offsets, real(ball)) : to).clone());
}

void Adversary::ascend(const Tensor& delta, const Loss& loss) const {
  const OnlyTheInput only(net_.params);
  engine::backward(loss(delta));
}

std::vector<Place> Adversary::places(const text::Batch& part, const Loss& loss) const {
  if (is("none")) return {{}};
  Tensor delta = first(part);
  const auto climb = [&] {
    ascend(delta, loss);
    delta = climbed(delta, part);
  };
  std::vector<Place> all;
  if (is("freelb")) {
    all.push_back({delta.detach(), 1. / double(ascents_)});
    for (long k = 1; k < ascents_; ++k) climb(), all.push_back({delta.detach(), 1. / double(ascents_)});
    return all;
  }
  for (long k = 0; k < (is("fgm") ? 1 : ascents_); ++k) climb();
  return {{}, {delta.detach(), is("smart") ? options_.smart_weight : 1}};
}

}  // namespace objective
