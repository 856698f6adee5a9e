// TextTraining: the encoder of the items' texts learns along with what is learned of histories, all of it or by
// adapters.
#pragma once

#include <memory>

#include "tasks/recommend/learning.h"
#include "tasks/run/training.h"
#include "tasks/text/batches.h"

namespace model {
struct TextModel;
}

namespace recommend {

// In each step some items of the batch are read again, with a gradient; the others keep the means of when they were
// read last (a memory bank: Wu, Xiong, Yu, Lin 2018). After an epoch all are read.
class TextTraining {
 public:
  // With --text-training none, or where no item has a text, nothing that follows does anything.
  // Error: adapters are nothing for this encoder.
  TextTraining(const std::vector<Item>& items, const TextOptions& o, ItemText& text, uint64_t seed);
  ~TextTraining();

  // What the encoder adds to a run: its parameters, the means in the checkpoints, and its own learning rate.
  run::TrainingOptions joined(run::TrainingOptions training, run::Frame& frame) const;
  // At most --text-batch items of the histories and of what follows, drawn.
  FreshTexts read(const Batch& batch, long step, uint32_t call) const;
  void keep(const FreshTexts& fresh);  // in the place of what was read before
  void read_all();

 private:
  Tensor means(const Indices& items) const;  // [n, Ce], of length 1

  std::vector<Tensor> trained() const;  // parameters that a gradient reaches

  ItemText& text_;
  std::unique_ptr<model::TextModel> encoder_;  // or none
  text::EncodedSet set_;
  std::vector<char> has_;
  long texts_;
  double rate_;
  uint64_t seed_;
};

}  // namespace recommend
