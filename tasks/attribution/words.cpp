// Scores to tokens, tokens to words, words to marks. Read nn/model/heads.h first: the formulas of the heads.
#include "tasks/attribution/words.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>

#include "tasks/attribution/subject.h"
#include "tasks/text/utf8.h"

namespace attribution {

using engine::check;
using engine::real;
using engine::Tensor;

namespace {

double dot(const real* a, const real* b, long n) {
  double sum = 0;
  for (long i = 0; i < n; ++i) sum += double(a[i]) * double(b[i]);
  return sum;
}

// The class of every sequence: that of the text whose window it is.
Indices class_of_windows(const text::Batch& batch, const Indices& classes) {
  Indices all;
  for (size_t b = 0; b < classes.size(); ++b)
    all.insert(all.end(), size_t(batch.windows[b + 1] - batch.windows[b]), classes[b]);
  return all;
}

// gradient x input at the word embeddings (the gradient of a class score: Simonyan, Vedaldi, Zisserman 2013; times the
// input: Shrikumar, Greenside, Shcherbina, Kundaje 2016).
//   e_t = the row of token t in the table of word embeddings; y_k the logit of class k      e [N, C] -> [N]
//   share_t = e_t . dy_k / de_t
// The first order of what would be gone with e_t. The shares do not add up to y_k.
std::vector<double> gradient_x_input(const model::TextModel& model, size_t head, const text::Batch& batch,
                                     const Indices& classes) {
  const nn::Model& net = model.net;
  Tensor x;
  {
    const engine::NoGrad no_grad;
    x = net.encoder.bert()->embeddings.sum(batch.tokens);  // [N, C]: e and what does not depend on it
  }
  x.require_grad();
  const nn::Encoded encoded =
      net.encoder.run(net.encoder.bert()->embeddings.finish(x), batch.tokens.offsets, net.rows_of({head}));
  const Tensor logits = net.heads[head](encoded);  // [W, K]
  Tensor chosen = Tensor::zeros(logits.shape());
  for (size_t w = 0; w < classes.size(); ++w) chosen.data()[long(w) * logits.dim(1) + classes[w]] = 1;
  backward(sum(logits * chosen));  // sequences do not see each other: one pass for all
  const long C = x.dim(1);
  std::vector<double> shares;
  for (size_t t = 0; t < batch.tokens.ids.size(); ++t)
    shares.push_back(
        dot(x.grad_data() + long(t) * C, net.encoder.word_embeddings().data() + batch.tokens.ids[t] * C, C));
  return shares;
}

// [N, H]: the attention of a head's own queries; of a mean one column of 1 / T.
Tensor attention_of(const nn::Head& head, const Tensor& rows, const Indices& offsets) {
  const long N = rows.dim(0), H = head.pool ? head.pool->queries.dim(0) : 1;
  Tensor a(engine::Shape{N, H});
  nn::AttentionMaps maps;
  if (head.pool) (*head.pool)(rows, offsets, &maps);
  for (long b = 0; b + 1 < long(offsets.size()); ++b)
    for (long t = offsets[b]; t < offsets[b + 1]; ++t)
      for (long h = 0; h < H; ++h)
        a.data()[t * H + h] = head.pool ? maps.probs.data()[maps.layout.block(b, h) + t - offsets[b]]
                                        : 1 / real(offsets[b + 1] - offsets[b]);
  return a;
}

// attention weight x contribution: exact, for what is read off word embeddings is a sum over the tokens.
//   y_k = b_k + sum_t share_t,   share_t = s sum_h a_ht (W_kh . x_t)        x [N, C], a [N, H], W [K, H C] -> [N]
// s: nn/model/heads.h. x_t is the token's embedding, with that of its pair and its n-grams, behind the head's adapter.
std::vector<double> weight_x_contribution(const model::TextModel& model, size_t head, const text::Batch& batch,
                                          const Indices& classes) {
  const engine::NoGrad no_grad;
  const nn::Head& reads = model.net.heads[head];
  const Indices& offsets = batch.tokens.offsets;
  Tensor x = model.net.encoder.embed(batch.tokens);  // [N, C]
  if (reads.adapter) x = (*reads.adapter)(x);
  const Tensor a = attention_of(reads, x, offsets),
               weight = reads.ranks ? reads.ranks->weight : reads.classifier->weight;
  const Tensor factors = nn::length_factors(offsets, reads.pool ? reads.length_exponent : 0);  // [W, 1]
  const long C = x.dim(1), H = a.dim(1);
  std::vector<double> shares(size_t(x.dim(0)));
  for (long w = 0; w + 1 < long(offsets.size()); ++w)
    for (long t = offsets[w]; t < offsets[w + 1]; ++t)
      for (long h = 0; h < H; ++h)
        shares[t] += double(factors.data()[w]) * double(a.data()[t * H + h]) *
                     dot(weight.data() + (classes[w] * H + h) * C, x.data() + t * C, C);
  return shares;
}

// The strongest, as places in `words`, strongest first.
std::vector<size_t> strongest_places(const std::vector<WordShare>& words) {
  std::vector<size_t> order(words.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return std::abs(words[a].share) > std::abs(words[b].share); });
  order.resize(std::min(order.size(), kStrongest));
  std::erase_if(order, [&](size_t i) { return std::abs(words[i].share) < 0.005; });
  return order;
}

std::string with_mark(const std::string& word, bool positive, Marks marks) {
  if (marks == Marks::brackets) return fmt::format("[[{}{}]]", positive ? '+' : '-', word);
  const char* code = marks == Marks::colour ? positive ? "1;32" : "4;31" : positive ? "1" : "7";
  return fmt::format("\033[{}m{}\033[0m", code, word);
}

}  // namespace

