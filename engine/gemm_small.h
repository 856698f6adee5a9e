// A matrix product for small and skinny shapes, where a BLAS call spends its time on copying operands: attention heads,
// single sentences, narrow models. engine/blas.cpp says which shapes come here.
#pragma once

#include "engine/blas.h"

namespace engine {

// c[m, n] = alpha a b + beta c on the calling thread, as gemm_serial(). Every number is a sum over k from the first to
// the last term, in steps of 512 terms.
void gemm_small(long m, long n, long k, real alpha, MatrixView a, MatrixView b, real beta, real* c, long c_stride);

}  // namespace engine
