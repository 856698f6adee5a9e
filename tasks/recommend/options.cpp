// The options of `recommend train`, and what is chosen on the dev part. Read tasks/run/options.h first.
#include "tasks/recommend/options.h"

#include "tasks/objective/transfer.h"
#include "tasks/recommend/regression.h"
#include "tasks/run/arguments.h"
#include "tasks/run/console.h"

namespace recommend {

Options::Options() {
  training.lr = 2e-3;
  training.batch_size = 1024;
  training.epochs = 30;
  training.weight_decay = 0.01;
  training.beta2 = 0.98;
  training.patience = 5;
}

void Options::declare(run::Options& options) {
  const auto add = [&](const char* name, auto& variable, const char* what, const char* group) -> run::Option& {
    return options.add(name, variable, what).group(group);
  };
  data.declare(options);
  const char *sizes = "Model", *measured = "Measured";
  add("--user", model.user,
      "last: the last state; pooled: attention over all; candidate: an attention of each item's own", sizes)
      .one_of({"last", "pooled", "candidate"});
  add("--layers", model.layers, "of causal self-attention over the history", sizes).between(0, 100);
  add("--hidden", model.hidden, "width", sizes).between(2, 1e5);
  add("--heads", model.heads, "attention heads", sizes).between(1, 1000);
  add("--intermediate", model.intermediate, "width of the feed-forward networks", sizes).between(1, 1e6);
  add("--positions", model.positions, "last items of a history that are read", sizes).between(1, 1e5);
  add("--dropout", model.dropout, "of embeddings and of what parts return", sizes).between(0, 0.99);
  add("--attention-dropout", model.attention_dropout, "of probabilities", sizes).between(0, 0.99);
  add("--identity-dropout", model.identity_dropout, "how often an item with a text has to do with the text alone",
      sizes)
      .between(0, 1);
  text.declare(options);
  const char* attention = "Attention";
  add("--attention-temperature", model.attention_temperature, "divides the scores: above 1 attention is flatter",
      attention)
      .between(1e-3, 1e3);
  add("--attention-normaliser", model.attention_normaliser,
      "softmax, sparsemax or entmax15, which give many items exactly nothing", attention)
      .one_of({"softmax", "sparsemax", "entmax15"});
  loss.shaping.declare_form(options);
  loss.transfer.declare(options);
  add("--negatives", loss.negatives, "items drawn for the softmax, with log frequencies taken off; 0: all items",
      "Training")
      .between(0, 1e6);
  add("--label-smoothing", loss.label_smoothing, "share of the target that all items have alike", "Training")
      .between(0, 1);
  add("--distil-text", loss.distil_text, "weight of identities learning what texts say", "Training").not_negative();
  add("--weighted-loss", loss.weighted, "an interaction counts in the loss as much as its weight", "Training");
  simple.declare(options);
  add("--candidates", join.candidates, "of each model, for the second stage", measured).between(1, 1e6);
  add("--protocol", protocol, "what is held out: last, time, random, cold (see README)", measured)
      .one_of({"last", "time", "random", "cold"});
  add("--k", k, "length of the lists that are measured", measured).between(1, 1000);
  training.declare(options, "recommend");
  options.footer(
      "--batch-size counts items of histories here. The best model is that with the highest NDCG on the dev part.");
}

void Options::settle(run::Options& options) {
  training.settle(options, "recommend");
  if (loss.negatives && loss.label_smoothing > 0)
    run::usage_error("--label-smoothing is of the softmax over all items; --negatives draws some");
  if (text.training != "none" && !text.has("mean"))
    run::usage_error("--text-training {}: what it learns goes into the mean state; --text has none", text.training);
  if (loss.distil_text > 0 && text.has("none"))
    run::usage_error("--distil-text: --text none leaves nothing to learn from");
  if (loss.negatives && loss.transfer.soft_targets > 0)
    run::usage_error("--soft-targets is of the softmax over all items; --negatives draws some");
  if (loss.shaping.asks_for_a_form() && model.layers == 0) run::usage_error("--layers 0 has no attention to shape");
  loss.transfer.settle(model, data.kinds);
  if (training.resume.empty()) objective::check_hard(options, loss.transfer.hard);
  if (loss.weighted && loss.label_smoothing > 0)
    run::usage_error("--label-smoothing is of the mean over interactions; --weighted-loss weighs them");
  join.k = k;
}

std::vector<std::string> Options::inputs() const {
  std::vector<std::string> paths;
  for (const std::string& path : {data.interactions, data.items, loss.transfer.teacher})
    if (!path.empty()) paths.push_back(path);
  return paths;
}

SimpleSettings choose(const SimpleOptions& o, const Data& data, const Split& split, long k) {
  const long I = long(data.items.size());
  const SparseRows no_words = word_vectors(std::vector<Item>(data.items.size()));
  const std::vector<double> counts = counts_of(split.train, I);
  SimpleSettings s;
  s.reach = o.reach, s.recent = o.recent, s.near = o.near;
  const auto pick = [&](auto values, const char* name, auto make) {
    auto best = values.at(0);
    double highest = -1;
    for (const auto value : values) {
      if (values.size() == 1) break;
      const Source source = source_of(name, make(value));
      const double ndcg = measure({data, no_words, counts, split.dev_among, k}, split.dev, source).mean.ndcg;
      if (ndcg > highest) highest = ndcg, best = value;
    }
    return best;
  };
  s.knn = long(pick(o.knn, "knn", [&](double n) { return item_knn(split.train, I, {.k = long(n)}); }));
  s.damping = pick(o.damping, "transitions", [&](double a) {
    return by_transitions(transitions(split.train, I, {.reach = o.reach, .recent = o.recent, .damping = a}), o.recent);
  });
  const SparseRows words = word_vectors(data.items);
  s.decay = pick(o.decay, "words", [&](double decay) { return by_words(words, decay); });
  const auto closed = [&](const std::vector<double>& given, const char* name, auto make) {
    std::vector<double> lambdas;
    for (const double lambda : given)
      if (lambda > 0) lambdas.push_back(lambda);
    if (lambdas.empty()) return 0.;
    if (I <= o.most_items) return pick(lambdas, name, make);
    run::print_note("{0} is left out: its {1} x {1} numbers are too many\n", name, I);
    return 0.;
  };
  s.ease = closed(o.ease, "ease", [&](double lambda) { return ease(split.train, I, lambda); });
  if (width_of(words) > 0)
    s.content = closed(o.content, "content", [&](double lambda) { return content(split.train, words, lambda); });
  return s;
}

}  // namespace recommend
