// An encoder, its heads, and what the heads read of it. Read nn/model/bert.h, words.h and heads.h first.
#include "nn/model/model.h"

#include <algorithm>

namespace nn {
namespace {

std::variant<Bert, Words> encoder_for(Scope root, const Config& c, PieceRows subwords) {
  if (c.model_type == "bert") return Bert(root / "bert", c);
  return Words(root / "embeddings", c, std::move(subwords));
}

}  // namespace

Encoder::Encoder(Scope root, const Config& c, PieceRows subwords) : kind_(encoder_for(root, c, std::move(subwords))) {}

Tensor Encoder::embed(const Tokens& tokens) const {
  if (const Words* w = words()) return (*w)(tokens);
  return bert()->embeddings(tokens);
}

Encoded Encoder::run(const Tensor& x, const Indices& offsets, const Rows& read, Trace* trace) const {
  if (bert()) return bert()->run(x, offsets, read, trace);
  if (trace) trace->hidden = {x};
  if (read.kind == Rows::some) return {{}, {}, gather_rows(x, read.which), offsets};
  return {x, {}, {}, offsets};
}

const Tensor& Encoder::word_embeddings() const {
  return bert() ? bert()->embeddings.word.weight : words()->word.weight;
}

void Encoder::for_each_linear(const std::function<void(Linear&)>& f) {
  Bert* bert = std::get_if<Bert>(&kind_);
  if (!bert) return;
  for (BertLayer& layer : bert->layers)
    for (Linear* linear : {&layer.attention.query, &layer.attention.key, &layer.attention.value,
                           &layer.attention_output.dense, &layer.intermediate, &layer.output.dense})
      f(*linear);
  for (BertLayer& layer : bert->layers)
    for (std::optional<InLayer>* adapter : {&layer.attention_output.adapter, &layer.output.adapter})
      if (*adapter) f((*adapter)->bottleneck.down), f((*adapter)->bottleneck.up);
}

Model::Model(const Config& c, const std::vector<HeadConfig>& tasks, uint64_t seed, PieceRows subwords)
    : config(c), params(seed), encoder(params.root(), config, std::move(subwords)) {
  for (const HeadConfig& task : tasks) heads.emplace_back(params.root(), config, task, encoder.word_embeddings());
}

const Head& Model::head() const {
  check(heads.size() == 1, "a model of one head is needed; this one has {}", heads.size());
  return heads[0];
}

Rows Model::rows_of(const std::vector<size_t>& which) const {
  Rows::Kind kind = Rows::first;
  for (size_t h = 0; h < heads.size(); ++h) {
    const bool asked = which.empty() || std::find(which.begin(), which.end(), h) != which.end();
    if (asked && heads[h].reads() != Rows::first) kind = Rows::all;
  }
  return {kind};
}

std::vector<Tensor> Model::shared() const {
  std::vector<Tensor> shared = params.trainable();
  std::erase_if(shared, [](const Tensor& p) { return belongs_to_task(p.name()); });
  return shared;
}

void Model::for_each_linear(const std::function<void(Linear&)>& f) {
  encoder.for_each_linear(f);
  for (Head& head : heads) {
    if (head.adapter) {
      f(head.adapter->down);
      f(head.adapter->up);
    }
    if (head.pooler) f(*head.pooler);
    if (head.masked_lm) {
      f(head.masked_lm->dense);
      f(head.masked_lm->decoder);
    }
    if (head.classifier) f(*head.classifier);
  }
}

void Model::pack() {
  constexpr long kFewest = 16;  // outputs: a panel's; fewer would be computed for nothing
  if (instructions_here().back() == Instructions::portable) return;
  for_each_linear([](Linear& layer) {
    const bool table = layer.weight.name().ends_with("word_embeddings.weight");  // of the masked language model
    if (layer.packed || layer.instead || table || layer.weight.dim(0) < kFewest) return;
    layer.packed = std::make_shared<PackedLinear>(layer.weight, layer.bias);
  });
}

HeadConfig only_head(const Config& c) {
  HeadConfig head;
  head.outputs = long(c.labels.size());
  if (c.model_type != "bert") {
    head.reads = Reads::attention;
    head.queries = c.num_attention_heads;
  }
  return head;
}

bool belongs_to_head(const std::string& parameter) {
  const auto begins = [&](const char* prefix) { return parameter.starts_with(prefix); };
  return begins("classifier.") || begins("bert.pooler.") || begins("pool.") || begins("cls.") || begins("heads.") ||
         begins("projection.") || parameter == "bert.encoder.retention.weight";  // of a schedule that is to be learned
}

}  // namespace nn
