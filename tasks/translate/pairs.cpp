// From files to batches. Read nn/tokens.h first, tasks/translate/main.cpp next.
#include "tasks/translate/pairs.h"

#include <algorithm>
#include <future>
#include <numeric>

#include "engine/parallel.h"
#include "engine/random.h"
#include "tasks/text/data.h"
#include "tasks/text/lines.h"

namespace translate {

using engine::check;

void Texts::add(const Texts& more) {
  source.insert(source.end(), more.source.begin(), more.source.end());
  target.insert(target.end(), more.target.begin(), more.target.end());
  where.insert(where.end(), more.where.begin(), more.where.end());
}

std::vector<std::string> read_texts(const std::string& path) {
  std::vector<std::string> texts;
  for (text::Example& e : text::read_lines(path, text::Invalid::refused)) texts.push_back(std::move(e.text));
  return texts;
}

Texts read_pairs(const std::string& source, const std::string& target) {
  const text::ParallelTexts both = text::read_parallel(source, target, text::Invalid::refused);
  Texts texts;
  for (size_t i = 0; i < both.source.size(); ++i) {
    texts.source.push_back(both.source[i].text);
    texts.target.push_back(both.target[i].text);
    texts.where.push_back(both.source[i].where);
  }
  return texts;
}

namespace {

void add_row(Texts& texts, std::string_view line, const std::string& where) {
  const size_t tab = line.find('\t');
  check(tab != line.npos && line.find('\t', tab + 1) == line.npos,
        "{}: a pair is two texts with a tab between; the line has {} columns", where,
        1 + std::count(line.begin(), line.end(), '\t'));
  texts.source.emplace_back(line.substr(0, tab));
  texts.target.emplace_back(line.substr(tab + 1));
  texts.where.push_back(where);
  for (const std::string& side : {texts.source.back(), texts.target.back()})
    check(!text::is_blank(side), "{}: the line is empty; a pair needs both texts", where);
}

}  // namespace

Texts read_pairs(const std::string& table) {
  Texts texts;
  for (const text::Example& e : text::read_lines(table, text::Invalid::refused)) add_row(texts, e.text, e.where);
  return texts;
}

Texts pairs_of(std::string_view table, const std::string& name) {
  Texts texts;
  long number = 1;
  for (size_t at = 0; at < table.size(); ++number) {
    const size_t end = std::min(table.find('\n', at), table.size());
    add_row(texts, table.substr(at, end - at), fmt::format("{}:{}", name, number));
    at = end + 1;
  }
  return texts;
}

std::vector<Pair> encode(const Texts& texts, const Pieces& pieces, long positions, long* skipped) {
  std::vector<Pair> pairs(texts.size());
  engine::parallel_tasks(texts.size(), [&](long i) {
    pairs[i] = {pieces.source(texts.source[i]), pieces.target(texts.target[i]), int(i)};
  });
  std::vector<Pair> fitting;
  for (long i = 0; i < texts.size(); ++i) {
    const long longest = long(std::max(pairs[i].source.size(), pairs[i].target.size()));
    check(skipped || longest <= positions, "{}: {} pieces; the model has {} positions", texts.where[i], longest,
          positions);
    if (longest <= positions)
      fitting.push_back(std::move(pairs[i]));
    else
      ++*skipped;
  }
  return fitting;
}

Texts readable(const Texts& texts, const Pieces& pieces, long positions) {
  Texts left;
  for (long i = 0; i < texts.size(); ++i) {
    if (long(pieces.source(texts.source[i]).size()) > positions) continue;
    left.source.push_back(texts.source[i]);
    left.target.push_back(texts.target[i]);
    left.where.push_back(texts.where[i]);
  }
  return left;
}

std::vector<Pair> cut_anew(const std::vector<Pair>& pairs, const Texts& texts, const Pieces& pieces, float dropout,
                           uint32_t seed, long positions) {
  const auto cut = [&] {
    std::vector<Pair> all = pairs;
    for (Pair& pair : all) {
      Pair other{pieces.source(texts.source[pair.text], dropout), pieces.target(texts.target[pair.text], dropout),
                 pair.text};
      if (long(std::max(other.source.size(), other.target.size())) <= positions) pair = std::move(other);
    }
    return all;
  };
  Pieces::seed_threads(seed);
  return std::async(std::launch::async, cut).get();
}

nn::Tokens packed(const std::vector<const std::vector<int>*>& sequences) {
  nn::Tokens tokens;
  tokens.offsets = {0};
  for (const std::vector<int>* ids : sequences) {
    tokens.ids.insert(tokens.ids.end(), ids->begin(), ids->end());
    for (size_t t = 0; t < ids->size(); ++t) tokens.positions.push_back(int(t));
    tokens.offsets.push_back(int(tokens.ids.size()));
  }
  return tokens;
}

Batch batch_of(const std::vector<const Pair*>& pairs, int start) {
  std::vector<const std::vector<int>*> sources, targets;
  for (const Pair* pair : pairs) sources.push_back(&pair->source), targets.push_back(&pair->target);
  Batch batch{packed(sources), packed(targets), {}, {}};
  batch.target = batch.input.ids;
  for (const Pair* pair : pairs) batch.texts.push_back(pair->text);
  for (size_t b = 0; b < pairs.size(); ++b) {  // one to the right
    const int first = batch.input.offsets[b], end = batch.input.offsets[b + 1];
    std::copy_backward(batch.target.begin() + first, batch.target.begin() + end - 1, batch.input.ids.begin() + end);
    batch.input.ids[first] = start;
  }
  return batch;
}

namespace {
long target_tokens(const std::vector<Pair>& pairs) {
  long count = 0;
  for (const Pair& pair : pairs) count += long(pair.target.size());
  return count;
}
}  // namespace

Batches::Batches(const std::vector<Pair>& pairs, const BatchOptions& options) : given_(pairs), o_(options) {
  check(!pairs.empty(), "translate: there are no pairs to learn from");
  const long step = o_.tokens * o_.accumulate;
  steps_ = std::min(std::max(1L, (target_tokens(pairs) + step / 2) / step), long(pairs.size()));
}

// Part k of an epoch are the pairs whose first target token is among tokens [k T / n, (k + 1) T / n) of all T, of n
// parts. Behind a pair that is longer than a part come pairs that are parts by themselves, so that none is empty.
void Batches::cut(const std::vector<int>& order) {
  const long N = long(order.size()), n = std::min(steps_ * o_.accumulate, N), all = target_tokens(pairs());
  parts_.assign(n, {});
  long before = 0, part = -1;
  for (long i = 0; i < N; ++i) {
    part = std::clamp(before * n / all, n - (N - i), part + 1);  // n - (N - i): enough pairs are left for the others
    parts_[part].push_back(order[i]);
    before += long(pairs()[order[i]].target.size());
  }
}

void Batches::begin_epoch(long epoch) {
  epoch_ = epoch;
  if (o_.pairs_of) own_ = o_.pairs_of(epoch);
  std::vector<int> order(pairs().size());
  std::iota(order.begin(), order.end(), 0);
  if (o_.shuffled) order = engine::permutation(int(order.size()), {o_.seed, engine::Stream::shuffle, uint32_t(epoch)});
  cut(order);
  if (!o_.window) return;
  const auto shorter = [&](int a, int b) {
    const Pair &p = pairs()[a], &q = pairs()[b];
    return std::pair(p.target.size(), p.source.size()) < std::pair(q.target.size(), q.source.size());
  };
  const size_t window = size_t(o_.window) * o_.accumulate;
  std::vector<int> sorted;
  for (size_t first = 0; first < parts_.size(); first += window) {
    const long begin = long(sorted.size());
    for (size_t k = first; k < std::min(first + window, parts_.size()); ++k)
      sorted.insert(sorted.end(), parts_[k].begin(), parts_[k].end());
    std::stable_sort(sorted.begin() + begin, sorted.end(), shorter);
  }
  cut(sorted);
  if (!o_.shuffled) return;
  std::vector<std::vector<int>> parts(parts_.size());
  const auto places = engine::permutation(int(parts.size()), {o_.seed, engine::Stream::shuffle, uint32_t(epoch), 1});
  for (size_t k = 0; k < parts.size(); ++k) parts[k] = std::move(parts_[places[k]]);
  parts_ = std::move(parts);
}

std::vector<Batch> Batches::parts_at(long step) {
  if (step / steps_ != epoch_) begin_epoch(step / steps_);
  std::vector<Batch> batches;
  double all = 0;
  const long n = long(parts_.size()), now = step % steps_;
  for (long k = now * n / steps_; k < (now + 1) * n / steps_; ++k) {
    std::vector<const Pair*> chosen;
    for (const int pair : parts_[k]) chosen.push_back(&pairs()[pair]);
    batches.push_back(batch_of(chosen, o_.start));
    all += double(batches.back().target.size());
  }
  for (Batch& batch : batches) batch.share = double(batch.target.size()) / all;
  return batches;
}

}  // namespace translate
