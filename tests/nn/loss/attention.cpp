// Attention transfer and shaping: values of PyTorch, gradients, closed forms. Read nn/loss/attention_transfer.h before.
#include "nn/loss/attention_transfer.h"

#include <omp.h>

#include <set>

#include "nn/loss/attention_shape.h"
#include "nn/loss/distil.h"
#include "tests/support/golden.h"
#include "tests/support/gradcheck.h"

using namespace test;
using namespace nn;

namespace {

using List = const std::vector<Tensor>&;

// The loss that a case is named after.
Tensor loss_of(Case& c, const Ragged& layout) {
  const std::string& n = c.name();
  const Tensor s = c.in("student"), t = c.has("teacher") ? c.in("teacher") : Tensor();
  if (n == "attention_score_mse") return attention_score_mse(s, t);
  if (n == "attention_ce") return attention_cross_entropy(s, t, layout);
  if (n == "attention_kl") return attention_kl(s, t, layout);
  if (n.starts_with("relation_kl_heads"))
    return relation_kl(s, t, layout.queries, long(c.number_after("relation_kl_heads")));
  if (n == "hidden_mse") return hidden_mse(s, t);
  if (n == "hidden_cosine") return hidden_cosine(s, t);
  if (n == "activation_map") return activation_map(s, t, layout.queries);
  if (n == "pkd_cls") return patient_kd(s, t);
  if (n.starts_with("hinton_T")) return distillation(s, t, real(c.number_after("hinton_T")));
  if (n.starts_with("soft_ce_T")) return soft_cross_entropy(s, t, real(c.number_after("soft_ce_T")));
  if (n == "entropy") return attention_entropy(ragged_softmax(s, layout), layout);
  return {};
}

// The p of 1.5-entmax by bisection on its threshold: what the sorting must find.
std::vector<double> entmax15_by_bisection(const std::vector<real>& s) {
  const double top = *std::max_element(s.begin(), s.end()) / 2.;
  double low = top - 1, high = top;
  std::vector<double> p(s.size());
  for (int i = 0; i < 200; ++i) {
    const double tau = (low + high) / 2;
    double total = 0;
    for (size_t j = 0; j < s.size(); ++j) {
      p[j] = std::pow(std::max(0., s[j] / 2. - tau), 2);
      total += p[j];
    }
    (total > 1 ? low : high) = tau;
  }
  return p;
}

const Indices kOffsets{0, 3, 4, 9};

}  // namespace

TEST_CASE("golden: transfer and shaping, values and gradients of PyTorch") {
  const SafeTensors file(golden_path("transfer.safetensors"));
  const Ragged layout(offsets_of(file.read_ints("lengths")), std::stol(file.metadata().at("heads")));
  std::set<std::string> names;
  for (const auto& [name, entry] : file.entries())
    if (name.find('/') != name.npos) names.insert(name.substr(0, name.find('/')));
  CHECK(names.size() > 0);
  for (const std::string& name : names) {
    Case c(file, name);
    const Tensor y = loss_of(c, layout);
    REQUIRE_MESSAGE(bool(y), "no loss for the case ", name);
    c.expect(y);
  }
}

