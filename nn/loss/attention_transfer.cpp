// Attention transfer, as compositions of the engine's ops: each function is its formula.
// Read nn/loss/attention_transfer.h first.
#include "nn/loss/attention_transfer.h"

#include <cmath>

#include "nn/loss/checks.h"
#include "nn/loss/ranking.h"

namespace nn {
namespace {

constexpr real kTiny = real(1e-24);  // under a square root: a row of zeros stays one

// [N, 1] -> [B, 1]: the sum over each sequence
Tensor sum_sequences(const Tensor& x, const Indices& offsets) {
  return segment_attend(Tensor::full(x.shape(), 1), x, offsets);
}

Indices sequence_of_row(const Indices& offsets) {
  Indices sequence;
  for (size_t b = 0; b + 1 < offsets.size(); ++b) sequence.insert(sequence.end(), offsets[b + 1] - offsets[b], int(b));
  return sequence;
}

}  // namespace

Tensor attention_score_mse(const Tensor& student, const Tensor& teacher) {
  check_pair("attention_score_mse", student, teacher);
  return mse(student, teacher.detach());
}

Tensor attention_cross_entropy(const Tensor& student, const Tensor& teacher, const Ragged& layout) {
  check_pair("attention_cross_entropy", student, teacher);
  check_layout("attention_cross_entropy", student, layout);
  const Tensor p = ragged_softmax(teacher.detach(), layout);
  return sum(p * ragged_log_softmax(student, layout)) * real(-1 / queries_of_all_heads(layout));
}

Tensor attention_kl(const Tensor& student, const Tensor& teacher, const Ragged& layout) {
  check_pair("attention_kl", student, teacher);
  check_layout("attention_kl", student, layout);
  Tensor weights({layout.size()});  // 1 / (B H T_b)
  for (long b = 0; b < layout.sequences(); ++b)
    std::fill(weights.data() + layout.blocks[b], weights.data() + layout.blocks[b + 1],
              1 / real(layout.sequences() * layout.heads * layout.query_count(b)));
  const Tensor log_p = ragged_log_softmax(teacher.detach(), layout), p = ragged_softmax(teacher.detach(), layout);
  return sum(weights * p * (log_p - ragged_log_softmax(student, layout)));
}

Tensor attention_mean_kl(const Tensor& student, const Ragged& student_layout, const Tensor& teacher,
                         const Ragged& teacher_layout) {
  check_layout("attention_mean_kl", student, student_layout);
  check_layout("attention_mean_kl", teacher, teacher_layout);
  check(student_layout.queries == teacher_layout.queries && student_layout.keys == teacher_layout.keys,
        "attention_mean_kl: student and teacher must look at the same tokens, {} and {} keys",
        student_layout.keys.back(), teacher_layout.keys.back());
  const Tensor t = ragged_mean_heads(teacher.detach(), teacher_layout), s = ragged_mean_heads(student, student_layout);
  constexpr real kFloor = real(1e-9);  // a sparse s may be 0, its logarithm must not be -inf
  const Tensor log_s = engine::log(s + Tensor::scalar(kFloor));
  return sum(xlogx(t) - t * log_s) * (1 / real(student_layout.queries.back()));
}

Tensor relation_kl(const Tensor& student, const Tensor& teacher, const Indices& offsets, long relation_heads) {
  const Ragged layout(offsets, relation_heads);
  const auto relations = [&](const Tensor& x) {
    check(x.shape().rank() == 2 && x.dim(0) == offsets.back() && x.dim(1) % relation_heads == 0,
          "relation_kl: student and teacher must be [{}, a multiple of {} relation heads]; got {}", offsets.back(),
          relation_heads, x);
    const long head_width = x.dim(1) / relation_heads;
    return attention_scores(x, x, layout, 1 / std::sqrt(real(head_width)));
  };
  return attention_kl(relations(student), relations(teacher.detach()), layout);
}

Tensor hidden_mse(const Tensor& student, const Tensor& teacher) {
  check_pair("hidden_mse", student, teacher);
  return mse(student, teacher.detach());
}

Tensor hidden_cosine(const Tensor& student, const Tensor& teacher) {
  check_rows("hidden_cosine", student, teacher);
  const Tensor cosines = sum(unit_rows(student) * unit_rows(teacher.detach()), -1);  // [N]
  return Tensor::scalar(1) - mean(cosines);
}

Tensor activation_map(const Tensor& student, const Tensor& teacher, const Indices& offsets) {
  check(student.shape().rank() == 2 && teacher.shape().rank() == 2 && student.dim(0) == teacher.dim(0) &&
            student.dim(0) == offsets.back(),
        "activation_map: student and teacher must both have {} rows; got {} and {}", offsets.back(), student, teacher);
  const Indices sequence = sequence_of_row(offsets);
  const auto map = [&](const Tensor& x) {
    const Tensor q = reshape(mean(x * x, -1), {x.dim(0), 1});                                 // [N, 1]
    const Tensor norm = engine::sqrt(sum_sequences(q * q, offsets) + Tensor::scalar(kTiny));  // [B, 1]
    return q / gather_rows(norm, sequence);
  };
  Tensor weights({student.dim(0), 1});  // 1 / (B T_b)
  const long B = long(offsets.size()) - 1;
  for (long n = 0; n < student.dim(0); ++n)
    weights.data()[n] = 1 / real(B * (offsets[sequence[n] + 1] - offsets[sequence[n]]));
  const Tensor distance = map(student) - map(teacher.detach());
  return sum(weights * distance * distance);
}

Tensor patient_kd(const Tensor& student, const Tensor& teacher) {
  check_rows("patient_kd", student, teacher);
  const Tensor distance = unit_rows(student) - unit_rows(teacher.detach());
  return sum(distance * distance) * (1 / real(student.dim(0)));
}

}  // namespace nn
