// The encoder of texts in the loop of histories. Read tasks/recommend/features.h first, nn/adapter/attach.h for
// adapters.
#include "tasks/recommend/text_training.h"

#include <algorithm>
#include <set>

#include "tasks/model/adapter.h"
#include "tasks/model/shipped.h"
#include "tasks/model/text_model.h"

namespace recommend {

using engine::real;

TextTraining::TextTraining(const std::vector<Item>& items, const TextOptions& o, ItemText& text, uint64_t seed)
    : text_(text), has_(text.has), texts_(o.texts), rate_(o.rate), seed_(seed) {
  if (o.training == "none" || !text.mean) return;
  encoder_ = text_encoder(o);
  set_ = texts_of(items, *encoder_, o);
  encoder_->net.params.mode().seed = seed;
  if (o.training != "adapters") return;
  model::AdapterOptions lora;
  lora.kind = "lora";
  model::add_adapter(encoder_->net, lora, model::model_at(o.encoder));
}
TextTraining::~TextTraining() = default;

// What a mean of states does not depend on has no gradient: a pooler.
std::vector<Tensor> TextTraining::trained() const {
  std::vector<Tensor> all;
  for (const Tensor& t : encoder_->net.params.trainable())
    if (t.name().find("pooler") == std::string::npos) all.push_back(t);
  return all;
}

run::TrainingOptions TextTraining::joined(run::TrainingOptions training, run::Frame& frame) const {
  if (!encoder_) return training;
  frame.also_trained = trained();
  frame.also_saved = {text_.mean.named("item.text_means")};
  std::set<std::string> first;  // of the names: "bert"
  for (const Tensor& t : frame.also_trained) first.insert(t.name().substr(0, t.name().find('.')));
  for (const std::string& name : first) training.lr_of.push_back(fmt::format("{}.*={}", name, rate_));
  return training;
}

Tensor TextTraining::means(const Indices& items) const {
  const text::Batch batch = text::pack(set_, items);
  const nn::Encoded x = encoder_->net.encoder(batch.tokens, {nn::Rows::all});  // [N] -> [N, Ce]
  const Tensor mean = nn::mean_pool(x.tokens, x.offsets);                      // [n, Ce]
  const Tensor length = sqrt(reshape(sum(mean * mean, 1), {mean.dim(0), 1}));
  return mean / length;
}

FreshTexts TextTraining::read(const Batch& batch, long step, uint32_t call) const {
  FreshTexts fresh;
  if (!encoder_) return fresh;
  std::set<int> asked(batch.next.begin(), batch.next.end());
  asked.insert(batch.tokens.ids.begin(), batch.tokens.ids.end());
  Indices some;
  for (const int item : asked)
    if (has_[size_t(item)]) some.push_back(item);
  const Indices order =
      engine::permutation(int(some.size()), {seed_, engine::Stream::sample, uint32_t(step), 3000000 + call});
  for (size_t n = 0; n < std::min(some.size(), size_t(texts_)); ++n) fresh.items.push_back(some[size_t(order[n])]);
  if (fresh.items.empty()) return fresh;
  encoder_->net.params.train(step);
  fresh.means = means(fresh.items);
  return fresh;
}

void TextTraining::keep(const FreshTexts& fresh) {
  if (fresh.items.empty()) return;
  const long C = text_.mean.dim(1);
  for (size_t n = 0; n < fresh.items.size(); ++n)
    std::copy_n(fresh.means.data() + long(n) * C, C, text_.mean.data() + fresh.items[n] * C);
}

void TextTraining::read_all() {
  if (!encoder_) return;
  const engine::NoGrad no_grad;
  encoder_->net.params.eval();
  for (long begin = 0; begin < set_.size(); begin += 64) {
    FreshTexts some;
    for (long i = begin; i < std::min(set_.size(), begin + 64); ++i) some.items.push_back(int(i));
    some.means = means(some.items);
    keep(some);
  }
}

}  // namespace recommend
