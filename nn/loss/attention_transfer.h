// Losses on attention and on what lies between the layers: handing attention from a teacher to a student. Ragged
// values, one per head, query and key, lie as engine/ragged.h says; N tokens of B sequences, H heads. Gradients go to
// the student only.
#pragma once

#include "engine/ops.h"

namespace nn {
using namespace engine;

// mean (student - teacher)^2 over all scores (TinyBERT, Jiao et al. 2020).    [S], [S] -> []
Tensor attention_score_mse(const Tensor& student, const Tensor& teacher);

// -1/(H N) sum softmax(teacher) log softmax(student), of scores (TextBrewer, Yang et al. 2020).    [S], [S] -> []
Tensor attention_cross_entropy(const Tensor& student, const Tensor& teacher, const Ragged& layout);

// mean_b 1/(H T_b) sum KL(softmax(teacher) || softmax(student)), of scores (MiniLM, Wang et al. 2020).  [S], [S] -> []
Tensor attention_kl(const Tensor& student, const Tensor& teacher, const Ragged& layout);

// The same of relations R = softmax(x x^T / sqrt(C/A)) with the columns re-split into A heads, so that widths and heads
// may differ (MiniLM v2, Wang et al. 2021); x are queries, keys or values.    [N, Cs], [N, Ct] -> []
Tensor relation_kl(const Tensor& student, const Tensor& teacher, const Indices& offsets, long relation_heads);

// mean over queries of KL(t || s), t and s the means over the heads of probabilities: for two that look at the same
// tokens by different numbers of heads, or by heads that nothing pairs.    [Ss], [St] -> []
Tensor attention_mean_kl(const Tensor& student, const Ragged& student_layout, const Tensor& teacher,
                         const Ragged& teacher_layout);

// mean (student - teacher)^2 (TinyBERT).    [N, C], [N, C] -> []
Tensor hidden_mse(const Tensor& student, const Tensor& teacher);

// mean_n 1 - cos(student_n, teacher_n) (DistilBERT, Sanh et al. 2019).    [N, C], [N, C] -> []
Tensor hidden_cosine(const Tensor& student, const Tensor& teacher);

// q_t = mean_c x_tc^2, each sequence divided by its L2 norm: where a network is active; then the mean over sequences of
// mean_t (q_student - q_teacher)^2 (Zagoruyko & Komodakis 2017). Widths may differ.    [N, Cs], [N, Ct] -> []
Tensor activation_map(const Tensor& student, const Tensor& teacher, const Indices& offsets);

// mean_b |s/|s| - t/|t||^2 of [CLS] rows (Patient KD, Sun et al. 2019).    [B, C], [B, C] -> []
Tensor patient_kd(const Tensor& student, const Tensor& teacher);

}  // namespace nn
