// The terms of transfer and what they need: a map of layers, projections, the teacher's outputs.
// Read nn/transfer.h and tasks/transfer/teacher.h first.
#include "tasks/transfer/transfer.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <functional>
#include <sstream>

#include "nn/losses.h"
#include "nn/transfer.h"
#include "tasks/run/program.h"

using engine::check;
using engine::Indices;
using engine::Ragged;
using engine::real;
using engine::Tensor;

void TransferOptions::declare(CLI::App& app) {
  const char* group = "Transfer: weights of the terms, 0 unless given";
  const auto weight = [&](const char* name, double& to, const char* what) {
    app.add_option(name, to, what)->group(group)->check(run::not_negative());
  };
  app.add_option("--teacher", teacher, "directory of a run or of a model: the teacher")->group("Transfer");
  weight("--hard", hard, "cross-entropy with the labels; 1 unless given");
  weight("--soft-targets", soft_targets, "T^2 KL of the softened logits (Hinton et al. 2015)");
  weight("--soft-cross-entropy", soft_cross_entropy, "cross-entropy of the softened logits");
  app.add_option("--temperature", temperature, "T of both")->group("Transfer")->check(run::between(1e-3, 1e3));
  weight("--score-mse", score_mse, "squared distance of the attention scores (TinyBERT, Jiao et al. 2020)");
  weight("--attention-cross-entropy", attention_cross_entropy, "cross-entropy of the attention (Yang et al. 2020)");
  weight("--attention-kl", attention_kl, "KL of the attention (MiniLM, Wang et al. 2020)");
  weight("--minilm", minilm, "KL of the attention and of the values' relations (MiniLM v1); with --layer-map last");
  weight("--relations", relations, "KL of the queries', keys' and values' relations (MiniLM v2, Wang et al. 2021)");
  weight("--hidden-mse", hidden_mse, "squared distance of the hidden states, through a learned projection (TinyBERT)");
  weight("--hidden-cosine", hidden_cosine, "1 - cosine of the hidden states, through the same projection");
  weight("--activation-map", activation_map, "where the layers are active (Zagoruyko & Komodakis 2017)");
  weight("--patient", patient, "[CLS] of the layers, normalised, through the same projection (PKD, Sun et al. 2019)");
  app.add_option("--relation-heads", relation_heads, "heads that relations are split into; default the teacher's")
      ->group("Transfer")
      ->check(run::between(0, 1e4));
  app.add_option("--layer-map", layer_map,
                 "which teacher layer each student layer has: uniform, top, last, or a list 1,3")
      ->group("Transfer");
  app.add_option("--from-layers", from_layers,
                 "the student begins as these layers of the teacher, with its embeddings: uniform, top, or a list 0,2")
      ->group("Transfer");
  app.add_option("--teacher-cache", teacher_cache,
                 "file for what the terms need of the teacher: written once, read by later runs with the same teacher "
                 "and texts")
      ->group("Transfer");
}

bool TransferOptions::looks_inside() const {
  return score_mse + attention_cross_entropy + attention_kl + minilm + relations + hidden_mse + hidden_cosine +
             activation_map + patient >
         0;
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
  std::istringstream parts(spec);
  for (std::string part; std::getline(parts, part, ',');) {
    int layer = 0;
    const auto [stop, error] = std::from_chars(part.data(), part.data() + part.size(), layer);
    check(error == std::errc() && stop == part.data() + part.size(),
          "layer map '{}': uniform, top, last, or teacher layers from 0 with commas; '{}' is none", spec, part);
    check(layer >= 0 && layer < teacher, "layer map '{}': the teacher's layers are 0 to {}; got {}", spec, teacher - 1,
          layer);
    map.push_back(layer);
  }
  check(long(map.size()) == student, "layer map '{}': {} layers for a student of {}", spec, map.size(), student);
  return map;
}

