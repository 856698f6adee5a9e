// suggest --model DIR --file FILE --out FILE: the texts most worth a label next.
#pragma once

#include "tasks/run/console.h"
#include "tasks/text/data.h"

namespace sentiment {

// Rows of a file, all their columns and behind them rank, uncertainty, label and probability; and a figure beside them.
void suggest_command(run::Options& options, const run::Parse& parse);

// By place whether a text is left out: blank, or the same words, whatever their case, as one before or one of `known`.
std::vector<bool> left_out(const std::vector<text::Example>& examples, const std::vector<text::Example>& known);

}  // namespace sentiment
