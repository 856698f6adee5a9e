// Contrastive, imbalanced and adversarial losses against the values of their authors' programs (golden), closed forms,
// and gradients. Read nn/loss/contrastive.h, imbalance.h and adversarial.h before.
#include <set>

#include "nn/loss/adversarial.h"
#include "nn/loss/contrastive.h"
#include "nn/loss/imbalance.h"
#include "nn/loss/ranking.h"
#include "tests/support/golden.h"
#include "tests/support/gradcheck.h"

using namespace test;
using namespace nn;
using doctest::Approx;

namespace {

using List = const std::vector<Tensor>&;

nn::SafeTensors file() { return nn::SafeTensors(golden_path("losses.safetensors")); }

// Numbers of a case that are settings, not inputs.
struct Settings {
  const nn::SafeTensors& file;
  std::string name;
  real one(const std::string& key) const { return file.read(name + "/" + key).to_vector().at(0); }
  std::vector<real> several(const std::string& key) const { return file.read(name + "/" + key).to_vector(); }
  std::vector<long> counts() const {
    const std::vector<int> n = file.read_ints(name + "/class_counts");
    return {n.begin(), n.end()};
  }
};

// Features [rows, views, C] as vectors, and the class of each; without labels every row is its own.
Tensor contrastive_case(Case& c, const Settings& s) {
  const Tensor x = c.in("features");
  const long rows = x.dim(0), views = x.dim(1);
  Indices classes;
  for (long i = 0; i < rows * views; ++i)
    classes.push_back(c.has("labels") ? c.ints("labels")[size_t(i / views)] : int(i / views));
  return supervised_contrastive(reshape(x, {rows * views, x.dim(2)}), classes, s.one("temperature"),
                                s.one("base_temperature"));
}

Tensor ranking_case(Case& c, const Settings& s) {
  RankingOptions o{.scale = s.one("scale")};
  o.cosine = c.name().find("_dot_") == std::string::npos;
  o.symmetric = c.name().find("_symmetric_") != std::string::npos;
  if (c.has("negative")) o.negatives = c.in("negative");
  return multiple_negatives(c.in("anchor"), c.in("positive"), o);
}

// LDAM with the margins of the class counts, checked on the way.
Tensor margin_case(Case& c, const Settings& s) {
  const std::vector<real> margins = label_margins(s.counts(), s.one("max_margin")), want = s.several("margin");
  REQUIRE(margins.size() == want.size());
  for (size_t k = 0; k < want.size(); ++k) CHECK(margins[k] == Approx(want[k]).epsilon(1e-6));
  return margin_loss(c.in("x"), c.ints("target"), margins, s.one("s"),
                     c.has("class_weight") ? s.several("class_weight") : std::vector<real>{});
}

// The real part of padded rows, laid end to end.
Tensor packed(const Tensor& padded, const std::vector<int>& lengths) {
  Indices places;
  for (size_t b = 0; b < lengths.size(); ++b)
    for (int t = 0; t < lengths[b]; ++t) places.push_back(int(long(b) * padded.dim(1)) + t);
  return reshape(gather_rows(reshape(padded, {padded.numel(), 1}), places), {long(places.size())});
}

Tensor discriminator_case(Case& c, const nn::SafeTensors& f) {
  const std::vector<int> replaced = f.read_ints(c.name() + "/replaced");
  const Tensor x = c.in("logits");
  Tensor labels(x.shape());
  for (long i = 0; i < x.numel(); ++i) labels.data()[i] = real(replaced[size_t(i)]);
  return binary_cross_entropy_with_logits(packed(x, c.ints("lengths")), packed(labels, c.ints("lengths")));
}

Tensor loss_of(Case& c, const nn::SafeTensors& f) {
  const std::string& n = c.name();
  const Settings s{f, n};
  if (n.starts_with("mnr_")) return ranking_case(c, s);
  if (n.starts_with("infonce_"))
    return own_negatives(c.in("query"), c.in("positive"), c.in("negative"), s.one("temperature"));
  if (n == "bpr") return bayesian_ranking(c.in("positive"), c.in("negative"));
  if (n.starts_with("bpr_gamma_"))
    return bayesian_ranking(c.in("positive"), c.in("negative"), real(c.number_after("bpr_gamma_")));
  if (n.starts_with("focal_"))
    return focal(c.in("x"), c.ints("target"), s.one("gamma"),
                 c.has("alpha") ? s.several("alpha") : std::vector<real>{});
  if (n.starts_with("ldam_")) return margin_case(c, s);
  if (n.starts_with("logit_adjusted_")) return logit_adjusted(c.in("x"), c.ints("target"), s.counts(), s.one("tau"));
  if (n.starts_with("supcon_") || n.starts_with("simclr_")) return contrastive_case(c, s);
  if (n.starts_with("clip_")) return clip_loss(c.in("image"), c.in("text"), c.in("logit_scale"));
  if (n == "electra_discriminator") return discriminator_case(c, f);
  if (n.starts_with("rdrop_"))
    return (cross_entropy(c.in("first"), c.ints("target")) + cross_entropy(c.in("second"), c.ints("target"))) *
               real(0.5) +
           symmetric_kl(c.in("first"), c.in("second")) * s.one("alpha");
  return {};
}

}  // namespace

