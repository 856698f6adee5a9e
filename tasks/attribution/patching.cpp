// A BERT run node node by node, with nodes of another run in their places. Read nn/model/bert.h first.
#include "tasks/attribution/patching.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace attribution {

using engine::check;
using engine::real;

namespace {

// What the nodes of one layer hold, of all rows.
struct LayerNodes {
  Tensor input, heads, attention, attended, feed_forward, output;
};
// What an encoder did for one text; of word embeddings `embeddings` alone.
struct Activations {
  Tensor embeddings;  // [T, C]
  std::vector<LayerNodes> layers;
};

const nn::Model& net_of(const Contrast& contrast) { return contrast.one.model().net; }

class Runner {
 public:
  explicit Runner(const Contrast& contrast) : contrast_(contrast), bert_(net_of(contrast).encoder.bert()) {}

  long layers() const { return bert_ ? long(bert_->layers.size()) : 0; }
  long heads(long layer) const { return bert_->layers[size_t(layer)].attention.heads; }

  Activations run(const text::Batch& batch) const {
    Activations a{net_of(contrast_).encoder.embed(batch.tokens), {}};
    Tensor x = a.embeddings;
    for (long l = 0; l < layers(); ++l) {
      a.layers.push_back({.input = x, .heads = {}, .attention = {}, .attended = {}, .feed_forward = {}, .output = {}});
      x = complete(l, a.layers.back(), batch.tokens.offsets);
    }
    return a;
  }

  // The rest of a layer behind what is there of it: output.
  Tensor complete(long index, LayerNodes& n, const Indices& offsets) const {
    const nn::BertLayer& layer = bert_->layers[size_t(index)];
    const engine::Ragged all(offsets, layer.attention.heads);
    const engine::Ragged layout = bert_->window ? all.within(bert_->window, bert_->globals) : all;
    if (!n.heads && !n.attention && !n.attended) n.heads = layer.attention(n.input, n.input, layout);
    if (!n.attention && !n.attended) n.attention = layer.attention_output.dense(n.heads);
    if (!n.attended) n.attended = layer.attention_output.finish(n.attention, n.input);
    if (!n.feed_forward) n.feed_forward = layer.output.dense(layer.activation(layer.intermediate(n.attended)));
    n.output = layer.output.finish(n.feed_forward, n.attended);
    return n.output;
  }

  // From what enters layer `from` to the contrast of every text.    [N, C] -> [B]
  std::vector<real> finish(long from, Tensor x, const text::Batch& batch) const {
    for (long l = from; l < layers(); ++l) {
      LayerNodes nodes{.input = x, .heads = {}, .attention = {}, .attended = {}, .feed_forward = {}, .output = {}};
      x = complete(l, nodes, batch.tokens.offsets);
    }
    const nn::Head& head = net_of(contrast_).heads[contrast_.one.head()];
    return contrast_.of_logits(head({x, {}, {}, batch.tokens.offsets}), batch).to_vector();
  }

