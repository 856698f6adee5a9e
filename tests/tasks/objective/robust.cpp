// What robustness adds to a step: gradients against passes made by hand, losses against their formulas, texts counted.
#include "tasks/objective/robust.h"

#include <numeric>

#include "nn/loss/adversarial.h"
#include "nn/loss/imbalance.h"
#include "tasks/run/console.h"
#include "tasks/spec/loss.h"
#include "tests/support/robust.h"

using namespace test;
using nn::Predicts;
using objective::RobustOptions;

namespace {

struct Step : RobustStep {
  explicit Step(const std::string& type = "bert")
      : RobustStep(type, {type == "bert" ? task_of("", Predicts::label) : own_attention()}) {}
  Tensor loss(const nn::Encoded& x) const {
    return spec::task_loss(set.tasks[0], set.tasks[0].targets[spec::kTrain], model->net.head()(x), batch);
  }
  nn::Encoded at(const Tensor& delta) const {
    model->net.params.mode().calls = 0;
    const Tensor x = model->net.encoder.embed(batch.tokens);
    return model->net.encoder.run(delta ? x + delta : x, batch.tokens.offsets, model->net.rows_of());
  }
  Tensor leaf() const { return Tensor::zeros({long(batch.tokens.ids.size()), model->net.config.hidden_size}); }
};

// What Robust leaves in the gradients, by a training that is written to a directory of its own.
std::vector<real> stepped(Step& s, const RobustOptions& o) {
  const TemporaryDirectory dir;
  run::TrainingOptions t;
  t.out = dir.path + "/run";
  t.max_steps = 1;
  t.lr = 0;
  t.clip = 0;
  const run::Quiet quiet;
  run::Training training(t, s.model->net.params, {});
  training.next_step();
  s.begin();  // with the masks of the passes by hand
  objective::Robust robust(o, s.set.tasks[0], s.model->net, 3);
  training.backward(s.first_pass(robust));
  robust.more_passes(training, s.set.tasks[0], 1, s.batch);
  return s.gradients();
}

void check_close(const std::vector<real>& a, const std::vector<real>& b, const std::string& what) {
  const double most = largest_difference(a, b), size = largest_magnitude(b);
  CHECK_MESSAGE(most < 1e-5 * std::max(size, 1.), what, " differs by ", most);
  CHECK(size > 0);
}

}  // namespace

TEST_CASE("robust: fgm adds the gradients of one pass at the steepest place, with the same dropout") {
  for (const std::string type : {"bert", "attention_pool"}) {
    Step s(type);
    s.begin();
    Tensor delta = s.leaf();
    delta.require_grad();
    backward(s.loss(s.at(delta)));
    const Tensor up = nn::steepest(delta.grad_tensor(), s.batch.tokens.offsets, real(2));
    backward(s.loss(s.at(up)));
    const std::vector<real> by_hand = s.gradients();
    RobustOptions o;
    o.adversarial = "fgm";
    o.size = 2;
    check_close(stepped(s, o), by_hand, "fgm of " + type);
  }
}

TEST_CASE("robust: pgd stays in its ball, and of its passes the last alone counts beside the clean one") {
  Step s;
  const Indices& offsets = s.batch.tokens.offsets;
  const auto climbed = [&](const Tensor& delta) {
    const NoGrad no_grad;
    const Tensor g = delta.grad_tensor();
    Tensor to = nn::within_ball(delta + nn::steepest(g, offsets, real(0.3)), offsets, real(0.5)).clone();
    return to.require_grad();
  };
  s.begin();
  Tensor delta = s.leaf();
  delta.require_grad();
  backward(s.loss(s.at(delta)));
  std::vector<real> by_hand = s.gradients();
  for (int k = 0; k < 3; ++k) {
    delta = climbed(delta);
    s.begin();
    backward(s.loss(s.at(delta)));
  }
  const std::vector<real> last = s.gradients();
  for (size_t i = 0; i < last.size(); ++i) by_hand[i] += last[i];
  RobustOptions o;
  o.adversarial = "pgd";
  o.size = 0.5;
  check_close(stepped(s, o), by_hand, "pgd");
}

TEST_CASE("robust: freelb's passes share the loss, and where nothing moves they are one plain step") {
  Step s;
  RobustOptions o;
  o.adversarial = "freelb";
  CHECK(o.rate_of_ascent() == 1);
  CHECK(o.number_of_ascents() == 3);
  o.start = 0;
  o.rate = 0;
  o.ascents = 4;
  s.begin();
  backward(s.loss(s.at(s.leaf())));
  const std::vector<real> plain = s.gradients();
  check_close(stepped(s, o), plain, "four quarters of one step");
  o.start = 0.6;
  o.rate = 0.1;
  const std::vector<real> moved = stepped(s, o);
  CHECK(moved != plain);
  CHECK(moved == stepped(s, o));
}

