// Recommend: attention over histories: causal, every parameter moves, losses, reasons; the second stage.
#include <algorithm>
#include <cmath>

#include "tasks/recommend/joined.h"
#include "tasks/recommend/learning.h"
#include "tests/support/support.h"
#include "tests/tasks/recommend/tiny.h"

using namespace recommend;
using engine::real;
using test::tiny;

namespace {

ItemText some_text(long items) {
  ItemText text;
  text.words = test::varied({items, 5}, 2);
  text.mean = test::varied({items, 4}, 3);
  text.offsets = {0};
  for (long i = 0; i < items; ++i) text.offsets.push_back(text.offsets.back() + 1 + int(i % 3));
  text.tokens = test::varied({text.offsets.back(), 6}, 4);
  text.has.assign(size_t(items), 1);
  return text;
}

History history(std::vector<int> items) {
  History h;
  for (size_t i = 0; i < items.size(); ++i) h.push_back({items[i], double(i), 1});
  return h;
}

const std::vector<History> kHistories{history({0, 1, 2, 3, 4}), history({5, 6, 7, 8, 0, 2, 1, 4}), history({3, 1})};

}  // namespace

TEST_CASE("recommend: what a user is at a place does not depend on what they take later, nor on other users") {
  for (const char* user : {"last", "pooled"}) {
    SequenceModel model(tiny(user), some_text(9), 1);
    model.params.initialise();
    const engine::NoGrad no_grad;
    const Tensor v = model.item_vectors();
    const std::vector<int> a{0, 1, 2, 3}, b{0, 1, 2, 8}, other{5, 6};
    const Tensor one = model.user_vectors(v, packed({a}, 6)), two = model.user_vectors(v, packed({other, b}, 6));
    CHECK(test::differs(one.data(), two.data() + 2 * 8, 3 * 8, 1e-6, 1e-5) == "");
    CHECK(test::differs(one.data() + 3 * 8, two.data() + 5 * 8, 8, 1e-6, 1e-5) != "");
  }
}

TEST_CASE("recommend: the additive attention over a history is the softmax by hand of the places so far") {
  SequenceModel model(tiny("pooled"), {}, 1);
  model.params.initialise();
  const engine::NoGrad no_grad;
  const std::vector<int> items{4, 2, 7};
  Tensor states;
  const Tensor u = model.user_vectors(model.item_vectors(), packed({items}, 6), nullptr, &states);
  const Tensor& W = model.params.find("history.pool.hidden.weight");
  const Tensor& c = model.params.find("history.pool.hidden.bias");
  const Tensor& q = model.params.find("history.pool.query");
  double sum = 0, weight[3];
  for (long n = 0; n < 3; ++n) {
    double s = 0;
    for (long o = 0; o < 8; ++o) {
      double x = double(c.data()[o]);
      for (long i = 0; i < 8; ++i) x += double(W.data()[o * 8 + i]) * double(states.data()[n * 8 + i]);
      s += double(q.data()[o]) * std::tanh(x);
    }
    sum += weight[n] = std::exp(s);
  }
  for (long i = 0; i < 8; ++i) {
    double want = 0;
    for (long n = 0; n < 3; ++n) want += weight[n] / sum * double(states.data()[n * 8 + i]);
    CHECK(double(u.data()[2 * 8 + i]) == doctest::Approx(want).epsilon(1e-4));
  }
}

TEST_CASE("recommend: every parameter of every form gets a gradient") {
  for (const char* user : {"last", "pooled", "candidate"})
    for (const long negatives : {0, 4}) {
      SequenceModel model(tiny(user), some_text(9), 1);
      model.params.initialise();
      Windows windows(kHistories, 6, 100, 1, 1, true);
      const NextItem next(counts_of(kHistories, 9), {.negatives = negatives});
      model.params.train(0);
      run::Terms terms;
      next.add_losses(terms, model, windows.parts_at(0).at(0), 0);
      engine::backward(terms.sum());
      for (const Tensor& t : model.params.tensors()) {
        double size = 0;
        for (long i = 0; t.has_grad() && i < t.numel(); ++i) size += std::abs(double(t.grad_data()[i]));
        const bool shift = t.name().ends_with("k_proj.bias") || t.name().ends_with("key.bias");  // softmax ignores it
        CHECK_MESSAGE((size > 0 || shift), user, " ", negatives, " ", t.name());
      }
    }
}