TEST_CASE("transfer: the losses have the right gradients, and the teacher gets none") {
  const Ragged layout(kOffsets, 2), causal(kOffsets, 2, true);
  const long S = layout.size();
  const Tensor teacher = varied({S}, 5), hidden = varied({9, 8}, 6);
  for (const Ragged& l : {layout, causal}) {
    gradcheck("attention_cross_entropy", {varied({S})},
              [&](List x) { return attention_cross_entropy(x[0], teacher, l); });
    gradcheck("attention_kl", {varied({S})}, [&](List x) { return attention_kl(x[0], teacher, l); });
    gradcheck("ragged_log_softmax", {varied({S})}, [&](List x) { return ragged_log_softmax(x[0], l); });
    gradcheck("ragged_sparsemax", {varied({S})}, [&](List x) { return ragged_sparsemax(x[0], l); });
    gradcheck("ragged_entmax15", {varied({S})}, [&](List x) { return ragged_entmax15(x[0], l); });
    gradcheck("entropy", {varied({S})}, [&](List x) { return attention_entropy(ragged_softmax(x[0], l), l); });
  }
  gradcheck("relation_kl", {varied({9, 4})}, [&](List x) { return relation_kl(x[0], hidden, kOffsets, 2); });
  gradcheck("hidden_cosine", {varied({9, 8})}, [&](List x) { return hidden_cosine(x[0], hidden); });
  gradcheck("activation_map", {varied({9, 4})}, [&](List x) { return activation_map(x[0], hidden, kOffsets); });
  gradcheck("patient_kd", {varied({9, 8})}, [&](List x) { return patient_kd(x[0], hidden); });
  gradcheck("ragged_mean_heads", {varied({S})}, [&](List x) { return ragged_mean_heads(x[0], layout); });
  gradcheck("xlogx", {Tensor({3}, {real(0.2), 1, 3})}, [](List x) { return xlogx(x[0]); });
  const Tensor prior({9}, {0, 1, 2, 0, 0, 1, 0, 0, 1});
  gradcheck("head_disagreement", {varied({S})},
            [&](List x) { return head_disagreement(ragged_softmax(x[0], layout), layout); });
  gradcheck("guided_attention", {varied({S})},
            [&](List x) { return guided_attention(ragged_softmax(x[0], layout), prior, layout); });
  const Tensor student = varied({S}).require_grad(), fixed = varied({S}, 2).require_grad();
  backward(attention_kl(student, fixed, layout));
  CHECK(student.has_grad());
  CHECK(!fixed.has_grad());
}

TEST_CASE("sparsemax and entmax15: known rows, sums of one, zeros that are exact, blind to a shift") {
  const Ragged row({0, 1}, {0, 3}, 1);
  const Tensor known = ragged_sparsemax(Tensor({3}, {1, real(0.5), -1}), row);
  CHECK(differs(known, Tensor({3}, {real(0.75), real(0.25), 0})) == "");
  CHECK(known.data()[2] == 0);
  const Ragged layout(kOffsets, 2);
  const Tensor s = varied({layout.size()}) * real(3), shifted = s + Tensor::scalar(real(0.5));
  for (Tensor (*op)(const Tensor&, const Ragged&) : {ragged_sparsemax, ragged_entmax15}) {
    const Tensor p = op(s, layout);
    CHECK(differs(op(shifted, layout), p, 1e-5, 1e-4) == "");
    long i = 0, zeros = 0;
    for (long b = 0; b < 3; ++b)
      for (long q = 0; q < 2 * layout.query_count(b); ++q) {
        double total = 0;
        std::vector<real> scores;
        for (long k = 0; k < layout.key_count(b); ++k, ++i) {
          total += p.data()[i];
          zeros += p.data()[i] == 0;
          scores.push_back(s.data()[i]);
        }
        CHECK(total == doctest::Approx(1));
        if (op != ragged_entmax15) continue;
        const std::vector<double> want = entmax15_by_bisection(scores);
        for (size_t k = 0; k < want.size(); ++k)
          CHECK(p.data()[i - long(want.size()) + long(k)] == doctest::Approx(want[k]).epsilon(1e-4));
      }
    CHECK(zeros > 10);
  }
}

TEST_CASE("entropy, head_disagreement and guided_attention: closed forms") {
  const Ragged layout(kOffsets, 2);
  const Tensor uniform = ragged_softmax(Tensor::zeros({layout.size()}), layout);
  const double want = (3 * std::log(3.) + 1 * std::log(1.) + 5 * std::log(5.)) / 9;
  CHECK(attention_entropy(uniform, layout).item() == doctest::Approx(want));
  CHECK(head_disagreement(uniform, layout).item() == doctest::Approx((3 * (1 / 3.) + 1 + 5 * (1 / 5.)) / 9));
  CHECK(head_disagreement(ragged_mean_heads(uniform, layout), Ragged(kOffsets, 1)).item() == 0);
  const Tensor apart({2 * 4}, {1, 0, 1, 0, 0, 1, 0, 1});  // two heads that look at different tokens
  CHECK(head_disagreement(apart, Ragged({0, 2}, 2)).item() == 0);
  const Tensor one_token({9}, {0, 7, 0, 0, 0, 0, 0, 0, 0});  // the other sequences are left out
  CHECK(guided_attention(uniform, one_token, layout).item() == doctest::Approx(std::log(3.)));
  CHECK(guided_attention(uniform, Tensor::zeros({9}), layout).item() == 0);
  CHECK(xlogx(Tensor({2}, {0, 1})).to_vector() == std::vector<real>{0, 0});
}

