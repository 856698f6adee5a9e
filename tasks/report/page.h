// The page of a report: sections over several runs side by side, then one for each.
#pragma once

#include "tasks/report/run_files.h"

namespace report {

struct PageOptions {
  long errors = 10;       // of each run
  long resamples = 1000;  // of a comparison
  long bytes = 1000000;   // that the page has at most
};

// One HTML file that needs nothing else. Long curves and lists are shortened until it fits. Error: it cannot.
std::string page_of(const std::vector<RunFiles>& runs, const PageOptions& options);

}  // namespace report
