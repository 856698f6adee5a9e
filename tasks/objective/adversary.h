// Adversary: where the embeddings of a batch would have to stand for its loss to be worse, within a small ball.
//   fgm     one step, delta = size g / |g|                                        (Miyato, Dai, Goodfellow 2017)
//   pgd     `ascents` steps of `rate` within a ball of `size`                                (Madry et al. 2018)
//   freelb  from a drawn delta on, a step of `rate` behind each pass, of which there are `ascents` in all; each has
//           1 / ascents of the loss; the same dropout in all                                   (Zhu et al. 2020)
//   smart   from a drawn delta one step by the symmetric KL of what is said with and without it  (Jiang et al. 2020)
// g: d loss / d embeddings of a text, |.| its norm. With no adversary all of this is one plain pass.
#pragma once

#include <functional>

#include "nn/model/model.h"
#include "tasks/objective/robust_options.h"

namespace objective {

using engine::Tensor;

// Where a loss counts: delta, [N, C], or nothing for the embeddings as they are; and how much of it.
struct Place {
  Tensor delta;
  double weight = 1;
};

class Adversary {
 public:
  using Loss = std::function<Tensor(const Tensor& delta)>;  // [N, C] -> []

  Adversary(const RobustOptions& options, nn::Model& net, uint64_t seed);
  bool is(const std::string& kind) const { return options_.adversarial == kind; }

  // A further part of a step begins: the masks that come next are those of all its passes. All draws are by seed, step
  // and part, so that a resumed run goes on to the same bits.
  void begin(long step);
  void rewind() { step_ = ~0u; }  // the next begin() is of the first part again
  bool first_part() const { return part_ == 0; }
  engine::Random random(uint32_t what) const;

  // The encoder at `delta`, or where the texts stand; with the masks of this part.    [N], [N, C] -> the rows of `read`
  nn::Encoded run(const text::Batch& part, const Tensor& delta, const nn::Rows& read, nn::Trace* trace = nullptr) const;
  Tensor first(const text::Batch& part) const;  // where it begins, asking for its gradient.    [N, C]
  // A step up from delta, whose gradient is there; into the ball where the kind has one. It asks for its gradient.
  Tensor climbed(const Tensor& delta, const text::Batch& part) const;
  // The gradient of delta alone: the weights get none.
  void ascend(const Tensor& delta, const Loss& loss) const;

  // All places at once, for those who add up losses before they walk the graph. It costs as many passes more as there
  // are steps. The last of smart is for the distance, not for the loss.
  std::vector<Place> places(const text::Batch& part, const Loss& loss) const;
  long ascents() const { return ascents_; }

 private:
  RobustOptions options_;
  nn::Model& net_;
  uint64_t seed_;
  long ascents_;
  uint32_t step_ = ~0u, part_ = 0, masks_ = 0;
};

}  // namespace objective