namespace {

bool is_bert(const run::TextModel& model) { return model.config.model_type == "bert"; }

// The widths of the states that hidden terms compare.
void check_inside(const TransferOptions& o, const run::TextModel& teacher, const run::TextModel& student) {
  check(is_bert(teacher) && is_bert(student),
        "attention and hidden states are handed over between BERTs; the teacher's type is {}, the student's {}: only "
        "--soft-targets and --soft-cross-entropy fit",
        teacher.config.model_type, student.config.model_type);
  check(teacher.config.num_hidden_layers > 0 && student.config.num_hidden_layers > 0,
        "teacher and student need a layer to hand over; they have {} and {}", teacher.config.num_hidden_layers,
        student.config.num_hidden_layers);
  for (const nn::Config* c : {&teacher.config, &student.config}) {
    check(
        c->token_retention.empty() && !c->retention_bins,
        "attention and hidden states are handed over between models that keep all their tokens; {} has token_retention",
        c == &teacher.config ? "the teacher" : "the student");
    check(!c->attention_window || o.score_mse + o.attention_cross_entropy + o.attention_kl + o.minilm == 0,
          "attention is handed over between models that see all tokens; {} has attention_window {}",
          c == &teacher.config ? "the teacher" : "the student", c->attention_window);
  }
  check(!(o.minilm > 0) || teacher.config.num_attention_heads == student.config.num_attention_heads,
        "--minilm needs equal heads, the teacher has {}, the student {}; --relations does not",
        teacher.config.num_attention_heads, student.config.num_attention_heads);
  const long heads = o.relation_heads ? o.relation_heads : teacher.config.num_attention_heads;
  check(!(o.relations > 0) || (teacher.config.hidden_size % heads == 0 && student.config.hidden_size % heads == 0),
        "--relation-heads {} must divide both widths, {} of the teacher and {} of the student", heads,
        teacher.config.hidden_size, student.config.hidden_size);
  check(teacher.config.attention_normaliser == "softmax" && student.config.attention_normaliser == "softmax",
        "attention is handed over between softmaxes; the teacher has {}, the student {}",
        teacher.config.attention_normaliser, student.config.attention_normaliser);
}

}  // namespace

Transfer::Transfer(const TransferOptions& options, run::TextModel& teacher, const run::TextModel& student,
                   uint64_t seed)
    : options_(options), teacher_(teacher), projections_(seed + 1) {
  check(teacher.config.labels == student.config.labels, "the teacher knows the labels {}, the student's data has {}",
        text::listed(teacher.config.labels), text::listed(student.config.labels));
  check(teacher.config.problem() == nn::Config::Problem::single_label,
        "the teacher's labels do not exclude each other ({}); its logits are no targets of a softmax",
        teacher.config.problem_type);
  check(teacher.tokenizer.pieces() == student.tokenizer.pieces(),
        "teacher and student read other vocabularies, of {} and {} pieces; leave out --vocab and a student's directory",
        teacher.tokenizer.vocab_size(), student.tokenizer.vocab_size());
  check(teacher.tokenizer == student.tokenizer,
        "teacher and student cut texts otherwise: {}; the teacher must read what it was trained on",
        text::difference(teacher.tokenizer.options(), student.tokenizer.options()));
  check(options.hard + options.soft_targets + options.soft_cross_entropy > 0 || options.looks_inside(),
        "all weights are 0: there is nothing to learn");
  if (!looks_inside()) return;
  check_inside(options, teacher, student);
  map_ = layer_map(options.layer_map, student.config.num_hidden_layers, teacher.config.num_hidden_layers);
  const bool compares = options.hidden_mse + options.hidden_cosine + options.patient > 0;
  if (compares)
    project_.emplace_back(projections_.root() / "transfer.projection", student.config.hidden_size,
                          teacher.config.hidden_size, real(0.02));
  projections_.initialise();
}

// What the terms with a weight read of the teacher: its logits, and of each layer in the map what they compare.
std::vector<Output> Transfer::needed() const {
  const TransferOptions& o = options_;
  std::vector<Output> outputs;
  if (o.soft_targets + o.soft_cross_entropy > 0) outputs.push_back({"logits"});
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
  const std::vector<Output> outputs = needed();
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
      if (map[s] >= 0) sum = sum + term(s, size_t(map[s])), ++pairs;
    return sum * (1 / real(pairs));
  }
};

