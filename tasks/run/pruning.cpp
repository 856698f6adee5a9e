// Head importance by the gradient of gates, and weights with rows and columns taken out. Read nn/bert.h first.
#include "tasks/run/pruning.h"

#include <algorithm>
#include <cmath>

namespace run {

using engine::check;
using engine::real;
using engine::Tensor;

namespace {

void check_bert(const TextModel& model) {
  check(model.config.model_type == "bert", "heads are pruned in a BERT; this model's type is {}",
        model.config.model_type);
}

// Row or column indices that a tensor keeps: `size` numbers for each kept head.
std::vector<long> kept_indices(long heads, long size, const std::vector<long>& removed) {
  std::vector<long> kept;
  for (long h = 0; h < heads; ++h)
    if (std::find(removed.begin(), removed.end(), h) == removed.end())
      for (long i = 0; i < size; ++i) kept.push_back(h * size + i);
  return kept;
}

}  // namespace

std::vector<std::vector<double>> head_importance(TextModel& model, const text::EncodedSet& set,
                                                 const std::function<void(long)>& progress) {
  check_bert(model);
  check(set.size() > 0, "head importance needs texts with labels");
  model.params.eval();
  model.params.freeze("*");
  const nn::Config& c = model.config;
  const long D = c.hidden_size / c.num_attention_heads;
  std::vector<std::vector<double>> importance;
  for (long l = 0; l < c.num_hidden_layers; ++l) importance.emplace_back(c.heads_of(l));
  for (long i = 0; i < set.size(); ++i) {
    const text::Batch text = text::pack(set, {int(i)});  // one at a time: the mean is of absolute values
    nn::Trace trace;
    for (const auto& layer : importance)
      trace.gates.push_back(Tensor::full({long(layer.size()) * D}, 1).require_grad());
    backward(cross_entropy(mean_over_windows(model.classifier(text.tokens, &trace), text), text.labels));
    for (size_t l = 0; l < importance.size(); ++l)
      for (size_t h = 0; h < importance[l].size(); ++h) {
        double slope = 0;  // of the one factor of the head: the sum over its columns
        for (long d = 0; d < D; ++d) slope += trace.gates[l].grad_data()[long(h) * D + d];
        importance[l][h] += std::abs(slope) / double(set.size());
      }
    if (progress) progress(i + 1);
  }
  for (auto& layer : importance) {
    double squares = 0;
    for (const double x : layer) squares += x * x;
    for (double& x : layer) x /= std::max(std::sqrt(squares), 1e-30);
  }
  return importance;
}

std::vector<std::vector<long>> least_important(const std::vector<std::vector<double>>& importance, double share) {
  struct Head {
    double importance;
    size_t layer;
    long head;
  };
  std::vector<Head> all;
  for (size_t l = 0; l < importance.size(); ++l)
    for (size_t h = 0; h < importance[l].size(); ++h) all.push_back({importance[l][h], l, long(h)});
  std::stable_sort(all.begin(), all.end(), [](const Head& a, const Head& b) { return a.importance < b.importance; });
  std::vector<std::vector<long>> removed(importance.size());
  long left = std::lround(share * double(all.size()));
  for (const Head& head : all) {
    if (left == 0) break;
    if (removed[head.layer].size() + 1 >= importance[head.layer].size()) continue;  // the last of its layer
    removed[head.layer].push_back(head.head);
    --left;
  }
  for (auto& layer : removed) std::sort(layer.begin(), layer.end());
  return removed;
}

std::unique_ptr<TextModel> without_heads(const TextModel& model, const std::vector<std::vector<long>>& heads) {
  check_bert(model);
  nn::Config config = model.config;
  check(long(heads.size()) == config.num_hidden_layers, "a list of heads for each of {} layers; got {}",
        config.num_hidden_layers, heads.size());
  for (size_t l = 0; l < heads.size(); ++l) {
    const std::vector<long> names = model.config.kept_heads(long(l));  // as the unpruned model numbered them
    for (const long h : heads[l]) {
      check(h >= 0 && h < long(names.size()), "layer {} has {} heads; got {}", l, names.size(), h);
      config.pruned_heads[long(l)].push_back(names[h]);
    }
  }
  config.check_sizes("pruning");
  auto pruned = std::make_unique<TextModel>(config, model.tokenizer, 0);
  pruned->params.initialise();
  const long D = config.hidden_size / config.num_attention_heads;
  const std::string prefix = "bert.encoder.layer.";
  for (const Tensor& to : pruned->params.tensors()) {
    const Tensor& from = model.params.find(to.name());
    const size_t self = to.name().find(".attention.self."), output = to.name().find(".attention.output.dense.weight");
    if (from.shape() == to.shape()) {
      std::copy_n(from.data(), from.numel(), to.data());
      continue;
    }
    const size_t l = std::stoul(to.name().substr(prefix.size()));
    const std::vector<long> kept = kept_indices(model.config.heads_of(long(l)), D, heads[l]);
    if (self != std::string::npos) {  // rows of [heads * D, C], or numbers of [heads * D]
      const long C = from.numel() / from.dim(0);
      for (size_t r = 0; r < kept.size(); ++r) std::copy_n(from.data() + kept[r] * C, C, to.data() + long(r) * C);
    } else {
      check(output != std::string::npos, "pruning: '{}' changed its shape", to.name());
      for (long r = 0; r < from.dim(0); ++r)  // columns of [C, heads * D]
        for (size_t k = 0; k < kept.size(); ++k)
          to.data()[r * to.dim(1) + long(k)] = from.data()[r * from.dim(1) + kept[k]];
    }
  }
  return pruned;
}

}  // namespace run
