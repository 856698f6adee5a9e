// predictions.jsonl: what the model of a run says of each test text, for whoever looks at the run afterwards.
#pragma once

#include "tasks/model/predict.h"

namespace objective {

constexpr const char* kPredictions = "predictions.jsonl";

// A line a text: {"where": "reviews.tsv:217", "text": ..., "pair": ... if it has one, "label": ..., "predicted": ...,
// "scores": {LABEL: probability, ...}}; of a regression label and predicted are numbers, and there are no scores.
// Error: a head that predicts something else.    outputs: of the split's texts
void write_predictions(const std::string& path, const spec::TaskSet& set, size_t task, spec::Split split,
                       const model::Outputs& outputs);

}  // namespace objective
