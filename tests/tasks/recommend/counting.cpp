// Recommend: models that count, against values by hand; bad input counted; protocols.
#include <array>
#include <numeric>
#include <set>

#include "tasks/recommend/recommender.h"
#include "tasks/recommend/regression.h"
#include "tasks/score/top_k.h"
#include "tests/support/support.h"

using namespace recommend;
using test::error_of;

namespace {

History history_of(std::vector<int> items) {
  History h;
  for (size_t i = 0; i < items.size(); ++i) h.push_back({items[i], double(i), 1});
  return h;
}

text::Table table(const std::string& text) { return text::parse_table(text, "t.tsv", {.format = "tsv"}); }

Data data_of(const std::string& interactions, const std::string& items = "", const DataOptions& o = {}) {
  return read_tables(table(interactions), items.empty() ? text::Table{} : table(items), o, 1);
}

long count_of(const Data& data, const std::string& what) {
  for (const text::Warning& w : data.findings)
    if (w.what.find(what) != std::string::npos) return w.count;
  return -1;
}

}  // namespace

TEST_CASE("recommend: EASE of two items is the inverse by hand, and its diagonal is 0") {
  // X = (1 1; 1 0; 1 1): G = (3 2; 2 2) + I = (4 2; 2 3), det 8, P = (3 -2; -2 4) / 8
  const std::vector<History> h{history_of({0, 1}), history_of({0}), history_of({0, 1})};
  const engine::Tensor B = ease_weights(h, 2, 1);
  CHECK(B.to_vector()[0] == 0);
  CHECK(B.to_vector()[1] == doctest::Approx(2. / 4));  // -P_01 / P_11
  CHECK(B.to_vector()[2] == doctest::Approx(2. / 3));  // -P_10 / P_00
  CHECK(B.to_vector()[3] == 0);
  const std::vector<int> first{0};
  CHECK(ease(h, 2, 1)(first)[1] == doctest::Approx(0.5));
  CHECK(error_of([&] { ease_weights(h, 2, 0); }).find("lambda must be above 0") != std::string::npos);
}

TEST_CASE("recommend: invert_positive of 300 x 300, over several blocks, times the matrix is the unit matrix") {
  const long n = 300;
  const engine::Tensor x = test::varied({n, n});
  engine::Tensor A = engine::matmul(x, x, engine::Transpose::second);
  for (long i = 0; i < n; ++i) A.data()[i * n + i] += 50;
  engine::Tensor inverse = A.clone();
  invert_positive(inverse);
  const engine::Tensor unit = engine::matmul(A, inverse);
  for (long i = 0; i < n; ++i)
    for (long j = 0; j < n; ++j) CHECK(std::abs(double(unit.data()[i * n + j]) - double(i == j)) < 2e-3);
}

TEST_CASE("recommend: transitions count 1/d behind an item, columns divided by the root of their sum") {
  const std::vector<History> h{history_of({0, 1, 2}), history_of({0, 2})};
  const auto score = by_transitions(transitions(h, 3, {.reach = 2, .recent = 10, .damping = 1}), 10);
  // into 1: 1; into 2: 1 (1 -> 2) + 1/2 (0 -> 2 over one) + 1 (0 -> 2) = 2.5
  const std::vector<int> zero{0}, zero_one{0, 1};
  CHECK(score(zero)[1] == doctest::Approx(1 / (1 + 1.)));
  CHECK(score(zero)[2] == doctest::Approx(1.5 / (std::sqrt(2.5) + 1)));
  CHECK(score(zero_one)[2] == doctest::Approx((1 + 1.5 / 2) / (std::sqrt(2.5) + 1)));  // the last at rank 1, 0 at 2
}

TEST_CASE("recommend: EASE by users has the scores of EASE by items, weights included") {
  std::vector<History> h;
  for (int u = 0; u < 9; ++u) {
    h.push_back(history_of({u, (3 * u + 1) % 14, (u * u) % 14, 13}));
    h.back()[1].weight = 1.5;
  }
  const Scorer items = ease_by_items(h, 14, 2), users = ease_by_users(h, 14, 2);
  const std::vector<int> some{2, 7, 13};
  const Scores a = items(some), b = users(some);
  for (size_t j = 0; j < 14; ++j)
    if (std::count(some.begin(), some.end(), int(j)) == 0) CHECK(a[j] == doctest::Approx(b[j]).epsilon(1e-4));
}

