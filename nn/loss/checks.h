// What the losses ask of their arguments, in one sentence each.
#pragma once

#include "engine/ops.h"

namespace nn {
using namespace engine;

inline void check_pair(const char* what, const Tensor& student, const Tensor& teacher) {
  check(student.shape() == teacher.shape() && student.numel() > 0,
        "{}: student and teacher must have one shape, and not be empty; got {} and {}", what, student, teacher);
}

inline void check_rows(const char* what, const Tensor& student, const Tensor& teacher) {
  check(student.shape().rank() == 2 && student.shape() == teacher.shape() && student.numel() > 0,
        "{}: student and teacher must have one shape of rows and columns, and not be empty; got {} and {}", what,
        student, teacher);
}

inline void check_layout(const char* what, const Tensor& x, const Ragged& layout) {
  check(x.shape() == Shape{layout.size()}, "{}: the layout has {} values; got {}", what, layout.size(), x);
}

inline double queries_of_all_heads(const Ragged& layout) {  // H N
  return double(layout.heads) * double(layout.queries.back());
}

}  // namespace nn