 private:
  const Contrast& contrast_;
  const nn::Bert* bert_;
};

// Entries of a matrix: all columns of some rows, or some columns of all rows.
struct Part {
  Indices rows;
  long first = 0, last = 0;
};

// A copy of x [T, C] for every part, in which this part is y's.    -> [parts * T, C]
Tensor with_parts(const Tensor& x, const Tensor& y, const std::vector<Part>& parts) {
  const long n = x.numel(), C = x.dim(1);
  Tensor all(engine::Shape{long(parts.size()) * x.dim(0), C});
  for (size_t b = 0; b < parts.size(); ++b) {
    real* own = all.data() + long(b) * n;
    std::copy_n(x.data(), n, own);
    for (const int row : parts[b].rows)
      std::copy(y.data() + row * C + parts[b].first, y.data() + row * C + parts[b].last,
                own + row * C + parts[b].first);
  }
  return all;
}

Tensor repeated(const Tensor& x, size_t times) { return with_parts(x, x, std::vector<Part>(times)); }

// The contrast of a run into which parts of another run's node are put, one part a text.
std::vector<double> patched(const Runner& runner, Component component, long layer, const Activations& into,
                            const Activations& from, const std::vector<Part>& parts, const Windows& text) {
  std::vector<double> values;
  const size_t together = size_t(std::max(1L, Decision::kTokens / long(text[0].ids.size())));
  for (size_t begin = 0; begin < parts.size(); begin += together) {
    const std::vector<Part> some(parts.begin() + long(begin),
                                 parts.begin() + long(std::min(begin + together, parts.size())));
    const text::Batch batch = pack_texts(std::vector<Windows>(some.size(), text));
    std::vector<real> v;
    if (component == Component::residual) {
      const auto at = [&](const Activations& a) {
        return layer == 0 ? a.embeddings : a.layers[size_t(layer) - 1].output;
      };
      v = runner.finish(layer, with_parts(at(into), at(from), some), batch);
    } else {
      const LayerNodes &own = into.layers[size_t(layer)], &other = from.layers[size_t(layer)];
      LayerNodes nodes;
      nodes.input = repeated(own.input, some.size());
      if (component == Component::head) nodes.heads = with_parts(own.heads, other.heads, some);
      if (component == Component::attention) nodes.attention = with_parts(own.attention, other.attention, some);
      if (component == Component::feed_forward) {
        nodes.attended = repeated(own.attended, some.size());
        nodes.feed_forward = with_parts(own.feed_forward, other.feed_forward, some);
      }
      v = runner.finish(layer + 1, runner.complete(layer, nodes, batch.tokens.offsets), batch);
    }
    values.insert(values.end(), v.begin(), v.end());
  }
  return values;
}

std::vector<Site> sites_of(const Decision& decision, const Subject& clean, const Subject& corrupted) {
  const std::vector<int>&a = clean.windows[0].ids, &b = corrupted.windows[0].ids;
  const text::WordPiece& tokenizer = decision.model().tokenizer;
  std::vector<int> word(a.size(), -1);
  bool same = clean.words.size() == corrupted.words.size();
  for (size_t i = 0; same && i < clean.words.size(); ++i) {
    same = clean.words[i].tokens == corrupted.words[i].tokens;
    for (const int row : clean.words[i].tokens) word[size_t(row)] = int(i);
  }
  std::vector<Site> sites;
  int before = -1;
  for (size_t t = 0; t < a.size(); ++t) {
    const int own = same ? word[t] : -1;
    if (own >= 0 && own == before)
      sites.back().rows.push_back(int(t));
    else if (own >= 0)
      sites.push_back({clean.words[size_t(own)].text, corrupted.words[size_t(own)].text, {int(t)}});
    else
      sites.push_back({tokenizer.piece(a[t]), tokenizer.piece(b[t]), {int(t)}});
    before = own;
  }
  return sites;
}

std::vector<Part> sites_as_parts(const std::vector<Site>& sites, long C) {
  std::vector<Part> parts;
  for (const Site& site : sites) parts.push_back({site.rows, 0, C});
  return parts;
}

// The columns of every head, of all rows.
std::vector<Part> heads_of(const Tensor& x, long heads) {
  Indices all(size_t(x.dim(0)));
  std::iota(all.begin(), all.end(), 0);
  const long D = x.dim(1) / heads;
  std::vector<Part> parts;
  for (long h = 0; h < heads; ++h) parts.push_back({all, h * D, (h + 1) * D});
  return parts;
}

void check_pair(const Contrast& contrast, const Subject& clean, const Subject& corrupted) {
  const nn::Bert* bert = net_of(contrast).encoder.bert();
  check(!bert || (bert->schedule.empty() && !bert->retention),
        "patching: this model leaves tokens behind on the way (token_retention), so that its rows have no partners");
  check(clean.windows.size() == 1 && corrupted.windows.size() == 1,
        "patching: both texts must fit into the model at once; got {} and {} windows", clean.windows.size(),
        corrupted.windows.size());
  const long a = clean.tokens(), b = corrupted.tokens();
  check(a == b,
        "patching: both texts must have as many tokens, so that each has its partner; got {} and {}: change words for "
        "others of as many pieces",
        a, b);
  check(clean.windows[0].types == corrupted.windows[0].types,
        "patching: the second text must begin at the same token in both");
}

}  // namespace

const std::string& name_of(Component component) {
  static const std::string names[] = {"residual", "attention", "feed_forward", "head"};
  return names[size_t(component)];
}

Tensor Contrast::of_logits(const Tensor& logits, const text::Batch& batch) const {
  const Tensor f = one.of_logits(logits, batch);
  return other ? f - other->of_logits(logits, batch) : f;
}

// Activation patching (Vig et al. 2020, "Causal mediation analysis for interpreting neural NLP"; Meng et al. 2022,
// "Locating and editing factual associations in GPT"). D: the contrast; D(clean), D(corrupted) of the two texts.
//   denoising = (D(corrupted, the node clean's) - D(corrupted)) / (D(clean) - D(corrupted))      does it bring it back?
//   noising   = (D(clean) - D(clean, the node corrupted's)) / (D(clean) - D(corrupted))          is it lost without it?
// 1: this node carries all of the difference; 0: none. Nothing is clipped; the nodes need not add up.
Patching patch(const Contrast& contrast, const Subject& clean, const Subject& corrupted) {
  check_pair(contrast, clean, corrupted);
  const engine::NoGrad no_grad;
  const Runner runner(contrast);
  const text::Batch of_clean = pack_texts({clean.windows}), of_corrupted = pack_texts({corrupted.windows});
  const Activations a = runner.run(of_clean), b = runner.run(of_corrupted);
  const auto whole = [&](const Activations& x, const text::Batch& batch) {
    return double(runner.finish(runner.layers(), x.layers.empty() ? x.embeddings : x.layers.back().output, batch)[0]);
  };
  Patching result{whole(a, of_clean), whole(b, of_corrupted), sites_of(contrast.one, clean, corrupted), {}, 2};
  const double gap = result.clean - result.corrupted;
  check(std::abs(gap) > 1e-5 * (1 + std::abs(result.clean)),
        "patching: both texts score {:.4f}; there is no difference to hand over", result.clean);
  for (const Component component :
       {Component::residual, Component::attention, Component::feed_forward, Component::head}) {
    const long layers = runner.layers() + (component == Component::residual);
    if (layers == 0) continue;
    Effects effects{component};
    for (long l = 0; l < layers; ++l) {
      const std::vector<Part> parts = component == Component::head
                                          ? heads_of(a.layers[size_t(l)].heads, runner.heads(l))
                                          : sites_as_parts(result.sites, a.embeddings.dim(1));
      std::vector<double>& denoising = effects.denoising.emplace_back();
      std::vector<double>& noising = effects.noising.emplace_back();
      for (const double v : patched(runner, component, l, b, a, parts, clean.windows))
        denoising.push_back((v - result.corrupted) / gap);
      for (const double v : patched(runner, component, l, a, b, parts, clean.windows))
        noising.push_back((result.clean - v) / gap);
      result.runs += 2 * long(parts.size());
    }
    result.effects.push_back(std::move(effects));
  }
  return result;
}

}  // namespace attribution
