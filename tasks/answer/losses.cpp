// Large batches in parts, and negatives that are hard. Read tasks/answer/losses.h and nn/loss/cached.h first.
#include "tasks/answer/losses.h"

#include "nn/loss/contrastive.h"
#include "tasks/answer/index.h"
#include "tasks/score/negatives.h"

namespace answer {

using engine::real;

namespace {

constexpr long kPairs = 16, kEvery = 4;  // articles that are held at once, and of which steps: texts are long
constexpr uint32_t kCalls = 1u << 20;    // of dropout, more than any part has

std::vector<text::Example> parts_of(const Knowledge& knowledge, std::string Article::*part,
                                    std::string Article::*otherwise) {
  std::map<std::string, int> titles;
  std::vector<text::Example> examples;
  for (const Article& a : knowledge.articles) {
    text::Example& e = examples.emplace_back();
    e.text = text::is_blank(a.*part) ? a.*otherwise : a.*part;
    e.label = titles.emplace(a.title, int(titles.size())).first->second;
    e.where = a.where;
  }
  return examples;
}

text::EncodedSet encode_parts(const Knowledge& knowledge, std::string Article::*part, std::string Article::*otherwise,
                              const model::TextModel& model) {
  return text::encode(parts_of(knowledge, part, otherwise), model.tokenizer, model.reading.max_length,
                      model.reading.how());
}

// What the head of intents reads of each text.    [B, C]
Tensor vectors(const model::TextModel& model, const text::Batch& batch) {
  nn::Trace trace;
  model.net.heads[0](model.net.encoder(batch.tokens, model.net.rows_of({0})), &trace);
  return text::mean_over_windows(trace.context, batch);
}

Tensor contrast(const Tensor& z, const std::vector<text::Batch>& parts, real temperature) {
  Indices classes;
  for (const text::Batch& part : parts) classes.insert(classes.end(), part.labels.begin(), part.labels.end());
  return nn::supervised_contrastive(z, classes, temperature, temperature);
}

}  // namespace

void begin_part(model::TextModel& model, size_t p) { model.net.params.mode().calls = uint32_t(p) * kCalls; }

Contrast::Contrast(model::TextModel& model, const std::vector<text::Batch>& parts, const TrainOptions& o,
                   const Encode& encode)
    : parts_(parts), temperature_(real(o.contrast_temperature)) {
  if (o.contrast == 0 || parts.size() < 2) return;
  std::vector<Tensor> all;
  {
    const engine::NoGrad no_grad;
    for (size_t p = 0; p < parts.size(); ++p) {
      begin_part(model, p);
      nn::Trace trace;
      model.net.heads[0](encode(parts[p]), &trace);
      all.push_back(unit_vectors(trace.context, parts[p]));
    }
  }
  cached_.emplace(all, [&](const Tensor& z) { return contrast(z, parts, temperature_); });
}

Tensor Contrast::operator()(size_t p, const Tensor& vectors) const {
  return cached_ ? cached_->through(p, vectors, parts_[p].share) : contrast(vectors, parts_, temperature_);
}

Pairs::Pairs(const Knowledge& knowledge, const model::TextModel& model, const TrainOptions& o)
    : titles_(encode_parts(knowledge, &Article::title, &Article::text, model)),
      texts_(encode_parts(knowledge, &Article::text, &Article::title, model)),
      hard_(o.hard_negatives) {
  if (empty()) return;
  title_batches_.emplace(titles_, int(o.articles_batch), true, o.training.seed);
  text_batches_.emplace(texts_, int(o.articles_batch), true, o.training.seed);
  if (hard_ == 0) return;
  std::vector<std::vector<std::string>> terms;
  for (const Article& a : knowledge.articles) {
    title_terms_.push_back(index_terms(a.title));
    terms.push_back(index_terms(a.text));
  }
  words_.emplace(terms);
}

bool Pairs::due(long step) const { return !empty() && step % kEvery == 0; }

std::vector<int> Pairs::hard_negatives(int i) const {
  if (!words_) return {};
  const std::vector<double> scores = words_->scores(title_terms_[size_t(i)]);
  std::vector<bool> wrong;
  for (const int title : titles_.labels) wrong.push_back(title != titles_.labels[size_t(i)]);
  return score::hard_negatives(scores, wrong, scores[size_t(i)], hard_);
}

std::vector<Pairs::Rows> Pairs::rows_at(long step) {
  std::vector<text::Batch> titles = title_batches_->parts_at(step, kPairs),
                           texts = text_batches_->parts_at(step, kPairs);
  std::vector<Rows> all;
  for (size_t p = 0; p < titles.size(); ++p) {
    Indices hard;
    for (const int i : texts[p].rows)
      for (const int j : hard_negatives(i)) hard.push_back(j);
    Rows& rows = all.emplace_back(Rows{std::move(titles[p]), std::move(texts[p]), {}});
    if (!hard.empty()) rows.hard = text::pack(texts_, hard);
  }
  return all;
}

Tensor Pairs::encode(const model::TextModel& model, const Rows& rows) {
  std::vector<Tensor> z{vectors(model, rows.titles), vectors(model, rows.texts)};
  if (rows.hard) z.push_back(vectors(model, *rows.hard));
  return engine::concat(z, 0);
}

Tensor Pairs::loss_of(const Tensor& z, const std::vector<Rows>& all) {
  std::vector<Tensor> titles, texts, hard;
  nn::RankingOptions o{.symmetric = true};
  long begin = 0;
  const auto take = [&](const text::Batch& batch, std::vector<Tensor>& to, Indices& classes) {
    const long end = begin + long(batch.labels.size());
    to.push_back(engine::slice(z, 0, begin, end));
    classes.insert(classes.end(), batch.labels.begin(), batch.labels.end());
    begin = end;
  };
  Indices same;
  for (const Rows& rows : all) {
    take(rows.titles, titles, o.classes);
    take(rows.texts, texts, same);
    if (rows.hard) take(*rows.hard, hard, o.negative_classes);
  }
  if (!hard.empty()) o.negatives = engine::concat(hard, 0);
  return nn::multiple_negatives(engine::concat(titles, 0), engine::concat(texts, 0), o);
}

std::vector<Pairs::Part> Pairs::parts_at(model::TextModel& model, long step, size_t begun) {
  const auto rows = std::make_shared<const std::vector<Rows>>(rows_at(step / kEvery));
  const auto encoded_part = [&model, rows, begun](size_t p) {
    begin_part(model, begun + p);
    return encode(model, (*rows)[p]);
  };
  if (rows->size() == 1) return {{1, [=] { return loss_of(encoded_part(0), *rows); }}};
  std::vector<Tensor> all;
  {
    const engine::NoGrad no_grad;
    for (size_t p = 0; p < rows->size(); ++p) all.push_back(encoded_part(p));
  }
  const auto cached = std::make_shared<nn::CachedLoss>(all, [&](const Tensor& z) { return loss_of(z, *rows); });
  std::vector<Part> parts;
  for (size_t p = 0; p < rows->size(); ++p) {
    const double share = (*rows)[p].titles.share;
    parts.push_back({share, [=] { return cached->through(p, encoded_part(p), share); }});
  }
  return parts;
}

void Pairs::add_to(run::Fingerprint& print) const {
  for (const text::EncodedSet* set : {&titles_, &texts_})
    for (const text::Encoding& window : set->windows)
      print.add("articles", {reinterpret_cast<const char*>(window.ids.data()), window.ids.size() * sizeof(int)});
}

}  // namespace answer