TEST_CASE("recommend: content is ridge regression on words, so that an item that nobody took has a score") {
  const std::vector<Item> items{{"a", "red boat", "", {}},
                                {"b", "blue boat", "", {}},
                                {"c", "red cake", "", {}},
                                {"d", "boat red", "", {}},
                                {"e", "cake blue", "", {}}};
  const SparseRows rows = word_vectors(items);
  const std::vector<History> h{history_of({0, 1}), history_of({0}), history_of({2})};
  const auto k = [&](int i, int j) {
    Scores row(size_t(width_of(rows)), 0), other = row;
    add_row(rows, i, 1, row), add_row(rows, j, 1, other);
    return std::inner_product(row.begin(), row.end(), other.begin(), 0.1);
  };
  const std::vector<int> asked{0, 2};
  const Scores s = content(h, rows, 0.5)(asked);
  // By hand: q solves (K + 1/2) q = x over the items 0, 1, 2 that were taken; score_i = sum_t q_t k_ti.
  const auto row = [&](int i) { return std::array<double, 3>{k(i, 0), k(i, 1), k(i, 2)}; };
  std::array<std::array<double, 3>, 3> M{row(0), row(1), row(2)};
  for (size_t i = 0; i < 3; ++i) M[i][i] += 0.5;
  const auto det = [](const auto& m) {
    return m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0]) +
           m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]);
  };
  const std::array<double, 3> x{1, 0, 1};
  for (int i = 0; i < 5; ++i) {
    double want = 0;
    for (size_t t = 0; t < 3; ++t) {
      auto replaced = M;
      for (size_t r = 0; r < 3; ++r) replaced[r][t] = x[r];
      want += det(replaced) / det(M) * k(i, int(t));
    }
    CHECK(s[size_t(i)] == doctest::Approx(want).epsilon(1e-4));
  }
  CHECK(s[3] > s[4]);
}

TEST_CASE("recommend: near counts 1/d on both sides, and the whole history") {
  const std::vector<History> h{history_of({0, 1, 2}), history_of({2, 0})};
  const Scorer score = by_rows(near_each_other(h, 3, {.reach = 2, .power = 0.5, .damping = 1}));
  const std::vector<int> two{2}, two_one{2, 1};
  // C_20 = C_02 = 1/2 + 1, C_01 = C_12 = 1; sums: 0: 2.5, 1: 2, 2: 2.5
  CHECK(score(two)[0] == doctest::Approx(1.5 / (std::sqrt(2.5) + 1)));
  CHECK(score(two_one)[0] == doctest::Approx(2.5 / (std::sqrt(2.5) + 1)));
}

TEST_CASE("recommend: item-kNN is the cosine of columns, the k nearest alone, shrunk") {
  const std::vector<History> h{history_of({0, 1}), history_of({0, 1, 2}), history_of({2})};
  const std::vector<int> zero{0};
  const Scores near = item_knn(h, 3, {.k = 2})(zero), one = item_knn(h, 3, {.k = 1})(zero),
               shrunk = item_knn(h, 3, {.k = 2, .shrink = 2})(zero);
  CHECK(near[1] == doctest::Approx(1));
  CHECK(near[2] == doctest::Approx(0.5));
  CHECK(one[2] == 0);
  CHECK(shrunk[2] == doctest::Approx(1. / (2 + 2)));
}

TEST_CASE("recommend: words find an item by what its text shares with the history, none without") {
  const std::vector<Item> items{
      {"a", "red boat", "", {}}, {"b", "Boat, blue", "", {}}, {"c", "cake", "", {"red"}}, {"d", "", "", {}}};
  const SparseRows rows = word_vectors(items);
  const std::vector<int> first{0}, none;
  const Scores s = by_words(rows, 0.7)(first);
  CHECK(s[1] == doctest::Approx(1));  // of their words only boat is in two items: red the word is not red the tag
  CHECK(s[2] == 0);
  CHECK(by_words(rows, 0.7)(none) == Scores{0, 0, 0, 0});
}

