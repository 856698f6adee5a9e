// Pruning of attention heads and feed-forward neurons: which ones matter, and a model without the others.
#pragma once

#include <functional>

#include "tasks/model/text_model.h"

namespace run {
class Options;
}

namespace model {

// [L][H] and [L][F]: the expected |dL/dg| of a factor g = 1 on what a head returns or a neuron does, the loss L being
// each text's cross-entropy; every layer divided by its L2 norm (Michel, Levy, Neubig 2019: "Are Sixteen Heads Really
// Better than One?"; Molchanov et al. 2017: of a neuron with the activations h_n it is |sum_n h_n dL/dh_n|).
struct Importance {
  std::vector<std::vector<double>> heads, neurons;
};
// Takes the parameters' gradients away from `model`. Error: no BERT.
Importance importance_of(TextModel& model, const text::EncodedSet& set,
                         const std::function<void(long)>& progress = nullptr);

// For every layer the heads or neurons, as they are numbered now, that are among the least important `share` of all, or
// of their layer; one stays in every layer.
using LayerUnits = std::vector<std::vector<long>>;
enum class Ranked { over_all_layers, within_a_layer };
LayerUnits least_important(const std::vector<std::vector<double>>& importance, double share,
                           Ranked ranked = Ranked::over_all_layers);

// A smaller model that computes what `model` does without them: the heads' rows of query, key and value and columns of
// the attention's output are gone, the neurons' rows of the intermediate layer and columns of the output. config.json
// names the heads in `pruned_heads`, as Hugging Face does; layers of unequal widths it has in `intermediate_sizes`,
// which Hugging Face does not know. With `token_retention` (nn/format/config.h) tokens leave on the way, too.
std::unique_ptr<TextModel> without(const TextModel& model, const LayerUnits& heads, const LayerUnits& neurons,
                                   const std::vector<double>& token_retention = {});

// What is to be taken out, as options.
struct PruneOptions {
  double heads = 0, neurons = 0;  // shares
  bool uneven = false;            // neurons where they matter least: layers of unequal widths
  std::string tokens;             // a schedule, as parse_retention() in tasks/model/build.h reads it

  void declare(run::Options& options);
  void settle() const;  // after parsing: leaves with status 2 when nothing is to be taken out
};
// Measures importance on the set, shows it, and makes the smaller model.
std::unique_ptr<TextModel> prune(TextModel& model, const std::string& directory, const text::EncodedSet& set,
                                 const PruneOptions& options);

}  // namespace model