TEST_CASE("transfer: what cannot be matched is refused with both shapes") {
  const Ragged layout(kOffsets, 2);
  const Tensor s = Tensor::zeros({layout.size()});
  CHECK(error_of([&] {
          attention_kl(s, Tensor::zeros({3}), layout);
        }).find("student and teacher must have one shape") != std::string::npos);
  CHECK(error_of([&] {
          relation_kl(varied({9, 8}), varied({9, 9}), kOffsets, 2);
        }).find("multiple of 2 relation heads") != std::string::npos);
  CHECK(error_of([&] {
          activation_map(varied({9, 8}), varied({8, 9}), kOffsets);
        }).find("must both have 9 rows") != std::string::npos);
  CHECK(error_of([&] { guided_attention(s, Tensor::full({9}, -1), layout); }).find("must not be negative") !=
        std::string::npos);
  CHECK(error_of([&] {
          soft_cross_entropy(varied({2, 3}), varied({2, 3}), 0);
        }).find("must be positive") != std::string::npos);
}

TEST_CASE("sparse attention: the same bits with 1, 2 and 4 threads") {
  const int before = omp_get_max_threads();
  const Ragged layout(Indices{0, 30, 31, 90}, 4);
  std::vector<std::vector<std::vector<real>>> runs;
  for (const int threads : {1, 2, 4}) {
    omp_set_num_threads(threads);
    runs.emplace_back();
    for (Tensor (*op)(const Tensor&, const Ragged&) :
         {ragged_log_softmax, ragged_sparsemax, ragged_entmax15, ragged_mean_heads}) {
      const Tensor s = varied({layout.size()}).require_grad(), y = op(s, layout);
      backward(sum(y * y));
      runs.back().push_back(y.to_vector());
      runs.back().push_back(s.grad_tensor().to_vector());
    }
  }
  for (size_t i = 0; i < runs[0].size(); ++i) {
    CHECK(same_bits(runs[0][i], runs[1][i]));
    CHECK(same_bits(runs[0][i], runs[2][i]));
  }
  omp_set_num_threads(before);
}

namespace {
using Op = Tensor (*)(const Tensor&, const Ragged&);
const std::vector<std::pair<std::string, Op>> kNormalisers{
    {"ragged_softmax", ragged_softmax}, {"ragged_sparsemax", ragged_sparsemax}, {"ragged_entmax15", ragged_entmax15}};
const std::vector<Ragged> kLayouts{Ragged(kOffsets, 2), Ragged(kOffsets, 3, true), Ragged(kOffsets, {0, 2, 6, 11}, 2)};

Tensor one_row(const std::vector<real>& scores, Op op) {
  return op(Tensor({long(scores.size())}, scores), Ragged({0, 1}, {0, int(scores.size())}, 1));
}

bool finite(const Tensor& x) {
  const std::vector<real> v = x.to_vector();
  return std::all_of(v.begin(), v.end(), [](real value) { return std::isfinite(value); });
}
}  // namespace

TEST_CASE("ragged normalisers: -inf hides a key, a NaN shows in its row and in no other") {
  const real inf = std::numeric_limits<real>::infinity();
  for (const auto& [name, op] : kNormalisers) {
    CAPTURE(name);
    const Tensor hidden = one_row({-inf, real(0.4), -inf, 0}, op), plain = one_row({real(0.4), 0}, op);
    CHECK(differs(hidden, Tensor({4}, {0, plain.data()[0], 0, plain.data()[1]}), 1e-6, 0) == "");
    const Tensor p = op(Tensor({6}, {1, NAN, 0, 2, 1, 0}), Ragged({0, 2}, {0, 3}, 1));
    for (int k = 0; k < 3; ++k) CHECK(std::isnan(p.data()[k]));
    for (int k = 3; k < 6; ++k) CHECK(std::isfinite(p.data()[k]));
  }
  CHECK(std::isnan(xlogx(Tensor::scalar(NAN)).item()));
}

