// An adapter on a model: few parameters that are trained, over a base that stays; and off again, into the weights.
#pragma once

#include "nn/model/decoder.h"
#include "nn/model/model.h"

namespace nn {

// Puts an adapter on a model whose parameters are there. What it adds is drawn, so that the model says what it said, or
// nearly (a prefix takes a share of the attention). The parameters that remain the base's are frozen, and a checkpoint
// leaves them out (Params::keep_as_base); the adapter's own, the biases that it trains and the modules to save are
// not. `fingerprint`: of the base (nn/adapter/files.h).
// Targets of lora are weights, and a BERT's tables of embeddings.
// Error: an adapter is there already; nothing fits the targets; a model without what it is for.
void attach(Model& model, AdapterConfig config, const std::string& fingerprint);
void attach(EncoderDecoder& model, AdapterConfig config, const std::string& fingerprint);  // lora and bitfit

// Error: one of the targets fits nothing, where attach() asks of them all together that something does.
void check_targets(Model& model, const AdapterConfig& config);
void check_targets(EncoderDecoder& model, const AdapterConfig& config);

// The modules of the head, as modules_to_save has them: all that belongs to heads.
std::vector<std::string> head_modules(const Model& model);

// Puts what an adapter has learned into the weights: a model like any other. Logits are the same but for rounding.
// Error: an adapter that is no change of weights: a bottleneck, a prefix.
void merge(Model& model);
void merge(EncoderDecoder& model);

}  // namespace nn