TEST_CASE("recommend: odd input is counted, a line each kind, and nothing goes without a word") {
  const Data d = data_of(
      "user\titem\ttime\nu1\ta\t5\nu1\t b\t5\nu1\ta\t9\nu2\tz\t\nu3\ta\t2024-05-31\nu3\tb\t2024-06-01 "
      "10:00:00\n\ta\t1\n",
      "id\ttitle\na\tOne\nb\t\na\tTwice\n");
  CHECK(count_of(d, "an item's id with blanks around it") == 1);
  CHECK(count_of(d, "repeats one of the user's") == 1);
  CHECK(count_of(d, "an item that the catalogue lacks is kept") == 1);
  CHECK(count_of(d, "without a time") == 1);
  CHECK(count_of(d, "without a user or an item is left out") == 1);
  CHECK(count_of(d, "an item has no text") == 1);
  CHECK(count_of(d, "an item that was there before is left out") == 1);
  CHECK(count_of(d, "a user has one interaction") == 1);
  CHECK(count_of(d, "has the time of the user's one before") == 1);
  CHECK(d.items.size() == 3);
  CHECK(d.whole(0)[0].weight + d.whole(0)[1].weight == 3);  // a twice, b once
  CHECK(d.histories[2][1].time - d.histories[2][0].time == 86400 + 36000);
  CHECK(count_of(data_of("user\titem\nu\ta\nu\tb\n"), "there are no times") == 0);
  CHECK(count_of(data_of("user\titem\ttime\nu\ta\t\nu\tb\t\n"), "there are no times") == 0);
  const std::string late = "a time is after the year 5000 and others are not";
  CHECK(count_of(data_of("user\titem\ttime\nu\ta\t1700000000000\nu\tb\t1700000001\n"), late) == 1);
  CHECK(count_of(data_of("user\titem\ttime\nu\ta\t1700000000000\nu\tb\t1700000001000\n"), late) == -1);
  CHECK(error_of([] { data_of("user\titem\ttime\nu\ta\tsoon\n"); }) ==
        "t.tsv:2: the time must be seconds or a date; got 'soon'");
  CHECK(error_of([] { data_of("user\titem\ttime\nu\ta\t2024-02-30\n"); }).find("got '2024-02-30'") !=
        std::string::npos);
  DataOptions core;
  core.min_item = 2;
  CHECK(error_of([&] { data_of("user\titem\nu\ta\nv\tb\n", "", core); }) ==
        "recommend: no interaction is left to learn from");
}

TEST_CASE("recommend: ids that are numbers of more than 64 bits stay apart") {
  const std::string rows = R"({"user": 100000000000000000001, "item": "a"}
{"user": 100000000000000000002, "item": "a"}
)";
  CHECK(read_tables(text::parse_table(rows, "t.jsonl"), {}, {}, 1).users.size() == 2);
}

TEST_CASE("recommend: an item is named by its id, or by a title that no other has") {
  const Data d = data_of("user\titem\nu\ta\nu\tb\n", "id\ttitle\na\tSame\nb\tSame\nc\ta\n");
  CHECK(d.item_named("a") == 0);
  CHECK(error_of([&] { d.item_named("Same"); }) ==
        "2 items are called 'Same', with the ids 'a', 'b' ...: name one by its id");
}

TEST_CASE("recommend: kinds have weights, others are left out and counted") {
  DataOptions o;
  o.kinds = "buy=3,click=1";
  const Data d = data_of("user\titem\tkind\nu\ta\tbuy\nu\tb\tclick\nu\tc\tview\n", "", o);
  CHECK(d.histories[0].size() == 2);
  CHECK(d.histories[0][0].weight == 3);
  CHECK(count_of(d, "of a kind that --kinds does not name") == 1);
}

TEST_CASE("recommend: equal times are put in an order by the seed, not by the file") {
  std::string rows = "user\titem\ttime\n";
  for (int i = 0; i < 30; ++i) rows += fmt::format("u\t{}\t7\n", i);
  const std::vector<int> order = items_of(data_of(rows).histories[0]);
  CHECK(!std::is_sorted(order.begin(), order.end()));
  CHECK(order == items_of(data_of(rows).histories[0]));
}