Tensor Transfer::loss(const Tensor& logits, const nn::Trace& trace, const text::Batch& batch,
                      nlohmann::ordered_json& figures) const {
  nn::Trace from;
  const Tensor target = reader_ ? reader_->read(batch, from) : Tensor();
  const Layers layers{trace, from, map_};
  const real T = real(options_.temperature);
  Tensor total = Tensor::scalar(0);
  const auto add = [&](const char* name, double weight, const std::function<Tensor()>& term) {
    if (weight == 0) return;
    const Tensor value = term();
    figures[name] = figures.value(name, 0.) + batch.share * double(value.item());
    total = total + value * real(weight);
  };
  const auto projected = [&](const Tensor& x) { return project_[0](x); };
  const Indices& offsets = batch.tokens.offsets;
  const Indices first(offsets.begin(), offsets.end() - 1);  // where each [CLS] stands

  add("soft_targets", options_.soft_targets, [&] { return nn::distillation(logits, target, T); });
  add("soft_cross_entropy", options_.soft_cross_entropy, [&] { return nn::soft_cross_entropy(logits, target, T); });
  add("score_mse", options_.score_mse, [&] {
    return layers.scores([](const Tensor& s, const Tensor& t, const Ragged&) { return nn::attention_score_mse(s, t); });
  });
  add("attention_cross_entropy", options_.attention_cross_entropy,
      [&] { return layers.scores(nn::attention_cross_entropy); });
  add("attention_kl", options_.attention_kl, [&] { return layers.scores(nn::attention_kl); });
  add("minilm", options_.minilm, [&] {
    return layers.scores(nn::attention_kl) + layers.attention([&](const auto& s, const auto& t) {
      return nn::relation_kl(s.v, t.v, offsets, s.layout.heads);
    });
  });
  add("relations", options_.relations, [&] {
    return layers.attention([&](const auto& s, const auto& t) {
      const long A = options_.relation_heads ? options_.relation_heads : t.layout.heads;
      const auto relation = [&](const Tensor& x, const Tensor& y) { return nn::relation_kl(x, y, offsets, A); };
      return (relation(s.q, t.q) + relation(s.k, t.k) + relation(s.v, t.v)) * (1 / real(3));
    });
  });
  add("hidden_mse", options_.hidden_mse,
      [&] { return layers.hidden([&](const Tensor& s, const Tensor& t) { return nn::hidden_mse(projected(s), t); }); });
  add("hidden_cosine", options_.hidden_cosine, [&] {
    return layers.hidden([&](const Tensor& s, const Tensor& t) { return nn::hidden_cosine(projected(s), t); });
  });
  add("activation_map", options_.activation_map, [&] {
    return layers.hidden([&](const Tensor& s, const Tensor& t) { return nn::activation_map(s, t, offsets); });
  });
  add("patient", options_.patient, [&] {
    return layers.hidden([&](const Tensor& s, const Tensor& t) {
      return nn::patient_kd(projected(gather_rows(s, first)), gather_rows(t, first));
    });
  });
  return total;
}

void start_from_teacher(const TransferOptions& options, const run::TextModel& teacher, run::TextModel& student) {
  if (options.from_layers.empty()) return;
  check(is_bert(teacher) && is_bert(student), "--from-layers is for BERTs; the teacher's type is {}, the student's {}",
        teacher.config.model_type, student.config.model_type);
  const std::vector<int> map =
      layer_map(options.from_layers, student.config.num_hidden_layers, teacher.config.num_hidden_layers);
  const std::string prefix = "bert.encoder.layer.";
  for (const Tensor& to : student.params.tensors()) {
    std::string name = to.name();
    if (name == "bert.encoder.retention.weight") continue;  // of a schedule that the student is to learn
    if (name.starts_with(prefix)) {
      const size_t dot = name.find('.', prefix.size());
      const int layer = map[std::stoul(name.substr(prefix.size(), dot - prefix.size()))];
      if (layer < 0) continue;  // only with "last": the others stay new
      name = prefix + std::to_string(layer) + name.substr(dot);
    }
    const Tensor& from = teacher.params.find(name);
    check(from.shape() == to.shape(),
          "--from-layers: a student of the teacher's widths is needed; '{}' is {}, the teacher's {}", to.name(),
          to.shape(), from.shape());
    std::copy_n(from.data(), from.numel(), to.data());
  }
  run::print_note("student: begins as layers {} of the teacher\n", options.from_layers);
}