TEST_CASE("losses: golden values and gradients of every loss in the file") {
  const nn::SafeTensors f = file();
  std::set<std::string> names, elsewhere;
  for (const auto& [key, entry] : f.entries()) names.insert(key.substr(0, key.find('/')));
  REQUIRE(!names.empty());
  for (const std::string& name : names) {
    Case c(f, name);
    if (const Tensor y = loss_of(c, f))
      c.expect(y);
    else
      elsewhere.insert(name.substr(0, name.find('_')));  // the test cases below
  }
  for (const std::string& kind : elsewhere)
    CHECK_MESSAGE((kind == "fgm" || kind == "pgd" || kind == "class" || kind == "electra"), kind);
}

TEST_CASE("class_balanced_weights: golden, of effective numbers, with the sum K") {
  const nn::SafeTensors f = file();
  int cases = 0;
  for (const auto& [key, entry] : f.entries()) {
    const std::string prefix = "class_balanced_beta", name = key.substr(0, key.find('/'));
    if (!key.starts_with(prefix) || !key.ends_with("/weight")) continue;
    const Settings s{f, name};
    const std::vector<real> got = class_balanced_weights(s.counts(), std::stod(name.substr(prefix.size())));
    const std::vector<real> want = s.several("weight");
    REQUIRE(got.size() == want.size());
    for (size_t k = 0; k < want.size(); ++k) CHECK(got[k] == Approx(want[k]).epsilon(1e-5));
    ++cases;
  }
  CHECK(cases > 0);
  for (const real w : class_balanced_weights({7, 7, 7}, 0.99)) CHECK(w == Approx(1));
  CHECK(error_of([] { class_balanced_weights({7, 0}, 0.9); }).find("one text at least; got 0") != std::string::npos);
}

TEST_CASE("steepest: golden steps for a text, the batch and a token; a gradient of 0 moves nothing") {
  const nn::SafeTensors f = file();
  const Settings s{f, "fgm"};
  const Indices offsets = offsets_of(f.read_ints("fgm/lengths"));
  const Tensor g = f.read("fgm/gradient");
  CHECK(differs(steepest(g, offsets, s.one("epsilon")), f.read("fgm/delta_per_example")) == "");
  CHECK(differs(steepest(g, offsets, s.one("epsilon"), NormOver::batch), f.read("fgm/delta_whole_batch")) == "");
  CHECK(differs(steepest(g, offsets, s.one("epsilon"), NormOver::token), f.read("fgm/delta_per_token")) == "");
  const Tensor zero = f.read("fgm_zero_gradient/gradient");  // of one text
  CHECK(differs(steepest(zero, offsets, s.one("epsilon")), f.read("fgm_zero_gradient/delta_per_example")) == "");
  CHECK(error_of([&] { steepest(g, {0, 3}, 1); }).find("offsets 0 ... N") != std::string::npos);
}