TEST_CASE("robust: the parts of a step have draws of their own, and after a rewind those that they had") {
  Step s;
  RobustOptions o;
  o.adversarial = "freelb";
  objective::Robust robust(o, s.set.tasks[0], s.model->net, 3);
  const auto encoded = [&] {
    s.model->net.params.mode().calls = 0;
    return robust.encode(0, s.batch, nullptr).first.to_vector();
  };
  const std::vector<real> first = encoded(), second = encoded();
  CHECK(first != second);
  robust.rewind();
  CHECK(encoded() == first);
  CHECK(encoded() == second);
}

TEST_CASE("robust: smart adds nothing where nothing moves, and its weight is that of its distance") {
  Step s;
  RobustOptions none, o;
  const std::vector<real> plain = stepped(s, none);
  o.adversarial = "smart";
  o.start = 0;
  o.size = 0;
  o.rate = 0;
  check_close(stepped(s, o), plain, "smart without a step");
  o.start = 0.1;
  o.size = 0.5;
  o.rate = 0.5;
  const std::vector<real> once = stepped(s, o);
  o.smart_weight = 2;
  const std::vector<real> twice = stepped(s, o);
  for (size_t i = 0; i < plain.size(); ++i)
    CHECK(double(twice[i] - plain[i]) == doctest::Approx(2 * double(once[i] - plain[i])).epsilon(0.02).scale(1e-2));
  CHECK(largest_difference(once, plain) > 1e-4);
}

TEST_CASE(
    "robust: smart's proximal term is the distance to what the weights' slow average says, none at the first step") {
  Step s;
  const nn::Params& params = s.model->net.params;
  objective::SlowWeights slow(params);
  slow.follow(0, 100);
  const auto said = [&] {
    s.model->net.params.mode().calls = 0;
    return s.model->net.head()(s.at({}));
  };
  const auto distance = [&] {
    Tensor before;
    slow.with([&] { before = said(); });
    CHECK(!before.wants_grad());
    return double(symmetric_kl(said(), before).item());
  };
  CHECK(distance() == 0);
  const std::vector<real> old = params.tensors()[0].to_vector();
  for (const Tensor& t : params.trainable())
    for (long i = 0; i < t.numel(); ++i) Tensor(t).data()[i] += real(0.1 * std::sin(double(i)));
  const std::vector<real> now = params.tensors()[0].to_vector();
  slow.follow(3, 100);  // within the first tenth: 0.99 of what was, a hundredth of what is
  for (size_t i = 0; i < now.size(); ++i)
    CHECK(double(slow.state()[0].data()[i]) == doctest::Approx(0.99 * double(old[i]) + 0.01 * double(now[i])));
  CHECK(slow.state()[0].name() == "smart." + params.trainable()[0].name());
  slow.follow(50, 100);
  CHECK(double(slow.state()[0].data()[1]) ==
        doctest::Approx(0.999 * (0.99 * double(old[1]) + 0.01 * double(now[1])) + 0.001 * double(now[1])));
  CHECK(distance() > 1e-4);
  CHECK(params.tensors()[0].to_vector() == now);  // and all stands where it stood
}

TEST_CASE("robust: bent losses are their formulas, and mixup lies between two batches") {
  Step s;
  const engine::Indices classes{1, 0, 0};
  const Tensor logits({3, 2}, std::vector<real>{1, 2, real(0.5), real(-1), 0, real(0.25)});
  const auto value = [&](const RobustOptions& o) {
    objective::Robust robust(o, s.set.tasks[0], s.model->net, 3);
    run::Terms terms;
    robust.add_task_loss(terms, "loss", 1, s.set.tasks[0], logits, s.batch, s.shaping, nullptr);
    return double(terms.sum().item());
  };
  const auto named = [](const char* name) {
    RobustOptions o;
    o.class_loss = name;
    return o;
  };
  CHECK(value(named("focal")) == doctest::Approx(double(nn::focal(logits, classes, 2).item())));
  CHECK(value(named("margins")) ==
        doctest::Approx(double(nn::margin_loss(logits, classes, nn::label_margins({2, 1}, real(0.5)), 1).item())));
  CHECK(value(named("logit-adjusted")) ==
        doctest::Approx(double(nn::logit_adjusted(logits, classes, {2, 1}, 1).item())));
  RobustOptions mixed;
  mixed.mixup = 1;
  const double plain = value({}), with = value(mixed);
  CHECK(with != doctest::Approx(plain));
  CHECK(with == value(mixed));
  CHECK(with > 0.3);
  mixed.mixup = 1e-3;  // nearly always one of the two alone: a permutation of the same texts
  CHECK(value(mixed) == doctest::Approx(plain).epsilon(0.02));
  mixed.mixup = 1e-9;
  CHECK(value(mixed) == doctest::Approx(plain));
}