TEST_CASE("recommend: with weights a place counts as often as its weight says, and not at all with 0") {
  SequenceModel model(tiny("last"), some_text(9), 1);
  model.params.initialise();
  const NextItem next(counts_of(kHistories, 9), {});
  const auto loss = [&](const Batch& batch) {
    run::Terms terms;
    next.add_losses(terms, model, batch, 0);
    return double(terms.sum().item());
  };
  const auto of = [&](std::vector<int> read, std::vector<int> after, std::vector<real> weights) {
    return loss({packed({read}, 6), after, {}, weights, 1});
  };
  const std::vector<int> read{0, 1, 2}, after{1, 2, 3};
  CHECK(of(read, after, {1, 1, 1}) == doctest::Approx(of(read, after, {})).epsilon(1e-5));
  const double first = of(read, after, {1, 0, 0}), last = of(read, after, {0, 0, 1});
  CHECK(first == doctest::Approx(of({0}, {1}, {})).epsilon(1e-5));
  CHECK(of(read, after, {3, 0, 1}) == doctest::Approx((3 * first + last) / 4).epsilon(1e-5));
  std::vector<History> heavy = kHistories;
  heavy[0][2].weight = 5;
  const Batch batch = Windows(heavy, 6, 100, 1, 1, false, true).parts_at(0).at(0);
  REQUIRE(batch.weights.size() == batch.next.size());
  CHECK(batch.weights[1] == 5);  // of item 2, which comes after the second one
  CHECK(batch.weights[0] == 1);
  CHECK(Windows(heavy, 6, 100, 1, 1, false).parts_at(0).at(0).weights.empty());
  double parts = 0;  // of a step, by their shares, are its whole
  for (const Batch& part : Windows(heavy, 6, 100, 2, 1, false, true).parts_at(0)) parts += part.share * loss(part);
  REQUIRE(Windows(heavy, 6, 100, 2, 1, false, true).parts_at(0).size() == 2);
  CHECK(parts == doctest::Approx(loss(batch)).epsilon(1e-5));
}

TEST_CASE("recommend: what texts say is distilled into the identities of what comes next, and into nothing else") {
  SequenceModel model(tiny("last"), some_text(9), 1);
  model.params.initialise();
  model.text.has[3] = 0;
  const NextItem with(counts_of(kHistories, 9), {.distil_text = 2}), without(counts_of(kHistories, 9), {});
  const Batch batch{packed({std::vector<int>{0, 1, 2}}, 6), {1, 2, 3}, {}, {}, 1};
  const auto gradients = [&](const NextItem& next) {
    run::Terms terms;
    next.add_losses(terms, model, batch, 0);
    engine::backward(terms.sum());
    std::map<std::string, std::vector<real>> all;
    for (const Tensor& t : model.params.tensors())
      if (t.has_grad()) all[t.name()] = {t.grad_data(), t.grad_data() + t.numel()};
    model.params.clear_grads();
    return all;
  };
  const auto a = gradients(with), b = gradients(without);
  for (const auto& [name, gradient] : a)
    if (name != "item.identity")
      CHECK_MESSAGE(test::differs(gradient.data(), b.at(name).data(), long(gradient.size()), 1e-6, 1e-5) == "", name);
  const auto moved = [&](size_t item) {
    return test::differs(a.at("item.identity").data() + item * 8, b.at("item.identity").data() + item * 8, 8, 1e-6,
                         1e-5) != "";
  };
  CHECK((moved(1) && moved(2)));
  CHECK((!moved(3) && !moved(7)));  // no text; comes nowhere
}

TEST_CASE("recommend: a text that is read again stands for what was read before, and a gradient reaches it") {
  SequenceModel model(tiny("last"), some_text(9), 1);
  model.params.initialise();
  FreshTexts fresh{{4, 1}, test::varied({2, 4}, 9)};
  fresh.means.require_grad();
  Tensor before, after;
  {
    const engine::NoGrad no_grad;
    before = model.item_vectors();
  }
  after = model.item_vectors(&fresh);
  for (const int item : {0, 4, 1, 8})
    CHECK((test::differs(before.data() + item * 8, after.data() + item * 8, 8, 1e-6, 1e-6) == "") ==
          (item != 4 && item != 1));
  engine::backward(sum(after));
  REQUIRE(fresh.means.has_grad());
  const Tensor& W = model.params.find("item.mean.weight");  // [8, 4]
  for (long c = 0; c < 4; ++c) {
    double column = 0;
    for (long o = 0; o < 8; ++o) column += double(W.data()[o * 4 + c]);
    CHECK(double(fresh.means.grad_data()[4 + c]) == doctest::Approx(column).epsilon(1e-4));
  }
}

