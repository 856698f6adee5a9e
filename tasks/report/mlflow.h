// Runs in the form of MLflow's folders, for those who keep theirs there.
#pragma once

#include <string>

#include "tasks/report/run_files.h"

namespace report {

// ROOT/EXPERIMENT-ID/RUN-ID with meta.yaml, params, metrics, tags and artifacts, as MLflow's file store has them; the
// experiment gets its meta.yaml where it has none. The ids follow from the names, so that a run that is exported again
// takes its own place. The log has no times: those of metrics are spread evenly between begin and end.
// Returns the run's folder. Error: it cannot be written.
std::string mlflow_id(const RunFiles& run);  // the same of a copy
std::string export_to_mlflow(const RunFiles& run, const std::string& root, const std::string& experiment);

}  // namespace report