TEST_CASE("robust: copies stand behind the texts with their labels, and rare classes as often as the largest") {
  spec::TaskSet set = spec::with_texts(task_of("", Predicts::label), kThreeTexts, {}, kThreeTexts);
  RobustOptions o;
  o.augment = "words";
  o.copies = 2;
  o.augment_share = 0.8;
  o.oversample = 1;
  const run::Quiet quiet;
  o.extend(set, 1);
  const std::vector<text::Example>& train = set.corpora[0].examples[spec::kTrain];
  REQUIRE(train.size() == 12);  // 3 and 6 copies: six of class 0, three of class 1, three times more
  for (size_t i = 0; i < 9; ++i) CHECK(train[i].label == kThreeTexts[i % 3].label);
  for (size_t i = 9; i < 12; ++i) CHECK(train[i].label == 1);
  CHECK(train[0].text == kThreeTexts[0].text);
  CHECK(train[1 + 3].text + train[1 + 6].text != kThreeTexts[1].text + kThreeTexts[1].text);
  CHECK(set.tasks[0].targets[spec::kTrain].classes.size() == 12);
  CHECK(set.corpora[0].examples[spec::kTest].size() == 3);
}

TEST_CASE("robust: of several tasks a copy has the targets of its text for each, and rare classes come for their own") {
  spec::TaskSet set = spec::with_texts(task_of("mood", Predicts::label), kThreeTexts, {}, kThreeTexts);
  spec::Task number{task_of("stars", Predicts::number), 0, {}, {}};
  number.targets[spec::kTrain].numbers = {4, 2, 1};
  number.targets[spec::kTrain].rows = {0, 2};  // one of the texts is not used by it
  set.tasks.push_back(number);
  RobustOptions o;
  o.augment = "words";
  o.oversample = 1;
  const run::Quiet quiet;
  o.extend(set, 1);
  const spec::Targets &mood = set.tasks[0].targets[spec::kTrain], &stars = set.tasks[1].targets[spec::kTrain];
  REQUIRE(set.corpora[0].examples[spec::kTrain].size() == 8);  // 3, 3 copies, and two of the rare class again
  CHECK(mood.classes == engine::Indices{1, 0, 0, 1, 0, 0, 1, 1});
  CHECK(mood.rows == engine::Indices{0, 1, 2, 3, 4, 5, 6, 7});
  CHECK(stars.numbers == std::vector<double>{4, 2, 1, 4, 2, 1, 4, 4});
  CHECK(stars.rows == engine::Indices{0, 2, 3, 5});
  set.tasks[0].spec.head = Predicts::tags;
  CHECK(error_of([&] { o.extend(set, 1); }) ==
        "--augment changes words, and all texts have tags for theirs as they stand");
}

TEST_CASE("robust: what does not go together is refused") {
  const auto refused = [](RobustOptions o, Predicts head, double r_drop = 0, const std::string& weights = "none") {
    objective::ShapingOptions shaping;
    shaping.r_drop = r_drop;
    return error_of([&] { o.settle(head, shaping, 0, weights); });
  };
  RobustOptions o;
  o.mixup = 0.5;
  CHECK(refused(o, Predicts::number) == "--mixup is about classes; --head regression has none of its own");
  CHECK(refused(o, Predicts::label, 1).find("--r-drop compares two plain passes") == 0);
  o = {};
  o.class_loss = "logit-adjusted";
  CHECK(refused(o, Predicts::label, 0, "balanced").find("has no class weights") != std::string::npos);
  o = {};
  o.adversarial = "fgm";
  o.size = -1;
  CHECK(refused(o, Predicts::label) == "--adversarial-size must be 0 or more; got -1");
  o = {};
  o.adversarial = "smart";
  o.smart_weight = o.smart_proximal = 0;
  CHECK(refused(o, Predicts::label).find("--adversarial smart without a weight adds nothing") == 0);
  const auto several = [](const RobustOptions& options, std::vector<spec::TaskSpec> tasks) {
    return error_of([&] { options.settle(tasks, "tasks.json", {}); });
  };
  o = {};
  o.adversarial = "smart";
  CHECK(several(o, {task_of("stars", Predicts::number)}) ==
        "tasks.json: --adversarial smart is about classes; no task predicts one of several by cross_entropy");
  CHECK(several(o, {task_of("stars", Predicts::number), task_of("mood", Predicts::label)}) == "");
  spec::TaskSpec smoothed = task_of("mood", Predicts::label);
  smoothed.where = "tasks.json: tasks.mood";
  smoothed.label_smoothing = 0.1;
  o = {};
  o.class_loss = "focal";
  CHECK(several(o, {smoothed}) == "tasks.json: tasks.mood: --class-loss focal has no label smoothing");
}
