// The four protocols. Read tasks/recommend/data.h first.
#include "tasks/recommend/split.h"

#include <algorithm>
#include <cmath>

#include "engine/random.h"

namespace recommend {

using engine::check;
using engine::Random;
using engine::Stream;

std::vector<int> items_of(const History& history) {
  std::vector<int> items;
  for (const Event& event : history) items.push_back(event.item);
  return items;
}

namespace {

History part(const History& h, size_t begin, size_t end) { return {h.begin() + long(begin), h.begin() + long(end)}; }

void last_out(const Data& data, Split& split) {
  for (size_t u = 0; u < data.histories.size(); ++u) {
    const History& h = data.histories[u];
    const size_t n = h.size();
    if (n < 3) {
      split.train.push_back(data.whole(u));
      split.known.push_back(data.whole(u));
      continue;
    }
    split.train.push_back(data.until(u, n - 2, h[n - 2].time));
    split.known.push_back(data.until(u, n - 1, h[n - 1].time));
    split.dev.push_back({int(u), items_of(split.train[u]), {h[n - 2].item}});
    split.test.push_back({int(u), items_of(split.known[u]), {h[n - 1].item}});
  }
}

void cut_in_time(const Data& data, Split& split) {
  std::vector<double> times;
  for (const History& h : data.histories)
    for (const Event& event : h) times.push_back(event.time);
  std::sort(times.begin(), times.end());
  const double first = times[times.size() * 8 / 10], second = times[times.size() * 9 / 10];
  for (size_t u = 0; u < data.histories.size(); ++u) {
    const History& h = data.histories[u];
    const auto before = [&](double cut) {
      return size_t(std::find_if(h.begin(), h.end(), [&](const Event& e) { return e.time >= cut; }) - h.begin());
    };
    const size_t a = before(first), b = before(second);
    split.train.push_back(data.until(u, a, first));
    split.known.push_back(data.until(u, b, second));
    if (a < b) split.dev.push_back({int(u), items_of(split.train[u]), items_of(part(h, a, b))});
    if (b < h.size()) split.test.push_back({int(u), items_of(split.known[u]), items_of(part(h, b, h.size()))});
  }
}

void at_random(const Data& data, uint64_t seed, Split& split) {
  for (size_t u = 0; u < data.histories.size(); ++u) {
    const History h = data.whole(u);
    const long n = long(h.size()), test = n / 5, dev = (n - test + 5) / 10;
    const std::vector<int> order = engine::permutation(int(n), {seed, Stream::sample, 1, uint32_t(u)});
    std::vector<char> kind(h.size());  // 1: dev, 2: test
    for (long i = 0; i < test + dev; ++i) kind[size_t(order[size_t(i)])] = i < test ? 2 : 1;
    History train, known, held, out;
    for (size_t i = 0; i < h.size(); ++i) {
      if (kind[i] == 0) train.push_back(h[i]);
      if (kind[i] < 2) known.push_back(h[i]);
      if (kind[i] == 1) held.push_back(h[i]);
      if (kind[i] == 2) out.push_back(h[i]);
    }
    if (dev) split.dev.push_back({int(u), items_of(train), items_of(held)});
    if (test) split.test.push_back({int(u), items_of(known), items_of(out)});
    split.train.push_back(std::move(train));
    split.known.push_back(std::move(known));
  }
}

void cold_items(const Data& data, uint64_t seed, Split& split) {
  const long I = long(data.items.size()), test = I / 5, dev = I / 10;
  const std::vector<int> order = engine::permutation(int(I), {seed, Stream::sample, 2});
  std::vector<char> kind(size_t(I), 0);
  for (long i = 0; i < test + dev; ++i) kind[size_t(order[size_t(i)])] = i < test ? 2 : 1;
  for (int i = 0; i < int(I); ++i) {
    if (kind[size_t(i)] == 1) split.dev_among.push_back(i);
    if (kind[size_t(i)] == 2) split.test_among.push_back(i);
  }
  for (size_t u = 0; u < data.histories.size(); ++u) {
    History train;
    std::vector<int> held, out;
    for (const Event& event : data.whole(u)) {
      const char k = kind[size_t(event.item)];
      if (k == 0) train.push_back(event);
      if (k == 1) held.push_back(event.item);
      if (k == 2) out.push_back(event.item);
    }
    if (!held.empty()) split.dev.push_back({int(u), items_of(train), held});
    if (!out.empty()) split.test.push_back({int(u), items_of(train), out});
    split.train.push_back(train);
    split.known.push_back(std::move(train));
  }
}

}  // namespace

Split split_by(const std::string& protocol, const Data& data, uint64_t seed) {
  Split split;
  split.protocol = protocol;
  if (protocol == "last")
    last_out(data, split);
  else if (protocol == "time")
    cut_in_time(data, split);
  else if (protocol == "random")
    at_random(data, seed, split);
  else
    cold_items(data, seed, split);
  check(!split.dev.empty() && !split.test.empty(),
        "recommend: --protocol {} leaves nothing to measure: {} users, {} interactions", protocol, data.users.size(),
        data.events());
  return split;
}

std::string Split::text() const {
  const std::string what = protocol == "last"     ? "last item out"
                           : protocol == "time"   ? "cut in time at 90 %"
                           : protocol == "random" ? "20 % of each user out, at random"
                                                  : "20 % of the items without any interaction";
  const std::string among = test_among.empty() ? "all items ranked that the user has not had"
                                               : fmt::format("ranked among these {}", test_among.size());
  return fmt::format("{}, {}, ties by half ranks", what, among);
}

Split with_some_of_dev(Split split, long most, uint64_t seed) {
  if (long(split.dev.size()) <= most) return split;
  std::vector<int> order = engine::permutation(int(split.dev.size()), {seed, Stream::sample, 6});
  order.resize(size_t(most));
  std::sort(order.begin(), order.end());
  std::vector<Case> some;
  for (const int c : order) some.push_back(std::move(split.dev[size_t(c)]));
  split.dev = std::move(some);
  return split;
}

}  // namespace recommend