TEST_CASE("recommend: protocols hold out what they say; what is held out is not learned from") {
  std::string rows = "user\titem\ttime\n";
  for (int u = 0; u < 20; ++u)
    for (int i = 0; i < 10; ++i) rows += fmt::format("u{}\ti{}\t{}\n", u, (u + i * 3) % 20, u * 3 + i * 10);
  const Data d = data_of(rows);
  const Split last = split_by("last", d, 1);
  REQUIRE(last.test.size() == 20);
  CHECK(last.test[3].targets == std::vector<int>{d.histories[3][9].item});
  CHECK(last.dev[3].targets == std::vector<int>{d.histories[3][8].item});
  CHECK(last.test[3].history.size() == 9);
  CHECK(last.train[3].size() == 8);
  const Split some = with_some_of_dev(last, 7, 1);
  REQUIRE(some.dev.size() == 7);
  for (size_t c = 1; c < 7; ++c) CHECK(some.dev[c - 1].user < some.dev[c].user);
  CHECK(some.dev[6].user > 6);  // drawn, not the first ones
  CHECK(some.dev[6].targets == last.dev[size_t(some.dev[6].user)].targets);
  CHECK(with_some_of_dev(last, 20, 1).dev.size() == 20);
  const Split random = split_by("random", d, 1);
  CHECK(random.test[0].targets.size() == 2);
  CHECK(random.known[0].size() == 8);
  const Split time = split_by("time", d, 1);
  for (const Case& c : time.test)
    for (const int item : c.history) CHECK(std::count(c.targets.begin(), c.targets.end(), item) == 0);
  const Split cold = split_by("cold", d, 1);
  CHECK(cold.test_among.size() == 4);
  for (const History& h : cold.train)
    for (const Event& e : h) {
      CHECK(std::count(cold.test_among.begin(), cold.test_among.end(), e.item) == 0);
      CHECK(std::count(cold.dev_among.begin(), cold.dev_among.end(), e.item) == 0);
    }
  CHECK(error_of([] { split_by("last", data_of("user\titem\nu\ta\n"), 1); }).find("leaves nothing to measure") !=
        std::string::npos);
}

TEST_CASE("recommend: equal scores have the middle rank, so that a model that says the same of all gains nothing") {
  const std::vector<char> can{1, 1, 1, 1, 0};
  CHECK(target_ranks(Scores{1, 1, 1, 1, 9}, can, {0}) == std::vector<double>{2.5});
  CHECK(target_ranks(Scores{1, 3, 2, 2, 9}, can, {3, 0}) == std::vector<double>{2.5, 4});
  CHECK(target_ranks(Scores{1, 3, 2, 2, 9}, can, {4}).empty());
  CHECK(error_of([&] {
          target_ranks(Scores{1, std::nan(""), 2, 2, 9}, can, {0});
        }).find("not a number") != std::string::npos);
}

TEST_CASE("recommend: the figures of ranks are those of score/top_k.h, and AUC that of pairs") {
  const std::vector<bool> relevant{false, true, false, true, false, false, true};
  const CaseFigures f = figures_of({2, 4, 7}, 4, 5);
  const score::TopK t = score::top_k_of_ranked(relevant, 3, 5);
  CHECK(f.ndcg == doctest::Approx(t.ndcg));
  CHECK(f.map == doctest::Approx(t.map));
  CHECK(f.recall == doctest::Approx(t.recall));
  CHECK(f.precision == doctest::Approx(t.precision));
  CHECK(f.hr == t.hr);
  CHECK(f.mrr == doctest::Approx(t.mrr));
  CHECK(f.auc == doctest::Approx((3 + 2 + 0) / 12.));  // of 4 others below 2, 4, 7: 3, 2, 0
}

TEST_CASE("recommend: the catalogue that ships has 300 different items and 400 readers, all of them known") {
  const Data d = read_data({}, 42);
  CHECK(d.items.size() == 300);
  CHECK(d.users.size() == 400);
  CHECK(d.findings.empty());
  std::set<std::string> titles, texts;
  for (const Item& item : d.items) {
    titles.insert(item.title), texts.insert(item.text);
    CHECK(item.tags.size() >= 2);
  }
  CHECK(titles.size() == 300);
  CHECK(texts.size() == 300);
  CHECK(error_of([&] { d.item_named("Small Boat"); }) == "there is no item 'Small Boat' (did you mean 'Small Boats'?)");
}
