// What came out of a search: tables for the screen, and one HTML file that asks nobody else.
#pragma once

#include "tasks/search/importance.h"

namespace tune {

// The best `most` trials, then how many there are of each state.
std::string best_table(const search::StudyRecord& study, size_t most, size_t columns);
std::string importance_table(const std::vector<search::Importance>& importances);

// History, learning curves, parallel coordinates, importances, every trial. `metric`: what the values are.
std::string report_html(const search::StudyRecord& study, const std::string& metric);

// Parameters of a study in the order of their first trial.
std::vector<std::string> parameters_of(const search::StudyRecord& study);

}  // namespace tune
