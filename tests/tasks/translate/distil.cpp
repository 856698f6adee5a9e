// What a translator takes from a larger one: terms against their formulas, nothing where both are one, what the teacher
// writes.
#include "tasks/translate/distil.h"

#include "engine/ops.h"
#include "tests/support/translator.h"

using namespace test;
using namespace translate;

namespace {

Texts texts() { return {kSources, kTargets, {"a:1", "a:2", "a:3"}}; }

Batch batch_for(const Translator& t) {
  static std::vector<Pair> pairs;
  pairs = encode(texts(), t.pieces, 30);
  return batch_of({&pairs[0], &pairs[1], &pairs[2]}, int(t.model->config.decoder_start_token_id));
}

struct Passed {
  Tensor logits;
  nn::TranslationTrace trace;
};
Passed pass(const Translator& t, const Batch& batch) {
  Passed p;
  p.logits = (*t.model)(batch.source, batch.input, &p.trace);
  return p;
}

// KL of two rows of logits divided by T, in double
double kl(const real* teacher, const real* student, long n, double T) {
  const auto log_sum = [&](const real* x) {
    double sum = 0;
    for (long i = 0; i < n; ++i) sum += std::exp(double(x[i]) / T);
    return std::log(sum);
  };
  const double a = log_sum(teacher), b = log_sum(student);
  double total = 0;
  for (long i = 0; i < n; ++i) {
    const double log_p = double(teacher[i]) / T - a;
    total += std::exp(log_p) * (log_p - double(student[i]) / T + b);
  }
  return total;
}

}  // namespace

TEST_CASE("distil: a teacher that is the student has nothing to say: both terms are 0, and their gradients") {
  const Pieces pieces = shared_pieces();
  const Translator teacher = drawn(pieces, 2, 2, 5), student = drawn(pieces, 2, 2, 5);
  DistilOptions o{.teacher = "it", .hard = 0, .soft_targets = 1, .temperature = 2, .attention_kl = 1};
  const Distil distil(o, &teacher, student);
  const Batch batch = batch_for(student);
  Passed p = pass(student, batch);
  run::Terms terms;
  distil.add_to(terms, p.logits, p.trace, batch);
  CHECK(std::abs(terms.values()["soft_targets"].get<double>()) < 1e-6);
  CHECK(std::abs(terms.values()["attention_kl"].get<double>()) < 1e-6);
  backward(terms.sum());
  for (const Tensor& parameter : student.model->params.tensors())
    if (parameter.wants_grad())
      for (long i = 0; i < parameter.numel(); ++i) CHECK(std::abs(parameter.grad()[i]) < 1e-5);
}

TEST_CASE("distil: the terms are their formulas, position by position, and move no parameter of the teacher") {
  const Pieces pieces = shared_pieces();
  const Translator teacher = drawn(pieces, 2, 2, 5), student = drawn(pieces, 2, 1, 6);
  for (const double T : {1., 3.}) {
    DistilOptions o{.teacher = "it", .soft_targets = 1, .temperature = T, .attention_kl = 1, .layer_map = "0"};
    const Distil distil(o, &teacher, student);
    const Batch batch = batch_for(student);
    Passed mine = pass(student, batch), theirs = pass(teacher, batch);
    run::Terms terms;
    distil.add_to(terms, mine.logits, mine.trace, batch);
    const long M = mine.logits.dim(0), V = mine.logits.dim(1);
    double expected = 0;
    for (long m = 0; m < M; ++m)
      expected += T * T * kl(theirs.logits.data() + m * V, mine.logits.data() + m * V, V, T) / double(M);
    CHECK(expected > 0.01);
    CHECK(terms.values()["soft_targets"].get<double>() == doctest::Approx(expected).epsilon(1e-4));
    const nn::AttentionMaps &s = mine.trace.cross[0], &t = theirs.trace.cross[0];
    double across = 0;  // mean over sequences of the mean over heads and queries
    for (long b = 0; b < 3; ++b)
      for (long h = 0; h < 2; ++h)
        for (long q = 0; q < s.layout.query_count(b); ++q) {
          const long at = s.layout.block(b, h) + q * s.layout.key_count(b);
          across += kl(t.scores.data() + at, s.scores.data() + at, s.layout.key_count(b), 1) /
                    double(3 * 2 * s.layout.query_count(b));
        }
    CHECK(across > 1e-4);
    CHECK(terms.values()["attention_kl"].get<double>() == doctest::Approx(across).epsilon(1e-3));
    backward(terms.sum());
    CHECK(student.model->decoder[0].cross.attention.query.weight.has_grad());
    for (const Tensor& parameter : teacher.model->params.tensors()) CHECK(!parameter.has_grad());
  }
}