std::vector<double> token_shares(const model::TextModel& model, size_t head, const text::Batch& batch,
                                 const Indices& classes) {
  const spec::TaskSpec& task = model.tasks[head];
  check(task.head != nn::Predicts::tags && task.head != nn::Predicts::vector,
        "{}: which words carry a decision can be said of labels and numbers, not of a head of {}",
        task.where.empty() ? "the head" : task.where, spec::head_name(task.head));
  check(classes.size() == batch.labels.size(), "token_shares: a class for every text; got {} for {}", classes.size(),
        batch.labels.size());
  Indices by_window = class_of_windows(batch, classes);
  if (task.head == nn::Predicts::ordinal) std::fill(by_window.begin(), by_window.end(), 0);
  std::vector<double> shares = model.net.encoder.bert() ? gradient_x_input(model, head, batch, by_window)
                                                        : weight_x_contribution(model, head, batch, by_window);
  if (task.head == nn::Predicts::number)
    for (double& share : shares) share *= task.deviation;
  return shares;
}

std::vector<std::vector<WordShare>> word_shares(const model::TextModel& model, size_t head,
                                                const std::vector<text::Example>& examples, const text::EncodedSet& set,
                                                const Indices& classes) {
  std::vector<std::vector<WordShare>> all(examples.size());
  for (const text::Batch& batch : text::in_order(set, model::kEvaluationBatch)) {
    Indices own;
    for (const int row : batch.rows) own.push_back(classes[row]);
    const std::vector<double> shares = token_shares(model, head, batch, own);
    for (size_t b = 0; b < batch.rows.size(); ++b) {
      const int row = batch.rows[b];
      const double weight = 1 / double(batch.windows[b + 1] - batch.windows[b]);
      const Subject subject = subject_of(examples[row], set, row, model.tokenizer);
      const double* own_shares = shares.data() + batch.tokens.offsets[batch.windows[b]];
      for (const Word& of : subject.words) {
        WordShare& word = all[row].emplace_back(WordShare{of.text, of.second, of.begin, of.end, 0});
        for (const int token : of.tokens) word.share += weight * own_shares[token];
      }
    }
  }
  return all;
}

std::string strongest(const std::vector<WordShare>& words) {
  std::string list;
  for (const size_t i : strongest_places(words))
    list += fmt::format("{}{}:{:+.2f}", list.empty() ? "" : " ", engine::shown(words[i].word), words[i].share);
  return list;
}

Marks marks_of_output() {
  const char *no_colour = std::getenv("NO_COLOR"), *name = std::getenv("TERM");
  const std::string_view terminal = name ? name : "dumb";
  if (!isatty(STDOUT_FILENO) || (no_colour && *no_colour) || terminal == "dumb") return Marks::brackets;
  const bool grey = terminal.starts_with("vt") || terminal.ends_with("-m") || terminal.ends_with("-mono");
  return grey ? Marks::plain_terminal : Marks::colour;
}

std::string marked(const std::string& text, const std::vector<WordShare>& words, Marks marks, size_t columns,
                   bool second) {
  std::vector<const WordShare*> strong;
  for (const size_t i : strongest_places(words))
    if (words[i].second == second && words[i].end > 0) strong.push_back(&words[i]);
  std::sort(strong.begin(), strong.end(), [](const WordShare* a, const WordShare* b) { return a->begin < b->begin; });
  std::string line;
  size_t used = 0, at = 0;
  // False when there is no room left.
  const auto append = [&](size_t end, const WordShare* word) {
    const std::string part = engine::shown(std::string_view(text).substr(at, end - at), end - at + 1);
    at = end;
    const size_t around = word && marks == Marks::brackets ? 5 : 0;  // columns of [[+]]
    const size_t wants = text::columns_of(part) + around;
    const bool fits = columns == 0 || used + wants <= columns - (end < text.size());  // one for an ellipsis
    if (fits) line += word ? with_mark(part, word->share > 0, marks) : part;
    if (!fits && !word) line += text::fitted(part + " ", columns - used);  // longer than it: an ellipsis in any case
    if (!fits && word) line += used < columns ? "\u2026" : "";
    used += wants;
    return fits;
  };
  for (const WordShare* word : strong)
    if (!append(word->begin, nullptr) || !append(word->end, word)) return line;
  append(text.size(), nullptr);
  return line;
}

}  // namespace attribution
