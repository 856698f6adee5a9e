// Gradients at the embeddings: what each token of a text adds to a decision, by the way in which the decision changes.
#pragma once

#include "tasks/attribution/decision.h"

namespace attribution {

// A text where it enters the encoder, [N, C]: of a BERT word + type + position, before LayerNorm; of word embeddings
// what the head will read.
Tensor embedded(const Decision& decision, const text::Batch& batch);
// The same with other pieces in the same places, as `ids` [N] say.
Tensor embedded(const Decision& decision, text::Batch batch, const Indices& ids);

// x . dF/dx of every row, with what part of x is multiplied: of a BERT the row of the table of word embeddings, or of
// its sum with type and position.    [N]
std::vector<double> gradient_x_input(const Decision& decision, const Windows& text);
Tensor gradient(const Decision& decision, const Windows& text);  // dF/dx [N, C]

// Points and weights of Gauss and Legendre's rule for the integral from 0 to 1, which is exact for polynomials of
// degree 2 n - 1 (Abramowitz, Stegun 25.4.29):
//   alpha = (1 + xi) / 2,   w = 1 / ((1 - xi^2) P_n'(xi)^2),   P_n(xi) = 0
struct Rule {
  std::vector<double> points, weights;
};
Rule gauss_legendre(long n);

struct Integrated {
  std::vector<double> tokens;      // [N]
  double value = 0, baseline = 0;  // F(x), F(x0)
  double delta = 0;                // sum of tokens - (F(x) - F(x0)): 0 but for the steps
  long steps = 0;
  bool complete = false;  // |delta| is at most kCompleteness of |F(x) - F(x0)|, or nothing but rounding
};
constexpr double kCompleteness = 1e-3;
constexpr long kMostSteps = 800;

// Integrated gradients from x0 to the text's own x, both [N, C], in `steps` steps.
Integrated integrate(const Decision& decision, const Windows& text, const Tensor& x0, long steps);
// From the text whose words are all `baseline`'s piece, [CLS] and [SEP] as they are: in `steps` steps, twice as many
// while it is not complete, up to kMostSteps.   Error: a model that has no gradients (int8).
Integrated integrated_gradients(const Decision& decision, const Windows& text, int baseline, long steps = 50);

// Error, as `method`: a model that has no gradients.
void check_gradients(const Decision& decision, const std::string& method);

}  // namespace attribution
