// What the commands of this program are told alike, and what they make of it: a model, a head, a decision, subjects.
#pragma once

#include <memory>

#include "tasks/attribution/explanation.h"
#include "tasks/model/request.h"

namespace explain {

struct Asked {
  std::string task, of = "logit", absent = "auto";
  attribution::Settings settings;

  void declare(run::Options& options);
  // After the model was loaded: its parameters stand still from now on, and the encoder decides `auto`: [MASK] for a
  // BERT, which has learned to read it, else nothing.   -> the head.   Error: a task that the model does not have.
  size_t settle(model::TextModel& model);
  attribution::Of score() const { return of == "logit" ? attribution::Of::logit : attribution::Of::probability; }
  // "[MASK] in its place", for those who read the figures.
  std::string absent_text(const model::TextModel& model) const;
};

// Texts as the model reads them. Error: one without a word. Says in one line where a text was cut.
std::vector<attribution::Subject> subjects_of(const model::TextModel& model, const std::vector<text::Example>& examples,
                                              const model::Reading& reading);

// Text i of the command line or its place in the file.
std::string name_of(const text::Example& example, size_t i);

// What a page calls a model: the last part of its path.
std::string model_name(const std::string& directory);

// "the probability of positive", "the logit of positive", "the number".
std::string score_text(const attribution::Decision& decision);

}  // namespace explain
