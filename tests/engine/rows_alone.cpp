// A row of a product beside others and by itself.
#include "engine/blas.h"
#include "tests/support/support.h"

using namespace test;

TEST_CASE("rows_alone: a row of x W^T + b is the same bits in a product of any number of rows") {
  const RowsAlone rows_alone;
  for (const long I : {7L, 64L, 256L, 1030L})
    for (const long O : {1L, 3L, 64L, 260L}) {
      const Tensor W = varied({O, I}, 2), b = varied({O}, 3), x = varied({700, I}, 5);
      const std::vector<real> all = linear(x, W, b).to_vector();
      for (const long rows : {1L, 2L, 5L, 13L, 16L, 100L, 257L, 513L}) {
        const long first = 700 - rows;
        const Tensor part({rows, I}, std::vector<real>(x.data() + first * I, x.data() + 700 * I));
        CAPTURE(I);
        CAPTURE(O);
        CAPTURE(rows);
        CHECK(same_bits(linear(part, W, b).to_vector(), {all.begin() + first * O, all.end()}));
      }
    }
}

TEST_CASE("rows_alone: products are the same numbers, in every form") {
  for (const bool left : {false, true})
    for (const bool right : {false, true}) {
      const Tensor a = varied(left ? Shape{90, 300} : Shape{300, 90}),
                   b = varied(right ? Shape{40, 90} : Shape{90, 40});
      const auto product = [&] {
        Tensor c({300, 40});
        gemm({{300, 40, {{{a.data(), a.dim(1), left}, {b.data(), b.dim(1), right}, 90}}, c.data(), 40}});
        return c;
      };
      const Tensor usual = product();
      const RowsAlone rows_alone;
      CHECK(differs(product(), usual, 1e-4, 1e-5) == "");
    }
}