TEST_CASE("ragged normalisers: rows sum to 1 far from zero too, and keys that a causal layout hides get exactly 0") {
  for (const Ragged& layout : kLayouts)
    for (const auto& [name, op] : kNormalisers) {
      CAPTURE(name);
      Tensor s = varied({layout.size()}), far(s.shape());
      for (long i = 0; i < s.numel(); ++i) {  // multiples of 1/64, so that the shift rounds nothing away
        s.data()[i] = std::round(s.data()[i] * 64) / 64;
        far.data()[i] = s.data()[i] - 3000;
      }
      const Tensor p = op(s, layout), log_p = ragged_log_softmax(s, layout);
      CHECK(differs(op(far, layout), p, 1e-6, 0) == "");
      for (long b = 0, i = 0; b < layout.sequences(); ++b)
        for (long row = 0; row < layout.heads * layout.query_count(b); ++row) {
          double sum = 0;
          for (long k = 0; k < layout.key_count(b); ++k, ++i) {
            sum += p.data()[i];
            const bool hidden = k >= layout.seen(b, row % layout.query_count(b)).last;
            if (hidden) CHECK((p.data()[i] == 0 && log_p.data()[i] == 0));
            if (!hidden && op == ragged_softmax)
              CHECK(log_p.data()[i] == doctest::Approx(std::log(p.data()[i])).epsilon(1e-5));
          }
          CHECK(sum == doctest::Approx(1).epsilon(1e-6));
        }
    }
  CHECK(one_row({1000, 0}, ragged_log_softmax).to_vector() == std::vector<real>{0, -1000});
  CHECK(differs(one_row({16384, 16383.5}, ragged_log_softmax), one_row({0, -0.5}, ragged_log_softmax), 1e-7, 1e-6) ==
        "");
}

TEST_CASE("transfer: queries that are not the keys have the right gradients, and no key that sparse rows left out") {
  const Ragged& cross = kLayouts[2];
  const Tensor start = varied({cross.size()}), teacher = varied({cross.size()}, 2);
  gradcheck("ragged_log_softmax", {start.clone()}, [&](List x) { return ragged_log_softmax(x[0], cross); });
  gradcheck("attention_kl", {start.clone()}, [&](List x) { return attention_kl(x[0], teacher, cross); });
  gradcheck("ragged_mean_heads", {start.clone()}, [&](List x) { return ragged_mean_heads(x[0], cross); });
  for (const Op op : {ragged_sparsemax, ragged_entmax15}) {
    gradcheck("sparse", {start.clone()}, [&](List x) { return op(x[0], cross); });
    Tensor s = (start * 2).detach().require_grad();
    const Tensor p = op(s, cross);
    backward(sum(p * teacher));
    const Tensor ds = s.grad_tensor();
    for (long i = 0; i < p.numel(); ++i) CHECK((p.data()[i] > 0 || ds.data()[i] == 0));
  }
}

TEST_CASE("transfer: a student that equals its teacher has no distance and nothing to follow; no teacher is moved") {
  const auto check_loss = [](const char* name, const Tensor& start, bool distance, auto loss) {
    Tensor student = start.clone().require_grad(), teacher = start.clone().require_grad();
    const Tensor y = loss(student, teacher);
    backward(y);
    CHECK_MESSAGE((!distance || std::abs(y.item()) < 1e-6), name, " is ", y.item());
    CHECK_MESSAGE(student.has_grad(), name);
    CHECK_MESSAGE(!teacher.has_grad(), name);
    CHECK_MESSAGE(differs(student.grad_tensor(), Tensor::zeros(start.shape()), 1e-6, 0) == "", name);
  };
  using T = const Tensor&;
  for (const Ragged& l : kLayouts) {
    const Tensor s = varied({l.size()});
    check_loss("attention_kl", s, true, [&](T a, T b) { return attention_kl(a, b, l); });
    check_loss("attention_cross_entropy", s, false, [&](T a, T b) { return attention_cross_entropy(a, b, l); });
    check_loss("attention_score_mse", s, true, attention_score_mse);
  }
  const Tensor x = varied({9, 6});
  check_loss("relation_kl", x, true, [](T a, T b) { return relation_kl(a, b, kOffsets, 3); });
  check_loss("activation_map", x, true, [](T a, T b) { return activation_map(a, b, kOffsets); });
  check_loss("hidden_mse", x, true, hidden_mse);
  check_loss("hidden_cosine", x, true, hidden_cosine);
  check_loss("patient_kd", x, true, patient_kd);
  check_loss("soft_cross_entropy", x, false, [](T a, T b) { return soft_cross_entropy(a, b, 2); });
}