TEST_CASE("within_ball: golden, a step and the way back into the ball; what is inside stays") {
  const nn::SafeTensors f = file();
  const Settings s{f, "pgd"};
  const Indices offsets = offsets_of(f.read_ints("pgd/lengths"));
  const Tensor after = f.read("pgd/delta") + steepest(f.read("pgd/gradient"), offsets, s.one("step"));
  CHECK(differs(after, f.read("pgd/after_step")) == "");
  CHECK(differs(within_ball(after, offsets, s.one("ball")), f.read("pgd/after_projection")) == "");
  const Tensor small = varied({3, 2}) * real(0.01);
  CHECK(same_bits(within_ball(small, {0, 1, 3}, 1).to_vector(), small.to_vector()));
}

TEST_CASE("steepest: golden loss and gradients of a small model at its embeddings and at the moved ones") {
  const nn::SafeTensors f = file();
  const Settings s{f, "fgm_model"};
  const Indices offsets = offsets_of(f.read_ints("fgm_model/lengths"));
  const Tensor W = f.read("fgm_model/W").require_grad();
  const auto loss_at = [&](const Tensor& x) {  // CE(W mean_t tanh(x_t))
    std::vector<Tensor> rows;
    for (size_t b = 0; b + 1 < offsets.size(); ++b)
      rows.push_back(reshape(mean(slice(engine::tanh(x), 0, offsets[b], offsets[b + 1]), 0), {1, x.dim(1)}));
    return cross_entropy(linear(concat(rows, 0), W), f.read_ints("fgm_model/target"));
  };
  const Tensor x = f.read("fgm_model/embedding").require_grad();
  const Tensor clean = loss_at(x);
  backward(clean);
  CHECK(clean.item() == Approx(s.one("loss_clean")).epsilon(1e-5));
  CHECK(differs(x.grad_tensor(), f.read("fgm_model/dembedding_clean")) == "");
  CHECK(differs(W.grad_tensor(), f.read("fgm_model/dW_clean")) == "");
  const Tensor delta = steepest(x.grad_tensor(), offsets, s.one("epsilon"));
  CHECK(differs(delta, f.read("fgm_model/delta")) == "");
  const Tensor adversarial = loss_at(x.detach() + delta);
  CHECK(adversarial.item() == Approx(s.one("loss_adversarial")).epsilon(1e-5));
  backward(adversarial);
  CHECK(differs(W.grad_tensor(), f.read("fgm_model/dW_sum")) == "");
}

TEST_CASE("gradcheck: contrastive losses, on both sides") {
  const Tensor a = varied({4, 3}), b = varied({4, 3}, 2), n = varied({2, 3}, 3);
  gradcheck("multiple_negatives", {a, b, n},
            [](List x) { return multiple_negatives(x[0], x[1], {.scale = 3, .symmetric = true, .negatives = x[2]}); });
  gradcheck("multiple_negatives with classes", {a, b, n}, [](List x) {
    return multiple_negatives(
        x[0], x[1],
        {.scale = 3, .symmetric = true, .negatives = x[2], .classes = {0, 1, 0, 2}, .negative_classes = {1, 2}});
  });
  gradcheck("own_negatives", {a, b, varied({4, 2, 3}, 3)},
            [](List x) { return own_negatives(x[0], x[1], x[2], real(0.5)); });
  gradcheck("supervised_contrastive", {a}, [](List x) {
    return supervised_contrastive(unit_rows(x[0]), {0, 1, 0, 2}, real(0.5), real(0.1));
  });
  gradcheck("clip_loss", {a, b, Tensor::scalar(real(0.4))}, [](List x) { return clip_loss(x[0], x[1], x[2]); });
  gradcheck("bayesian_ranking", {varied({5}), varied({5}, 2)}, [](List x) { return bayesian_ranking(x[0], x[1]); });
  gradcheck("bayesian_ranking, gamma", {varied({5}), varied({5}, 2)},
            [](List x) { return bayesian_ranking(x[0], x[1], real(0.1)); });
}

