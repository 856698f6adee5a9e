// The terms of transfer and what they need: a map of layers, projections, the teacher's outputs.
// Read nn/loss/attention_transfer.h and tasks/objective/teacher.h first.
#include "tasks/objective/transfer.h"

#include <algorithm>
#include <functional>

#include "engine/strings.h"
#include "nn/loss/attention_transfer.h"
#include "nn/loss/distil.h"
#include "tasks/run/console.h"

namespace objective {

using engine::check;
using engine::Indices;
using engine::Ragged;
using engine::real;
using engine::Tensor;

namespace {

// The terms that read layers, and all that read anything of the teacher.
const std::vector<const char*> kInside{
    "--score-mse",  "--attention-cross-entropy", "--attention-kl",   "--minilm", "--relations",
    "--hidden-mse", "--hidden-cosine",           "--activation-map", "--patient"};
const std::vector<const char*> kLogits{"--soft-targets", "--soft-cross-entropy"};

void only_with(run::Option& option, const std::vector<const char*>& terms) {
  for (const char* term : terms) option.only_with(term);
}

constexpr const char* kLayers = "uniform, top, last, or teacher layers from 0 with commas";

// What is wrong with a map, whatever the models have.
std::string not_a_map(const std::string& spec) {
  if (spec == "uniform" || spec == "top" || spec == "last") return "";
  for (const std::string& part : engine::split(spec, ','))
    if (const std::optional<int> layer = engine::parse_number<int>(part); !layer || *layer < 0)
      return fmt::format("must be {}; '{}' is none", kLayers, engine::shown(part));
  return "";
}

// Usage error: one of these options is given; a program need not have them all.
void refuse(const run::Options& options, const std::vector<const char*>& names, const char* why) {
  const std::vector<std::string> known = options.names();
  for (const char* name : names)
    if (std::ranges::count(known, name) && options.given(name)) run::usage_error("{} {}", name, why);
}

run::Option& add_option(run::Options& options, const char* name, auto& variable, const std::string& what) {
  return options.add(name, variable, what).group("Transfer");
}

}  // namespace

void TransferOptions::declare(run::Options& options) {
  declare_terms(options, "cross-entropy with the labels; 1 unless given", false);
  run::Option& cache = add_option(
      options, "--teacher-cache", teacher_cache,
      "file for what the terms need of the teacher: written once, read by later runs with the same teacher and texts");
  only_with(cache, kLogits);
  only_with(cache, kInside);
}

void TransferOptions::declare_unlabelled(run::Options& options) {
  declare_terms(options, "cross-entropy with the pieces that are hidden; 1 unless given", true);
}

// `optional_teacher`: without --teacher a term is refused by its name; else the program refuses to go without one.
void TransferOptions::declare_terms(run::Options& options, const char* hard_is, bool optional_teacher) {
  const auto weight = [&](const char* name, double& to, const char* what) {
    run::Option& option = options.add(name, to, what).group("Transfer: weights of the terms, 0 unless given");
    option.not_negative();
    if (optional_teacher) option.only_with("--teacher");
  };
  const auto add = [&](const char* name, auto& variable, const char* what) -> run::Option& {
    return add_option(options, name, variable, what);
  };
  add("--teacher", teacher, "directory of a run or of a model, or the name of one that ships: the teacher")
      .only_with("--objective", {"mlm"});
  weight("--hard", hard, hard_is);
  weight("--soft-targets", soft_targets, "T^2 KL of the softened logits (Hinton et al. 2015)");
  weight("--soft-cross-entropy", soft_cross_entropy, "cross-entropy of the softened logits");
  only_with(add("--temperature", temperature, "T of both").between(1e-3, 1e3), kLogits);
  weight("--score-mse", score_mse, "squared distance of the attention scores (TinyBERT, Jiao et al. 2020)");
  weight("--attention-cross-entropy", attention_cross_entropy, "cross-entropy of the attention (Yang et al. 2020)");
  weight("--attention-kl", attention_kl, "KL of the attention (MiniLM, Wang et al. 2020)");
  weight("--minilm", minilm, "KL of the attention and of the values' relations (MiniLM v1); with --layer-map last");
  weight("--relations", relations, "KL of the queries', keys' and values' relations (MiniLM v2, Wang et al. 2021)");
  weight("--hidden-mse", hidden_mse, "squared distance of the hidden states, through a learned projection (TinyBERT)");
  weight("--hidden-cosine", hidden_cosine, "1 - cosine of the hidden states, through the same projection");
  weight("--activation-map", activation_map, "where the layers are active (Zagoruyko & Komodakis 2017)");
  weight("--patient", patient, "[CLS] of the layers, normalised, through the same projection (PKD, Sun et al. 2019)");
  add("--relation-heads", relation_heads, "heads that relations are split into; default the teacher's")
      .only_with("--relations")
      .between(0, 1e4);
  only_with(
      add("--layer-map", layer_map, "which teacher layer each student layer has: uniform, top, last, or a list 1,3")
          .check(not_a_map),
      kInside);
  run::Option& begins =
      add("--from-layers", from_layers,
          "the student begins as these layers of the teacher, with its embeddings: uniform, top, or a list 0,2");
  begins.check([](const std::string& spec) { return spec.empty() ? "" : not_a_map(spec); });
  if (optional_teacher) begins.only_with("--teacher");
}

bool TransferOptions::reads_logits() const { return soft_targets + soft_cross_entropy > 0; }

bool TransferOptions::compares() const { return reads_logits() || looks_inside(); }

bool TransferOptions::asks_the_teacher() const { return compares() || !from_layers.empty(); }

bool TransferOptions::teaches_output() const { return hard > 0 || reads_logits(); }

void TransferOptions::check_left_out(const run::Options& options) const {
  check_hard(options, hard);
  if (!teaches_output())
    refuse(options, {"--metric", "--patience"},
           "asks for the best epoch; where --hard 0 leaves only layers to learn, the last is kept");
}

bool TransferOptions::looks_inside() const {
  return score_mse + attention_cross_entropy + attention_kl + minilm + relations + hidden_mse + hidden_cosine +
             activation_map + patient >
         0;
}

void check_hard(const run::Options& options, double hard) {
  if (hard == 0)
    refuse(
        options,
        {"--r-drop", "--label-smoothing", "--class-weights", "--class-loss", "--mixup", "--adversarial", "--negatives"},
        "is a part of the loss with the labels, which --hard 0 leaves out");
}

std::vector<int> layer_map(const std::string& spec, long student, long teacher) {
  std::vector<int> map;
  if (spec == "uniform" || spec == "top" || spec == "last") {
    check(student <= teacher, "layer map '{}': the student has {} layers, the teacher only {}", spec, student, teacher);
    for (long i = 0; i < student; ++i)
      map.push_back(int(spec == "uniform" ? (i + 1) * teacher / student - 1
                        : spec == "top"   ? teacher - student + i
                        : i + 1 < student ? -1
                                          : teacher - 1));
    return map;
  }
  for (const std::string& part : engine::split(spec, ',')) {
    const std::optional<int> layer = engine::parse_number<int>(part);
    check(bool(layer), "layer map '{}': {}; '{}' is none", spec, kLayers, engine::shown(part));
    check(*layer >= 0 && *layer < teacher, "layer map '{}': the teacher's layers are 0 to {}; got {}", spec,
          teacher - 1, *layer);
    map.push_back(*layer);
  }
  check(long(map.size()) == student, "layer map '{}': {} layers for a student of {}", spec, map.size(), student);
  return map;
}

namespace {

bool is_bert(const model::TextModel& model) { return model.config().model_type == "bert"; }

// The widths of the states that hidden terms compare.
void check_inside(const TransferOptions& o, const model::TextModel& teacher, const model::TextModel& student) {
  check(is_bert(teacher) && is_bert(student),
        "attention and hidden states are handed over between BERTs; the teacher's type is {}, the student's {}: only "
        "--soft-targets and --soft-cross-entropy fit",
        teacher.config().model_type, student.config().model_type);
  check(teacher.config().num_hidden_layers > 0 && student.config().num_hidden_layers > 0,
        "teacher and student need a layer to hand over; they have {} and {}", teacher.config().num_hidden_layers,
        student.config().num_hidden_layers);
  for (const nn::Config* c : {&teacher.config(), &student.config()}) {
    check(
        c->token_retention.empty() && !c->retention_bins,
        "attention and hidden states are handed over between models that keep all their tokens; {} has token_retention",
        c == &teacher.config() ? "the teacher" : "the student");
    check(!c->attention_window || o.score_mse + o.attention_cross_entropy + o.attention_kl + o.minilm == 0,
          "attention is handed over between models that see all tokens; {} has attention_window {}",
          c == &teacher.config() ? "the teacher" : "the student", c->attention_window);
  }
  check(!(o.minilm > 0) || teacher.config().num_attention_heads == student.config().num_attention_heads,
        "--minilm needs equal heads, the teacher has {}, the student {}; --relations does not",
        teacher.config().num_attention_heads, student.config().num_attention_heads);
  const long heads = o.relation_heads ? o.relation_heads : teacher.config().num_attention_heads;
  check(!(o.relations > 0) || (teacher.config().hidden_size % heads == 0 && student.config().hidden_size % heads == 0),
        "--relation-heads {} must divide both widths, {} of the teacher and {} of the student", heads,
        teacher.config().hidden_size, student.config().hidden_size);
  check(teacher.config().attention_normaliser == "softmax" && student.config().attention_normaliser == "softmax",
        "attention is handed over between softmaxes; the teacher has {}, the student {}",
        teacher.config().attention_normaliser, student.config().attention_normaliser);
}

}  // namespace

Transfer::Transfer(const TransferOptions& options, const model::TextModel& teacher, const model::TextModel& student,
                   uint64_t seed)
    : options_(options), teacher_(teacher), projections_(seed + 1) {
  check(teacher.labels() == student.labels(), "the teacher knows the labels {}, the student's data has {}",
        text::listed(teacher.labels()), text::listed(student.labels()));
  check(teacher.config().problem() == nn::Config::Problem::single_label,
        "the teacher's labels do not exclude each other ({}); its logits are no targets of a softmax",
        teacher.config().problem_type);
  check(teacher.tokenizer.pieces() == student.tokenizer.pieces(),
        "teacher and student read other vocabularies, of {} and {} pieces; leave out --vocab and a student's directory",
        teacher.tokenizer.vocab_size(), student.tokenizer.vocab_size());
  check(teacher.tokenizer == student.tokenizer,
        "teacher and student cut texts otherwise: {}; the teacher must read what it was trained on",
        text::difference(teacher.tokenizer.options(), student.tokenizer.options()));
  check(options.hard > 0 || options.compares(), "all weights are 0: there is nothing to learn");
  if (!looks_inside()) return;
  check_inside(options, teacher, student);
  map_ = layer_map(options.layer_map, student.config().num_hidden_layers, teacher.config().num_hidden_layers);
  const bool compares = options.hidden_mse + options.hidden_cosine + options.patient > 0;
  if (compares)
    project_.emplace(projections_.root() / "transfer.projection", student.config().hidden_size,
                     teacher.config().hidden_size, real(0.02));
  projections_.initialise();
}

// What the terms with a weight read of the teacher: its logits, and of each layer in the map what they compare.
std::vector<TeacherOutput> Transfer::needed() const {
  const TransferOptions& o = options_;
  std::vector<TeacherOutput> outputs;
  if (o.reads_logits()) outputs.push_back({"logits"});
  const std::pair<const char*, double> kinds[] = {
      {"scores", o.score_mse + o.attention_cross_entropy + o.attention_kl + o.minilm},
      {"query", o.relations},
      {"key", o.relations},
      {"value", o.minilm + o.relations},
      {"hidden", o.hidden_mse + o.hidden_cosine + o.activation_map + o.patient}};
  std::vector<int> layers = map_;
  std::sort(layers.begin(), layers.end());
  layers.erase(std::unique(layers.begin(), layers.end()), layers.end());
  for (const int layer : layers)
    for (const auto& [kind, weight] : kinds)
      if (layer >= 0 && weight > 0) outputs.push_back({kind, layer});
  return outputs;
}

void Transfer::read_texts(const text::EncodedSet& set) {
  const std::vector<TeacherOutput> outputs = needed();
  if (!outputs.empty()) reader_.emplace(teacher_, set, outputs, options_.teacher_cache);
}

// The pairs of layers that the map makes, and their terms. Where heads differ in number, their mean stands for them.
struct Transfer::Layers {
  const nn::Trace &student, &teacher;
  const std::vector<int>& map;

