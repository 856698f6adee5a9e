// From logits to the number that is explained. Read nn/loss/ordinal.h first: classes that have an order.
#include "tasks/attribution/decision.h"

#include <algorithm>

#include "engine/debug.h"
#include "tasks/model/predict.h"

namespace attribution {

using engine::check;
using engine::real;

namespace {

std::string title(const spec::TaskSpec& task) { return task.name.empty() ? "the head" : "task '" + task.name + "'"; }

Tensor column(const Tensor& y, long k) { return engine::reshape(engine::slice(y, 1, k, k + 1), {y.dim(0)}); }

// x_i of P(y > k) = s(x_i): the least of x_0 ... x_k. Which one that is, the biases alone decide, so the first row
// speaks for all.    [B, K - 1] -> [B]
Tensor least(const Tensor& x, long k) { return column(x, std::min_element(x.data(), x.data() + k + 1) - x.data()); }

// P(y = k) and 1 - P(y = k) of every row, each by itself: neither is lost where the other is 1 in float.
//   p = s(a) - s(b) = s(a) s(-b) (1 - e^{b - a}),   1 - p = s(-a) + s(b),   a and b those of P(y > k - 1) and P(y > k)
struct Share {
  Tensor p, rest;  // [B]
};
Share share_of_rank(const Tensor& x, long k) {
  if (k == 0) return {engine::sigmoid(-least(x, 0)), engine::sigmoid(least(x, 0))};
  const Tensor a = least(x, k - 1), one = Tensor::full(a.shape(), 1);
  if (k == x.dim(1)) return {engine::sigmoid(a), engine::sigmoid(-a)};
  const Tensor b = least(x, k);
  return {engine::sigmoid(a) * engine::sigmoid(-b) * (one - engine::exp(b - a)),
          engine::sigmoid(-a) + engine::sigmoid(b)};
}

Tensor log_odds(const Share& of) {
  const Tensor least = Tensor::full(of.p.shape(), real(1e-9));
  return engine::log(of.p + least) - engine::log(of.rest + least);
}

}  // namespace

Decision::Decision(const model::TextModel& model, size_t head, int k, Of of)
    : model_(model), head_(head), k_(k), of_(of) {
  const nn::Predicts predicts = task().head;
  const bool number = predicts == nn::Predicts::number;
  check(number || task().one_class() || predicts == nn::Predicts::labels,
        "{}: a decision for a label or a number can be explained, not one of a head of {}", title(task()),
        spec::head_name(predicts));
  check(number || (k >= 0 && k < task().labels.size()), "{}: there is no class {}; there are {}", title(task()), k,
        task().labels.size());
  check(!number || of == Of::logit, "{}: a number has no probability; leave out --of", title(task()));
}

std::string Decision::class_name() const { return task().head == nn::Predicts::number ? "" : task().labels.name(k_); }

Tensor Decision::of_logits(const Tensor& logits, const text::Batch& batch) const {
  const Tensor y = text::mean_over_windows(logits, batch);  // [B, K]
  if (task().head == nn::Predicts::number)
    return column(y, 0) * real(task().deviation) + Tensor::full({y.dim(0)}, real(task().mean));
  if (task().head == nn::Predicts::ordinal) {
    const Share share = share_of_rank(y, k_);
    return of_ == Of::logit ? log_odds(share) : share.p;
  }
  if (of_ == Of::logit) return column(y, k_);
  const bool softmax = task().head == nn::Predicts::label && task().loss == "cross_entropy";
  return softmax ? column(engine::softmax(y), k_) : engine::sigmoid(column(y, k_));
}

std::vector<double> Decision::of_texts(const std::vector<Windows>& texts) const {
  const engine::NoGrad no_grad;
  const nn::Model& net = model_.net;
  std::vector<double> values;
  for (size_t begin = 0; begin < texts.size();) {
    std::vector<Windows> part;
    for (long tokens = 0; begin < texts.size(); ++begin) {
      long own = 0;
      for (const text::Encoding& window : texts[begin]) own += long(window.ids.size());
      if (!part.empty() && tokens + own > kTokens) break;
      tokens += own;
      part.push_back(texts[begin]);
    }
    const text::Batch batch = pack_texts(part);
    const nn::Encoded x = net.encoder(batch.tokens, net.rows_of({head_}));
    const Tensor logits = net.heads[head_](x);
    check(engine::all_finite(logits.data(), logits.numel()), "{}: the model's logits hold a NaN or infinity",
          title(task()));
    const std::vector<real> f = of_logits(logits, batch).to_vector();
    values.insert(values.end(), f.begin(), f.end());
  }
  runs_ += long(texts.size());
  return values;
}

text::Batch pack_texts(const std::vector<Windows>& texts) {
  text::EncodedSet set;
  Indices rows;
  for (const Windows& windows : texts) {
    set.windows.insert(set.windows.end(), windows.begin(), windows.end());
    set.begin.push_back(int(set.windows.size()));
    set.labels.push_back(-1);
    rows.push_back(int(rows.size()));
  }
  return text::pack(set, rows);
}

int class_of(const model::TextModel& model, size_t head, const std::string& name, const Windows& text) {
  const spec::TaskSpec& task = model.tasks[head];
  if (task.head == nn::Predicts::number) {
    check(name.empty(), "--class {}: {} predicts a number, which has no classes", name, title(task));
    return 0;
  }
  if (!name.empty()) {
    spec::check_name("--class", name, task.labels.names());
    const auto& names = task.labels.names();
    return int(std::find(names.begin(), names.end(), name) - names.begin());
  }
  text::EncodedSet set;
  set.windows = text;
  set.begin = {0, int(text.size())};
  set.labels = {-1};
  return model::predict(model, set, {head})[0].best_of(0);
}

}  // namespace attribution
