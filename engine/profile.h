// PROFILE=1: where the time goes. Whatever ends says so, and the time since the end before it is its own; so the parts
// add up to the wall clock; with several threads, each of which has its own end before, to the sum of theirs. The table
// is printed on stderr when the program ends.
#pragma once

namespace engine {

enum class Pass { forward, backward, other };

bool profiling();
void profile_off();  // for good: no table is printed

// Ends a part: the time and the work since the last end belong to `what`. `bytes` is what it has to read and write at
// least, unless profile_work() has been told better.
void profile_end(const char* what, Pass pass, double bytes = 0);

// Work of the part that is running: floating point operations, and bytes if its tensors do not tell. Called by the
// thread that records the ops.
void profile_work(double flops, double bytes = 0);

}  // namespace engine