TEST_CASE("gradcheck: losses for unequal classes") {
  const Tensor x = varied({5, 3});
  const Indices y{0, 2, 1, 0, 2};
  for (const double gamma : {0., 0.5, 2.})
    gradcheck("focal", {x}, [&](List in) { return focal(in[0], y, real(gamma), {1, real(0.5), 2}); });
  gradcheck("margin_loss", {x}, [&](List in) {
    return margin_loss(in[0], y, label_margins({9, 4, 1}, real(0.5)), 3, {1, 2, real(0.5)});
  });
  gradcheck("logit_adjusted", {x}, [&](List in) { return logit_adjusted(in[0], y, {9, 4, 1}, real(0.7)); });
}

TEST_CASE("multiple_negatives: a candidate of the anchor's class is no negative, by hand and as if it were away") {
  const Tensor a = varied({3, 4}), p = varied({3, 4}, 2), n = varied({2, 4}, 3);
  const RankingOptions apart{.scale = 5, .negatives = n, .classes = {0, 1, 2}, .negative_classes = {3, 4}};
  CHECK(multiple_negatives(a, p, apart).item() ==
        Approx(multiple_negatives(a, p, {.scale = 5, .negatives = n}).item()));
  const RankingOptions all_one{.scale = 5, .negatives = n, .classes = {0, 0, 0}, .negative_classes = {0, 0}};
  CHECK(multiple_negatives(a, p, all_one).item() == Approx(0));  // nothing left to be taken for another
  // of the same class: the first two pairs, and negative 1 with the third
  const RankingOptions some{.scale = 5, .classes = {0, 0, 1}};
  const Tensor cosines = matmul(unit_rows(a), unit_rows(p), Transpose::second);
  const auto e = [&](int i, int j) { return std::exp(5 * double(cosines.data()[i * 3 + j])); };
  const double by_hand = -(std::log(e(0, 0) / (e(0, 0) + e(0, 2))) + std::log(e(1, 1) / (e(1, 1) + e(1, 2))) +
                           std::log(e(2, 2) / (e(2, 0) + e(2, 1) + e(2, 2)))) /
                         3;
  CHECK(multiple_negatives(a, p, some).item() == Approx(by_hand).epsilon(1e-5));
  CHECK(error_of([&] {
          multiple_negatives(a, p, {.classes = {0, 1}});
        }).find("a class for every pair") != std::string::npos);
  CHECK(error_of([&] { multiple_negatives(a, n); }).find("one shape [B, C]") != std::string::npos);
}

TEST_CASE("losses: where they end: focal of a certain text, contrast without a partner, a model that is always right") {
  Tensor sure = Tensor({1, 2}, {real(200), 0}).require_grad();
  const Tensor loss = focal(sure, {0}, real(0.5));
  backward(loss);
  CHECK(loss.item() == 0);
  CHECK((std::isfinite(sure.grad()[0]) && std::isfinite(sure.grad()[1])));
  CHECK(focal(varied({3, 4}), {0, 1, 2}, 0).item() == Approx(cross_entropy(varied({3, 4}), {0, 1, 2}).item()));
  CHECK(supervised_contrastive(unit_rows(varied({3, 4})), {0, 1, 2}, 1, 1).item() == 0);
  CHECK(bayesian_ranking(Tensor::full({1}, -500), Tensor::zeros({1})).item() == Approx(500));
  CHECK(error_of([] { focal(varied({2, 3}), {0, 3}, 1); }).find("classes are 0 to 2; got 3") != std::string::npos);
}
