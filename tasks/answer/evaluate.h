// Evaluation: how often an assistant is right, what it refuses, and how well each detector tells what is not its
// business.
#pragma once

#include "tasks/answer/assistant.h"

namespace answer {

// A question and the intent that it should have; its tags, if they are known.
struct Labelled {
  std::string text;
  int intent = 0;
  std::string tags;
};
std::vector<Labelled> own_questions(const Assistant& assistant);  // those of `train` that were kept for the test
// Of a file of the knowledge's form. Intents that the assistant does not know are none of its business.
// Error: none that it knows.
std::vector<Labelled> questions_of(const Assistant& assistant, const Knowledge& file,
                                   std::vector<std::string>& out_of_scope);

// {"questions": n, "accuracy": ..., "macro_f1": ..., "answered": share, "asked": ..., "refused": ...,
//  "answered_right": share of those answered, "offered": share whose intent was said or offered, "slot_f1": ...,
//  "out_of_scope": m, "detectors": {NAME: {"refused": share in scope, "found": share out of scope that is refused, and
//  with texts of both kinds "auroc", "fpr95", "aupr", "accuracy", "macro_f1", "open_f1"}}}
// A share of nothing is not there: "found" without texts out of scope, "answered_right" where nothing was answered.
// The last three count what is out of scope as one more class, as TEXTOIR does. Every detector has the threshold that
// its own calibration gives.
nn::ordered_json figures_of(const Assistant& assistant, const std::vector<Labelled>& questions,
                            const std::vector<std::string>& out_of_scope);
std::string table_of(const nn::ordered_json& figures);
std::string result_line(const nn::ordered_json& figures);

}  // namespace answer