TEST_CASE("distil: heads of another number are compared by their mean, layers as the map says") {
  const Pieces pieces = shared_pieces();
  const Translator teacher = drawn(pieces, 4, 3, 5), student = drawn(pieces, 2, 1, 6);
  DistilOptions o{.teacher = "it", .attention_kl = 1, .layer_map = "last"};
  const Batch batch = batch_for(student);
  Passed mine = pass(student, batch), theirs = pass(teacher, batch);
  run::Terms terms;
  Distil(o, &teacher, student).add_to(terms, mine.logits, mine.trace, batch);
  const nn::AttentionMaps &s = mine.trace.cross[0], &t = theirs.trace.cross[2];  // the last of three
  const Tensor means = ragged_mean_heads(s.probs, s.layout), target = ragged_mean_heads(t.probs, t.layout);
  double expected = 0;
  for (long i = 0; i < means.numel(); ++i)
    expected += double(target.data()[i]) * std::log(double(target.data()[i]) / double(means.data()[i]));
  expected /= double(batch.target.size());
  CHECK(expected > 1e-4);
  CHECK(terms.values()["attention_kl"].get<double>() == doctest::Approx(expected).epsilon(1e-3));
  CHECK(terms.values().size() == 1);
}

TEST_CASE("distil: what the teacher writes takes the place of the targets; sources beyond its positions are left out") {
  const Pieces pieces = shared_pieces();
  const Translator teacher = drawn(pieces, 2, 1, 5);
  Texts longer = texts();
  longer.source.insert(longer.source.begin() + 1, "a house by the river and a house and a red house by the river");
  longer.target.insert(longer.target.begin() + 1, "zu lang");
  longer.where.insert(longer.where.begin() + 1, "a:9");
  const Texts written = written_by(teacher, longer, 3);
  CHECK(written.source == kSources);
  CHECK(written.where == std::vector<std::string>{"a:1", "a:2", "a:3"});
  DecodeOptions how;
  how.beams = 3;
  for (long i = 0; i < 3; ++i) CHECK(written.target[i] == teacher.translate({kSources[i]}, how)[0][0].text);
  CHECK(written.target != kTargets);
}

TEST_CASE("distil: a teacher of other pieces, and a map that fits no layers, are one clear line") {
  const Pieces pieces = shared_pieces();
  const Translator teacher = drawn(pieces, 2, 1, 5), student = drawn(pieces, 2, 1, 6);
  const Translator other = drawn(Pieces::learn(kTargets, {"bpe", 40}), 2, 1, 6);
  const DistilOptions soft{.teacher = "it", .soft_targets = 1};
  CHECK(error_of([&] { Distil(soft, &teacher, other); }).find("and not the same ones: only --teacher-beams fits") !=
        std::string::npos);
  DistilOptions map{.teacher = "it", .attention_kl = 1, .layer_map = "2"};
  CHECK(error_of([&] { Distil(map, &teacher, student); }) == "layer map '2': the teacher's layers are 0 to 0; got 2");
  CHECK_NOTHROW(Distil({.teacher = "it", .teacher_beams = 2}, &teacher, other));
}
