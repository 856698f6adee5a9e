// Doubts: what a person should know before a figure is believed, one line each: about texts, and about what a model
// makes of them. Nothing is said where nothing is wrong.
#pragma once

#include "tasks/model/evaluate.h"

namespace model {

using Doubts = std::vector<std::string>;

// Of the texts of a split, for the model that is to read them: more than half are cut; equal texts have different
// labels; many words are unknown to the vocabulary.
Doubts doubts_about_texts(const TextModel& model, const spec::TaskSet& set, spec::Split split);

// Of training with these labels: classes are very unequal and the metric counts each alike; labels are ratings.
Doubts doubts_about_classes(const spec::Task& task, const std::string& metric);

// Of figures: a class that is never predicted; a model no better than the commonest class.
Doubts doubts_about(const Evaluation& evaluation);

// Of a model that told these shares of texts rightly: it knows its texts by heart, and no others.
Doubts doubts_about_gap(double train, double test);
// The same, measured: on a part of the training texts, beside what it is worth on test. Of one class only.
Doubts doubts_about_memory(const TextModel& model, const spec::TaskSet& set, const Evaluation& test);

void print(const Doubts& doubts);  // "warning: ..." each

}  // namespace model
