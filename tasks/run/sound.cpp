// Losses and gradients that are no numbers: the step that made them is given up. Read tasks/run/training.cpp first.
#include <cmath>

#include "engine/debug.h"
#include "engine/graph.h"
#include "optim/clip.h"
#include "tasks/run/training.h"

namespace run {

using engine::Tensor;

namespace {

constexpr size_t kNamed = 8;    // rows in a sentence
constexpr long kWarnings = 10;  // sentences about skipped steps; the log has all of them

bool holds_numbers(const Tensor& t) { return !t.has_grad() || engine::all_finite(t.grad_data(), t.numel()); }

}  // namespace

std::string Training::texts_of(const engine::Indices& rows) const {
  std::string names;
  for (size_t i = 0; i < rows.size() && i < kNamed; ++i) {
    names += names.empty() ? " (" : ", ";
    names += frame_.where ? frame_.where(rows[i]) : fmt::format("text {}", rows[i] + 1);
  }
  if (rows.size() > kNamed) names += fmt::format(" and {} more", rows.size() - kNamed);
  return names.empty() ? "" : names + ")";
}

void Training::give_up(const std::string& why, const engine::Indices& rows) {
  const std::string sentence = fmt::format("step {}{}: {}", run_.step() + 1, texts_of(rows), why);
  engine::check(options_.on_nan == "skip", "{}; --on-nan skip goes on without such steps", sentence);
  given_up_ = true;
  run_.note_skipped();
  if (run_.skipped() <= kWarnings) run_.say(fmt::format("warning: {}; skipped", sentence));
}

bool Training::sound(const Tensor& loss, const engine::Indices& rows) {
  rows_.insert(rows_.end(), rows.begin(), rows.end());
  if (!given_up_ && !std::isfinite(loss.item()))
    give_up(fmt::format("the loss is {}; {}", loss.item(), engine::first_nonfinite(loss)), rows);
  return !given_up_;
}

// backward() walks from the loss to the first layer, parameters stand in the order of forward: of those whose gradient
// is no number the last one is where it began.
bool Training::sound() {
  if (given_up_ || norm_) return !given_up_;
  norm_ = optim::grad_norm(trained_);
  std::vector<Tensor> all;  // those that something else moves, too
  if (frame_.own_steps)
    for (const Tensor& t : params_.trainable())
      if (frame_.own_steps(t.name())) all.push_back(t);
  if (std::isfinite(*norm_) && std::ranges::all_of(all, holds_numbers)) return true;
  all.insert(all.end(), trained_.begin(), trained_.end());
  for (size_t i = all.size(); i-- > 0;)
    if (!holds_numbers(all[i])) {
      give_up(fmt::format("the gradient of {} holds a NaN or an infinity", all[i]), rows_);
      return false;
    }
  give_up(fmt::format("the norm of the gradients is {}", *norm_), rows_);
  return false;
}

}  // namespace run