TEST_CASE("recommend: windows predict every item but a history's first once an epoch") {
  Windows windows(kHistories, 3, 4, 1, 7, true);
  std::vector<int> predicted;
  for (long step = 0; step < windows.steps_per_epoch(); ++step)
    for (const Batch& batch : windows.parts_at(step))
      predicted.insert(predicted.end(), batch.next.begin(), batch.next.end());
  std::vector<int> wanted;
  for (const History& h : kHistories)
    for (size_t i = 1; i < h.size(); ++i) wanted.push_back(h[i].item);
  std::sort(predicted.begin(), predicted.end());
  std::sort(wanted.begin(), wanted.end());
  CHECK(predicted == wanted);
  CHECK(windows.parts_at(1).at(0).next == Windows(kHistories, 3, 4, 1, 7, true).parts_at(1).at(0).next);
}

TEST_CASE("recommend: sampled softmax with log frequencies taken off tends to the softmax over all") {
  SequenceModel model(tiny("last"), {}, 1);
  model.params.initialise();
  Windows windows(kHistories, 6, 100, 1, 1, false);
  const Batch batch = windows.parts_at(0).at(0);
  const std::vector<double> counts = counts_of(kHistories, 9);
  const auto loss = [&](long negatives, long step) {
    model.params.mode().step = uint32_t(step);
    run::Terms terms;
    NextItem(counts, {.negatives = negatives}).add_losses(terms, model, batch, 0);
    return double(terms.sum().item());
  };
  double sampled = 0;
  for (long step = 0; step < 20; ++step) sampled += loss(4000, step) / 20;
  // The draws stand for all items but the next one: log(e^s + sum of the others), which is the whole softmax.
  CHECK(sampled == doctest::Approx(loss(0, 0)).epsilon(0.01));
}

TEST_CASE("recommend: an item that nobody took is scored by its text alone, and its identity by none") {
  SequenceModel model(tiny("last"), some_text(9), 1);
  model.params.initialise();
  model.known.assign(9, 1);
  model.known[4] = 0;
  const Tensor v = model.item_vectors();
  for (long c = 0; c < 8; ++c) model.identity.data()[4 * 8 + c] += 3;
  const Tensor again = model.item_vectors();
  CHECK(test::differs(v, again, 0, 0) == "");
}

TEST_CASE("recommend: a directory gives the scores that were saved, without text and encoder") {
  for (const char* user : {"last", "pooled", "candidate"}) {
    const test::TemporaryDirectory dir;
    SequenceModel model(tiny(user), some_text(9), 1);
    model.params.initialise();
    model.known.assign(9, 1);
    model.known[2] = 0;
    save_sequence(model, dir.path);
    const auto loaded = load_sequence(dir.path);
    const engine::NoGrad no_grad;
    const std::vector<int> h{1, 3, 5}, none;
    std::vector<double> a(18), b(18);
    model.score(model.item_vectors(), {h, none}, a);
    loaded->score(loaded->item_vectors(), {h, none}, b);
    CHECK(a == b);
  }
}

TEST_CASE("recommend: reasons of attention by candidate alone add up to what it adds to the score") {
  SequenceConfig config = tiny("candidate");
  config.layers = 0;
  SequenceModel model(config, {}, 1);
  model.params.initialise();
  const engine::NoGrad no_grad;
  const Tensor v = model.item_vectors();
  const std::vector<int> h{1, 3, 5}, asked{0, 7};
  const auto reasons = model.reasons(v, h, asked);
  Tensor states;
  const nn::Tokens tokens = packed({h}, 6);
  model.user_vectors(v, tokens, nullptr, &states);
  const Tensor own = model.candidate_scores(engine::gather_rows(v, {0, 7}), {0, 2}, states, tokens.offsets);
  for (size_t i = 0; i < 2; ++i)
    CHECK(reasons[i][0] + reasons[i][1] + reasons[i][2] == doctest::Approx(double(own.data()[i])).epsilon(1e-4));
}

