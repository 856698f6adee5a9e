// The commands of the program.
#pragma once

#include "tasks/run/console.h"

namespace monitor {

struct WatchOptions;
class Watcher;

void train(run::Options& options, const run::Parse& parse);      // train.cpp
void calibrate(run::Options& options, const run::Parse& parse);  // train.cpp
void run(run::Options& options, const run::Parse& parse);        // run.cpp
void replay(run::Options& options, const run::Parse& parse);     // run.cpp
void serve(run::Options& options, const run::Parse& parse);      // serve.cpp
void example(run::Options& options, const run::Parse& parse);    // run.cpp
void measure(run::Options& options, const run::Parse& parse);    // measure.cpp

// The line that a script can read, after a stream: to `to`.
void print_result(const char* task, const Watcher& watcher, double seconds, std::FILE* to);

}  // namespace monitor
