// From a teacher, and between the kinds of one history. Read tasks/recommend/transfer.h and sequence.h first.
#include "tasks/recommend/transfer.h"

#include <algorithm>
#include <unordered_map>

#include "nn/loss/attention_transfer.h"
#include "nn/loss/distil.h"
#include "tasks/objective/transfer.h"
#include "tasks/run/arguments.h"
#include "tasks/run/console.h"

namespace recommend {

using engine::check;
using engine::Ragged;
using engine::real;

void TransferOptions::declare(run::Options& options) {
  const auto add = [&](const char* name, auto& variable, const char* what) -> run::Option& {
    return options.add(name, variable, what).group("Transfer");
  };
  add("--teacher", teacher, "directory of a recommender of the same items, of a run or of a model");
  add("--hard", hard, "weight of the loss of what came next").only_with("--teacher").not_negative();
  add("--soft-targets", soft_targets, "weight of T^2 KL of what the teacher expects next (Hinton et al. 2015)")
      .not_negative();
  add("--temperature", temperature, "T").only_with("--soft-targets").between(1e-3, 1e3);
  add("--attention-kl", attention_kl, "weight of the KL of the teacher's attention over the history").not_negative();
  add("--layer-map", layer_map, "which layer of the teacher each of the student's has: uniform, top, last, 1,3")
      .only_with("--attention-kl");
  add("--align-kinds", align_kinds,
      "weight of attention over a whole history and over its weightiest kind alone becoming alike")
      .only_with("--kinds")
      .not_negative();
}

void TransferOptions::settle(const SequenceConfig& student, const std::string& kinds) const {
  if (compares() && teacher.empty()) run::usage_error("--soft-targets and --attention-kl need a --teacher");
  if (!compares() && !teacher.empty())
    run::usage_error("--teacher hands over nothing without --soft-targets or --attention-kl");
  if (hard == 0 && soft_targets == 0)
    run::usage_error("--hard 0 leaves nothing to learn without --soft-targets: attention alone ranks nothing");
  if (student.layers == 0 && attention_kl + align_kinds > 0)
    run::usage_error("{}: with --layers 0 nothing attends", attention_kl > 0 ? "--attention-kl" : "--align-kinds");
  if (align_kinds > 0 && std::ranges::count(kinds, ',') == 0)
    run::usage_error("--align-kinds is of two kinds or more; got --kinds {}", kinds);
}

Teacher::Teacher(const TransferOptions& o, const SequenceConfig& student, const std::vector<Item>& items,
                 const std::string& protocol, uint64_t seed)
    : options_(o), model_(load_recommender(o.teacher)) {
  const SequenceConfig& c = model_->sequence->config;
  model_->sequence->params.freeze("*");
  const bool drawn = protocol == "random" || protocol == "cold";
  check(model_->protocol == protocol && (!drawn || model_->seed == seed),
        "--teacher {}: was trained with --protocol {} --seed {}: it may have seen what is held out here", o.teacher,
        model_->protocol, model_->seed);
  check(!model_->sequence->by_candidate(), "--teacher {}: with --user candidate it scores one item at a time",
        o.teacher);
  check(c.positions >= student.positions, "--teacher {}: reads {} places of a history, the student {}", o.teacher,
        c.positions, student.positions);
  std::unordered_map<std::string, int> known;
  for (size_t i = 0; i < model_->data.items.size(); ++i) known.emplace(model_->data.items[i].id, int(i));
  for (const Item& item : items) {
    const auto found = known.find(item.id);
    check(found != known.end(), "--teacher {}: does not know the item '{}'", o.teacher, engine::shown(item.id));
    place_.push_back(found->second);
  }
  if (looks_inside()) map_ = objective::layer_map(o.layer_map, student.layers, c.layers);
}

void Teacher::add_to(run::Terms& terms, const Tensor& logits, const std::vector<nn::AttentionMaps>& maps,
                     const nn::Tokens& histories, const Indices& among) const {
  std::vector<nn::AttentionMaps> theirs;
  Tensor expected;  // [N, K]
  {
    const engine::NoGrad no_grad;
    nn::Tokens read = histories;
    for (int& item : read.ids) item = place_[size_t(item)];
    const SequenceModel& model = *model_->sequence;
    const Tensor users = model.user_vectors(model_->vectors, read, looks_inside() ? &theirs : nullptr);
    Indices rows;
    for (const int item : among) rows.push_back(place_[size_t(item)]);
    if (says_scores()) {
      const Tensor bias = reshape(gather_rows(reshape(model.bias, {model.config.items, 1}), rows), {long(rows.size())});
      expected = linear(users, gather_rows(model_->vectors, rows), bias);
    }
  }
  if (says_scores())
    terms.add("soft_targets", options_.soft_targets, nn::distillation(logits, expected, real(options_.temperature)));
  if (!looks_inside()) return;
  Tensor sum;
  long pairs = 0;
  for (size_t l = 0; l < map_.size(); ++l) {
    if (map_[l] < 0) continue;
    const nn::AttentionMaps &s = maps[l], &t = theirs[size_t(map_[l])];
    const Tensor term = s.layout.heads == t.layout.heads ? nn::attention_kl(s.scores, t.scores, s.layout)
                                                         : nn::attention_mean_kl(s.probs, s.layout, t.probs, t.layout);
    sum = pairs++ ? sum + term : term;
  }
  terms.add("attention_kl", options_.attention_kl, sum * (1 / real(pairs)));
}

namespace {

// The places of kind 0 of the histories that have two or more of them, as histories of their own.
struct Alone {
  nn::Tokens tokens;
  std::vector<size_t> history;        // of each: which one it is cut from
  std::vector<std::vector<int>> own;  // and its places there
};

Alone weightiest_alone(const nn::Tokens& histories, const Indices& kinds) {
  Alone alone;
  alone.tokens.offsets = {0};
  for (size_t b = 0; b + 1 < histories.offsets.size(); ++b) {
    std::vector<int> own;
    for (int n = histories.offsets[b]; n < histories.offsets[b + 1]; ++n)
      if (kinds[size_t(n)] == 0) own.push_back(n - histories.offsets[b]);
    if (own.size() < 2) continue;
    const auto ids = histories.ids.begin() + histories.offsets[b];
    for (size_t p = 0; p < own.size(); ++p) {
      alone.tokens.ids.push_back(ids[own[p]]);
      alone.tokens.positions.push_back(int(p));
    }
    alone.tokens.offsets.push_back(int(alone.tokens.ids.size()));
    alone.history.push_back(b);
    alone.own.push_back(std::move(own));
  }
  return alone;
}

}  // namespace

Tensor kinds_apart(const SequenceModel& model, const Tensor& v, const nn::Tokens& histories, const Indices& kinds,
                   const std::vector<nn::AttentionMaps>& maps) {
  const Alone alone = weightiest_alone(histories, kinds);
  if (alone.own.empty() || maps.empty()) return {};
  std::vector<nn::AttentionMaps> theirs;
  model.user_vectors(v, alone.tokens, &theirs);
  const Ragged& whole = maps[0].layout;
  Indices at;  // where the values of the places alone stand among those of the whole histories
  for (size_t b = 0; b < alone.own.size(); ++b)
    for (long h = 0; h < whole.heads; ++h)
      for (const int query : alone.own[b])
        for (const int key : alone.own[b]) {
          const long history = long(alone.history[b]);
          at.push_back(int(whole.block(history, h) + query * whole.key_count(history) + key));
        }
  Tensor sum;
  for (size_t l = 0; l < maps.size(); ++l) {
    const Tensor scores = reshape(gather_rows(reshape(maps[l].scores, {whole.size(), 1}), at), {long(at.size())});
    const Tensor term = nn::attention_kl(scores, theirs[l].scores, theirs[l].layout) +
                        nn::attention_kl(theirs[l].scores, scores, theirs[l].layout);
    sum = l ? sum + term : term;
  }
  return sum * (real(0.5) / real(maps.size()));
}

}  // namespace recommend