  // The mean over the pairs of term(student's maps, teacher's maps).
  template <class Term>
  Tensor attention(Term term) const {
    return over_pairs([&](size_t s, size_t t) { return term(student.attention[s], teacher.attention[t]); });
  }
  // The mean over the pairs of term(student's state, teacher's state), after the layers.
  template <class Term>
  Tensor hidden(Term term) const {
    return over_pairs([&](size_t s, size_t t) { return term(student.hidden[s + 1], teacher.hidden[t + 1]); });
  }
  // The same of scores on one layout.
  template <class Term>
  Tensor scores(Term term) const {
    return attention([&](const nn::AttentionMaps& s, const nn::AttentionMaps& t) {
      if (s.layout.heads == t.layout.heads) return term(s.scores, t.scores, s.layout);
      return term(ragged_mean_heads(s.scores, s.layout), ragged_mean_heads(t.scores, t.layout),
                  Ragged(s.layout.queries, 1));
    });
  }

 private:
  template <class Term>
  Tensor over_pairs(Term term) const {
    Tensor sum = Tensor::scalar(0);
    long pairs = 0;
    for (size_t s = 0; s < map.size(); ++s)
      if (map[s] >= 0) {
        sum = sum + term(s, size_t(map[s]));
        ++pairs;
      }
    return sum * (1 / real(pairs));
  }
};

// A term that is asked for; the others are not computed.
struct Transfer::Sum {
  run::Terms& terms;
  double share;
  template <class Term>
  void add(const char* name, double weight, Term term) const {
    if (!(weight > 0)) return;
    const Tensor value = term();
    terms.add(name, weight, share == 1 ? value : value * real(share));
  }
};

void Transfer::add_to(run::Terms& terms, const Tensor& logits, const nn::Trace& trace, const text::Batch& batch) const {
  Said teacher;
  if (reader_) teacher.logits = reader_->read(batch, teacher.trace);
  add_to(terms, {logits, trace}, teacher, batch.tokens.offsets, {});
}

void Transfer::add_to(run::Terms& terms, const Said& student, const Said& teacher, const Indices& offsets,
                      const Shares& shares) const {
  add_logit_terms({terms, shares.logits}, student.logits, teacher.logits);
  if (!looks_inside()) return;
  const Layers layers{student.trace, teacher.trace, map_};
  add_attention_terms({terms, shares.layers}, layers, offsets);
  add_hidden_terms({terms, shares.layers}, layers, offsets);
}

void Transfer::add_logit_terms(const Sum& sum, const Tensor& logits, const Tensor& target) const {
  const TransferOptions& o = options_;
  const real T = real(o.temperature);
  sum.add("soft_targets", o.soft_targets, [&] { return nn::distillation(logits, target, T); });
  sum.add("soft_cross_entropy", o.soft_cross_entropy, [&] { return nn::soft_cross_entropy(logits, target, T); });
}

void Transfer::add_attention_terms(const Sum& sum, const Layers& layers, const Indices& offsets) const {
  const TransferOptions& o = options_;
  sum.add("score_mse", o.score_mse, [&] {
    return layers.scores([](const Tensor& s, const Tensor& t, const Ragged&) { return nn::attention_score_mse(s, t); });
  });
  sum.add("attention_cross_entropy", o.attention_cross_entropy,
          [&] { return layers.scores(nn::attention_cross_entropy); });
  sum.add("attention_kl", o.attention_kl, [&] { return layers.scores(nn::attention_kl); });
  sum.add("minilm", o.minilm, [&] {
    return layers.scores(nn::attention_kl) + layers.attention([&](const auto& s, const auto& t) {
      return nn::relation_kl(s.v, t.v, offsets, s.layout.heads);
    });
  });
  sum.add("relations", o.relations, [&] {
    return layers.attention([&](const auto& s, const auto& t) {
      const long A = o.relation_heads ? o.relation_heads : t.layout.heads;
      const auto relation = [&](const Tensor& x, const Tensor& y) { return nn::relation_kl(x, y, offsets, A); };
      return (relation(s.q, t.q) + relation(s.k, t.k) + relation(s.v, t.v)) * (1 / real(3));
    });
  });
}

void Transfer::add_hidden_terms(const Sum& sum, const Layers& layers, const Indices& offsets) const {
  const TransferOptions& o = options_;
  const auto projected = [&](const Tensor& x) { return (*project_)(x); };
  sum.add("hidden_mse", o.hidden_mse, [&] {
    return layers.hidden([&](const Tensor& s, const Tensor& t) { return nn::hidden_mse(projected(s), t); });
  });
  sum.add("hidden_cosine", o.hidden_cosine, [&] {
    return layers.hidden([&](const Tensor& s, const Tensor& t) { return nn::hidden_cosine(projected(s), t); });
  });
  sum.add("activation_map", o.activation_map, [&] {
    return layers.hidden([&](const Tensor& s, const Tensor& t) { return nn::activation_map(s, t, offsets); });
  });
  const Indices first = nn::first_of(offsets);
  sum.add("patient", o.patient, [&] {
    return layers.hidden([&](const Tensor& s, const Tensor& t) {
      return nn::patient_kd(projected(gather_rows(s, first)), gather_rows(t, first));
    });
  });
}

namespace {

void copy_all(const std::vector<Tensor>& from, const std::vector<Tensor>& to) {
  for (size_t i = 0; i < to.size(); ++i) {
    check(from[i].shape() == to[i].shape(),
          "--from-layers: a student of the teacher's widths is needed; '{}' is {}, the teacher's {}", to[i].name(),
          to[i].shape(), from[i].shape());
    std::copy_n(from[i].data(), from[i].numel(), to[i].data());
  }
}

std::vector<Tensor> of_head(const nn::Head& head) {
  std::vector<Tensor> all;
  for (const auto* linear : {&head.pooler, &head.classifier})
    if (*linear) all.insert(all.end(), {(*linear)->weight, (*linear)->bias});
  if (head.masked_lm) {  // but the decoder's weight, which is that of the embeddings
    const nn::MaskedLm& lm = *head.masked_lm;
    all.insert(all.end(), {lm.dense.weight, lm.dense.bias, lm.norm.weight, lm.norm.bias, lm.decoder.bias});
  }
  return all;
}

}  // namespace

void start_from_teacher(const TransferOptions& options, const model::TextModel& teacher, model::TextModel& student) {
  if (options.from_layers.empty()) return;
  check(!student.net.adapter, "--from-layers changes the student's layers; under an adapter they stay as they are");
  check(!teacher.net.adapter, "--from-layers takes the layers of a teacher without an adapter; this one has one");
  const nn::Bert *from = teacher.net.encoder.bert(), *to = student.net.encoder.bert();
  check(from && to, "--from-layers is for BERTs; the teacher's type is {}, the student's {}",
        teacher.config().model_type, student.config().model_type);
  const std::vector<int> map = layer_map(options.from_layers, long(to->layers.size()), long(from->layers.size()));
  copy_all(from->embeddings.parameters(), to->embeddings.parameters());
  for (size_t l = 0; l < map.size(); ++l)
    if (map[l] >= 0)
      copy_all(from->layers[map[l]].parameters(), to->layers[l].parameters());  // with "last" the others stay
  copy_all(of_head(teacher.net.head()), of_head(student.net.head()));
  run::print_note("student: begins as layers {} of the teacher\n", options.from_layers);
}

}  // namespace objective