TEST_CASE(
    "recommend: the conditional logit finds where its likelihood is flat, and the second stage prefers what orders") {
  std::vector<Case> cases;
  std::vector<Scores> good, bad;
  for (int u = 0; u < 60; ++u) {
    const int target = (u * 7) % 12;
    cases.push_back({u, {}, {target}});
    Scores g, b;
    for (int i = 0; i < 12; ++i) {
      g.push_back(std::sin(u * 1.3 + i * 2.1) + (i == target ? 1.5 : 0));
      b.push_back(std::cos(u * 3.7 + i * 0.9));
    }
    good.push_back(g), bad.push_back(b);
  }
  std::vector<List> lists;
  std::vector<const List*> all;
  for (size_t c = 0; c < cases.size(); ++c) lists.push_back(list_of({good[c], bad[c]}, cases[c], {}, 12));
  for (const List& list : lists) all.push_back(&list);
  const std::vector<double> w = fit_conditional(all, 4, 0.5);
  const auto value = [&](std::vector<double> at) {
    double sum = 0;
    for (const List& list : lists) sum += log_shares(list, at)[size_t(list.relevant.at(0))];
    for (const double x : at) sum -= 0.25 * x * x;
    return sum;
  };
  for (size_t a = 0; a < 4; ++a)
    for (const double step : {-1e-3, 1e-3}) {
      std::vector<double> moved = w;
      moved[a] += step;
      CHECK(value(moved) < value(w));
    }
  std::vector<Shares> held;
  const Joined joined = fit_joined({"good", "bad"}, lists, cases, {}, 12, {.candidates = 12, .k = 3}, 1, &held);
  double top = 0;
  for (const Shares& shares : held) top += std::exp(*std::max_element(shares.logs.begin(), shares.logs.end()));
  CHECK(joined.top_share == doctest::Approx(top / 60));
  CHECK(joined.weights[0] + joined.weights[1] > 3 * std::abs(joined.weights[2] + joined.weights[3]));
  CHECK(joined.dev_ndcg > 0.5);
}

TEST_CASE(
    "recommend: the features of a candidate are its rank among all that can be ranked, ties in the middle, and its "
    "score") {
  const Scores x{3, 1, 2, 2, 2, 0, 9, 1}, y{0, 0, 0, 0, 0, 5, 0, 0};
  const Case c{0, {6}, {5}};
  const List list = list_of({x, y}, c, {}, 2);  // of x 0 and one of 2, 3, 4; of y 5 and the first of the equal ones
  CHECK(list.items == std::vector<int>{0, 2, 5});
  CHECK(list.relevant == std::vector<int>{2});
  const auto rank = [&](size_t n, size_t source) { return std::exp(-list.features[n * 4 + 2 * source]); };
  CHECK(rank(0, 0) == doctest::Approx(1));
  CHECK(rank(1, 0) == doctest::Approx(3));  // three have places 2 to 4
  CHECK(rank(2, 0) == doctest::Approx(7));
  CHECK(rank(0, 1) == doctest::Approx(4.5));  // six have places 2 to 7
  CHECK(rank(2, 1) == doctest::Approx(1));
  const double mean = 11. / 7, deviation = std::sqrt(23. / 7 - mean * mean);
  CHECK(list.features[1] == doctest::Approx((3 - mean) / deviation));
}

TEST_CASE("recommend: some cases are scored at a time, and every one is visited with its own scores") {
  std::vector<Case> cases;
  for (int u = 0; u < 200; ++u) cases.push_back({u, {u % 7}, {}});
  size_t most = 0;
  const Source counted{"counted", [&](std::span<const Case> some, std::span<double> to) {
                         most = std::max(most, some.size());
                         for (size_t c = 0; c < some.size(); ++c)
                           std::fill_n(to.begin() + long(c) * 200000, 200000, some[c].user);
                       }};
  std::vector<double> seen(cases.size(), -1);
  const Source first = source_of("first", [](Items h) { return Scores(200000, h[0]); });
  for_each_case("test", {counted, first}, cases, 200000, [&](size_t c, const std::vector<ScoresOf>& scores) {
    seen[c] = scores[0][199999] == double(cases[c].user) ? scores[1][0] : -2;
  });
  for (size_t c = 0; c < cases.size(); ++c) CHECK(seen[c] == double(c % 7));
  CHECK(most == 64);  // 200 cases of 2 x 200,000 scores would be 640 MB
}

TEST_CASE("recommend: Platt's probabilities have the mean of what came true") {
  std::vector<double> s;
  std::vector<bool> right;
  for (int i = 0; i < 200; ++i)
    s.push_back(std::sin(i * 1.7) * 3 - 1), right.push_back(std::cos(i * 5.1) < s.back() / 3);
  const Platt p = fit_platt(s, right);
  double said = 0;
  for (const double x : s) said += p(x) / 200;
  CHECK(said == doctest::Approx(double(std::count(right.begin(), right.end(), true)) / 200).epsilon(1e-6));
  CHECK(p.a > 0);
  const Platt none = fit_platt({1, 2, 3}, {false, false, false});
  CHECK(none(5) == doctest::Approx(0.5 / 4));
}
