// Attention transfer and shaping: values of PyTorch, gradients, closed forms. Read nn/transfer.h before.
#include "nn/transfer.h"

#include <omp.h>

#include <set>

#include "nn/losses.h"
#include "tests/golden.h"
#include "tests/gradcheck.h"

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
    for (size_t j = 0; j < s.size(); ++j) p[j] = std::pow(std::max(0., s[j] / 2. - tau), 2), total += p[j];
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
  gradcheck("symmetric_kl", {varied({4, 3}), varied({4, 3}, 2)}, [](List x) { return symmetric_kl(x[0], x[1]); });
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
        for (long k = 0; k < layout.key_count(b); ++k, ++i)
          total += p.data()[i], zeros += p.data()[i] == 0, scores.push_back(s.data()[i]);
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