TEST_CASE("transfer: rows of zeros, and a prior on what sparse attention leaves out, give finite numbers") {
  for (const auto loss : {hidden_cosine, patient_kd}) {
    Tensor x = Tensor::zeros({2, 3}).require_grad();
    backward(loss(x, varied({2, 3})));
    CHECK(finite(x.grad_tensor()));
  }
  Tensor x = Tensor::zeros({2, 3}).require_grad();
  backward(activation_map(x, varied({2, 3}), {0, 2}));
  CHECK(finite(x.grad_tensor()));
  const Ragged layout({0, 1}, {0, 2}, 1);
  for (const auto& [name, op] : kNormalisers) {
    Tensor s = Tensor({2}, {9, -200}).require_grad();
    const Tensor loss = guided_attention(op(s, layout), Tensor({2}, {0, 1}), layout);
    backward(loss);
    CHECK_MESSAGE((loss.item() > 5 && finite(loss) && finite(s.grad_tensor())), name);
  }
}

TEST_CASE("head_disagreement: what its definition, written out, gives for every normaliser and layout") {
  for (const Ragged& layout : kLayouts)
    for (const auto& [name, op] : kNormalisers) {
      const Tensor p = op(varied({layout.size()}), layout);
      double sum = 0, terms = 0;
      for (long b = 0; b < layout.sequences(); ++b)
        for (long g = 0; g < layout.heads; ++g)
          for (long h = 0; h < layout.heads; ++h) {
            if (g == h) continue;
            terms += double(layout.query_count(b));
            for (long i = 0; i < layout.query_count(b) * layout.key_count(b); ++i)
              sum += double(p.data()[layout.block(b, g) + i]) * p.data()[layout.block(b, h) + i];
          }
      CHECK_MESSAGE(head_disagreement(p, layout).item() == doctest::Approx(sum / terms).epsilon(1e-5), name);
    }
}

TEST_CASE("guided_attention: least where attention equals the prior, whatever the prior's sum") {
  const Ragged layout({0, 5}, 2);
  const Tensor prior({5}, {real(0.2), 1, real(0.5), 2, real(0.3)});
  Tensor s({layout.size()});
  for (long i = 0; i < s.numel(); ++i) s.data()[i] = std::log(prior.data()[i % 5]);
  const Tensor p = ragged_softmax(s.require_grad(), layout), loss = guided_attention(p, prior, layout);
  CHECK(loss.item() == doctest::Approx(attention_entropy(p, layout).item()).epsilon(1e-5));
  CHECK(guided_attention(p, prior * 7, layout).item() == doctest::Approx(loss.item()).epsilon(1e-5));
  backward(loss);
  CHECK(differs(s.grad_tensor(), Tensor::zeros(s.shape()), 1e-6, 0) == "");
}

TEST_CASE("transfer: what does not fit together is refused by the loss that was called") {
  const Tensor a = varied({4, 6});
  const Ragged layout({0, 1, 3}, 2);
  const auto says = [](auto f, const std::string& start) {
    const std::string error = error_of(f);
    CHECK_MESSAGE(error.starts_with(start), "'", error, "' instead of ", start);
  };
  says([&] { patient_kd(varied({3}), varied({3})); }, "patient_kd:");
  says([&] { hidden_cosine(varied({2, 3, 4}), varied({2, 3, 4})); }, "hidden_cosine:");
  says([&] { soft_cross_entropy(varied({4}), varied({4}), 1); }, "soft_cross_entropy:");
  says([&] { attention_cross_entropy(a, a, layout); }, "attention_cross_entropy: the layout has 10 values; got [4, 6]");
  says([&] { relation_kl(a, varied({5, 6}), {0, 4}, 2); }, "relation_kl: student and teacher must be [4,");
  for (const auto& [name, op] : kNormalisers)
    says([&, op = op] { op(a, layout); }, name + ": the layout has 10 scores; got [4, 6]");
}
