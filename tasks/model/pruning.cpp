// Importance by the gradient of gates, and weights with rows and columns taken out. Read nn/model/bert.h first.
#include "tasks/model/pruning.h"

#include <algorithm>
#include <cmath>

#include "tasks/model/build.h"
#include "tasks/run/console.h"
#include "tasks/run/progress.h"

namespace model {

using engine::check;
using engine::real;
using engine::Tensor;

namespace {

void check_bert(const TextModel& model) {
  check(model.config().model_type == "bert", "heads and neurons are pruned in a BERT; this model's type is {}",
        model.config().model_type);
  check(!model.net.adapter, "pruning: the adapter, a {}, cannot be merged, and nothing is pruned under one",
        model.net.adapter ? nn::name_of(model.net.adapter->kind) : "");
}

long head_width(const nn::Config& c) { return c.hidden_size / c.num_attention_heads; }

// Every layer divided by its L2 norm.
void normalise(std::vector<std::vector<double>>& layers) {
  for (auto& layer : layers) {
    double squares = 0;
    for (const double x : layer) squares += x * x;
    for (double& x : layer) x /= std::max(std::sqrt(squares), 1e-30);
  }
}

// Adds |dL/dg| of gates with `width` factors each, which share one slope: the sum over their factors.
void add_slopes(const std::vector<Tensor>& gates, long width, double weight, std::vector<std::vector<double>>& to) {
  for (size_t l = 0; l < to.size(); ++l)
    for (size_t g = 0; g < to[l].size(); ++g) {
      double slope = 0;
      for (long d = 0; d < width; ++d) slope += gates[l].grad_data()[long(g) * width + d];
      to[l][g] += std::abs(slope) * weight;
    }
}

}  // namespace

Importance importance_of(TextModel& model, const text::EncodedSet& set, const std::function<void(long)>& progress) {
  check_bert(model);
  check(model.only_task().head == nn::Predicts::label,
        "importance is measured by the cross-entropy of labels; this model's head is '{}'",
        spec::head_name(model.only_task().head));
  check(set.size() > 0, "importance is measured on texts with labels; there is none");
  model.net.params.freeze("*");
  const nn::Config& c = model.config();
  Importance result;
  for (long l = 0; l < c.num_hidden_layers; ++l) {
    result.heads.emplace_back(c.heads_of(l));
    result.neurons.emplace_back(c.neurons_of(l));
  }
  for (long i = 0; i < set.size(); ++i) {
    const text::Batch text = text::pack(set, {int(i)});  // one at a time: the mean is of absolute values
    nn::Trace trace;
    for (long l = 0; l < c.num_hidden_layers; ++l) {
      trace.head_gates.push_back(Tensor::full({c.heads_of(l) * head_width(c)}, 1).require_grad());
      trace.neuron_gates.push_back(Tensor::full({c.neurons_of(l)}, 1).require_grad());
    }
    backward(cross_entropy(mean_over_windows(model.net(text.tokens, &trace), text), text.labels));
    add_slopes(trace.head_gates, head_width(c), 1 / double(set.size()), result.heads);
    add_slopes(trace.neuron_gates, 1, 1 / double(set.size()), result.neurons);
    if (progress) progress(i + 1);
  }
  normalise(result.heads);
  normalise(result.neurons);
  return result;
}

LayerUnits least_important(const std::vector<std::vector<double>>& importance, double share, Ranked ranked) {
  struct Unit {
    double importance;
    size_t layer;
    long index;
  };
  std::vector<Unit> all;
  std::vector<long> left;  // to be taken out, of each layer
  for (size_t l = 0; l < importance.size(); ++l) {
    const long size = long(importance[l].size());
    for (long i = 0; i < size; ++i) all.push_back({importance[l][i], l, i});
    left.push_back(ranked == Ranked::over_all_layers ? size - 1
                                                     : std::min(size - 1, std::lround(share * double(size))));
  }
  std::stable_sort(all.begin(), all.end(), [](const Unit& a, const Unit& b) { return a.importance < b.importance; });
  long left_of_all = ranked == Ranked::over_all_layers ? std::lround(share * double(all.size())) : long(all.size());
  LayerUnits removed(importance.size());
  for (const Unit& unit : all) {
    if (left_of_all == 0) break;
    if (left[unit.layer] == 0) continue;
    removed[unit.layer].push_back(unit.index);
    --left[unit.layer];
    --left_of_all;
  }
  for (auto& layer : removed) std::sort(layer.begin(), layer.end());
  return removed;
}

namespace {

// The configuration of the smaller model.
nn::Config config_without(const nn::Config& before, const LayerUnits& heads, const LayerUnits& neurons) {
  nn::Config config = before;
  const long L = config.num_hidden_layers;
  check(long(heads.size()) == L && long(neurons.size()) == L,
        "a list of heads and one of neurons for each of {} layers; got {} and {}", L, heads.size(), neurons.size());
  config.intermediate_sizes.clear();
  for (long l = 0; l < L; ++l) {
    const std::vector<long> names = before.kept_heads(l);  // as the unpruned model numbered them
    for (const long h : heads[l]) {
      check(h >= 0 && h < long(names.size()), "layer {} has {} heads; got {}", l, names.size(), h);
      config.pruned_heads[l].push_back(names[h]);
    }
    const long width = before.neurons_of(l);
    for (const long n : neurons[l]) check(n >= 0 && n < width, "layer {} has {} neurons; got {}", l, width, n);
    config.intermediate_sizes.push_back(width - long(neurons[l].size()));
  }
  const auto& sizes = config.intermediate_sizes;
  if (L > 0 && std::count(sizes.begin(), sizes.end(), sizes[0]) == L) {  // what Hugging Face can read, too
    config.intermediate_size = sizes[0];
    config.intermediate_sizes.clear();
  }
  return config;
}

// The indices that stay, of units that are `size` numbers wide.
std::vector<long> kept_indices(long units, long size, const std::vector<long>& removed) {
  std::vector<long> kept;
  for (long u = 0; u < units; ++u)
    if (std::find(removed.begin(), removed.end(), u) == removed.end())
      for (long i = 0; i < size; ++i) kept.push_back(u * size + i);
  return kept;
}

void copy_rows(const nn::Linear& from, const std::vector<long>& kept, const nn::Linear& to) {
  const long C = from.weight.dim(1);
  for (size_t r = 0; r < kept.size(); ++r) {
    std::copy_n(from.weight.data() + kept[r] * C, C, to.weight.data() + long(r) * C);
    to.bias.data()[r] = from.bias.data()[kept[r]];
  }
}

void copy_columns(const Tensor& from, const std::vector<long>& kept, const Tensor& to) {
  for (long r = 0; r < from.dim(0); ++r)
    for (size_t k = 0; k < kept.size(); ++k)
      to.data()[r * to.dim(1) + long(k)] = from.data()[r * from.dim(1) + kept[k]];
}

}  // namespace

std::unique_ptr<TextModel> without(const TextModel& model, const LayerUnits& heads, const LayerUnits& neurons,
                                   const std::vector<double>& token_retention) {
  check_bert(model);
  const nn::Config& before = model.config();
  nn::Config config = config_without(before, heads, neurons);
  if (!token_retention.empty()) {
    config.token_retention = token_retention;
    config.retention_bins = 0;
  }
  config.check_sizes("pruning");
  auto pruned = std::make_unique<TextModel>(config, model.tasks, model.tokenizer, model.reading, 0);
  pruned->net.params.initialise();
  for (const Tensor& to : pruned->net.params.tensors()) {
    const Tensor& from = model.net.params.find(to.name());
    if (from.shape() == to.shape()) std::copy_n(from.data(), from.numel(), to.data());
  }
  for (long l = 0; l < before.num_hidden_layers; ++l) {
    const nn::BertLayer &from = model.net.encoder.bert()->layers[l], &to = pruned->net.encoder.bert()->layers[l];
    const std::vector<long> of_heads = kept_indices(before.heads_of(l), head_width(before), heads[l]);
    const std::vector<long> of_neurons = kept_indices(before.neurons_of(l), 1, neurons[l]);
    for (const auto part :
         {&nn::MultiHeadAttention::query, &nn::MultiHeadAttention::key, &nn::MultiHeadAttention::value})
      copy_rows(from.attention.*part, of_heads, to.attention.*part);
    copy_columns(from.attention_output.dense.weight, of_heads, to.attention_output.dense.weight);
    copy_rows(from.intermediate, of_neurons, to.intermediate);
    copy_columns(from.output.dense.weight, of_neurons, to.output.dense.weight);
  }
  return pruned;
}

void PruneOptions::declare(run::Options& options) {
  options.add("--heads", heads, "share of all attention heads to take out; every layer keeps one").between(0, 1);
  options.add("--neurons", neurons, "share of each layer's feed-forward neurons to take out; every layer keeps one")
      .between(0, 1);
  options
      .add("--uneven", uneven,
           "take that share of all neurons, wherever they matter least: layers of unequal widths, which Hugging Face "
           "tools do not read")
      .only_with("--neurons");
  options.add(
      "--token-retention", tokens,
      "share of a text's tokens that goes on from each layer: 1.0,0.7,0.5,0.3; or learned; without any training");
}

void PruneOptions::settle() const {
  if (heads == 0 && neurons == 0 && tokens.empty())
    run::usage_error("nothing to take out; say --heads SHARE, --neurons SHARE or --token-retention SHARES");
}

namespace {

void print_heads(const std::vector<std::vector<double>>& importance, const LayerUnits& removed) {
  fmt::print("layer  importance of its heads, those in brackets are taken out\n");
  for (size_t l = 0; l < importance.size(); ++l) {
    fmt::print("{:>5} ", l);
    for (size_t h = 0; h < importance[l].size(); ++h) {
      const bool gone = std::find(removed[l].begin(), removed[l].end(), long(h)) != removed[l].end();
      fmt::print("{}{:.3f}{}", gone ? " [" : "  ", importance[l][h], gone ? "]" : " ");
    }
    fmt::print("\n");
  }
}

void print_neurons(const std::vector<std::vector<double>>& importance, const LayerUnits& removed) {
  fmt::print("layer  neurons  left  their share of the importance\n");
  for (size_t l = 0; l < importance.size(); ++l) {
    double all = 0, gone = 0;
    for (const double x : importance[l]) all += x;
    for (const long n : removed[l]) gone += importance[l][n];
    const size_t size = importance[l].size();
    fmt::print("{:>5}  {:>7}  {:>4}  {:.1f}%\n", l, size, size - removed[l].size(),
               100 * (1 - gone / std::max(all, 1e-30)));
  }
}

}  // namespace

std::unique_ptr<TextModel> prune(TextModel& model, const std::string& directory, const text::EncodedSet& set,
                                 const PruneOptions& options) {
  check_bert(model);
  std::vector<double> schedule;
  if (!options.tokens.empty()) schedule = parse_retention(options.tokens, directory);
  const LayerUnits nothing(model.config().num_hidden_layers);
  if (options.heads == 0 && options.neurons == 0) return without(model, nothing, nothing, schedule);
  run::Progress progress("importance", set.size());
  const Importance importance = importance_of(model, set, [&](long done) { progress.update(done); });
  progress.interrupt();
  const LayerUnits heads = least_important(importance.heads, options.heads);
  const LayerUnits neurons = least_important(importance.neurons, options.neurons,
                                             options.uneven ? Ranked::over_all_layers : Ranked::within_a_layer);
  if (options.heads > 0) print_heads(importance.heads, heads);
  if (options.neurons > 0) print_neurons(importance.neurons, neurons);
  return without(model, heads, neurons, schedule);
}

}  // namespace model
