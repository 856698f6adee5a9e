// How a process comes by the kernels and threads that its machine can do. OpenBLAS and OpenMP decide while they are
// being loaded, before any code of ours; so a program looks at what they chose and starts itself once more, while a
// library in somebody else's process takes what can still be had and says what it got. Nothing here happens by itself.
#pragma once

#include <vector>

namespace engine {

// An environment variable that OpenBLAS or OpenMP reads while it is being loaded.
struct Setting {
  const char *variable, *value;
};

// What would make this process faster and nobody has decided: a variable that is set stands, whatever its value.
std::vector<Setting> missing_settings();

// For the first line of main(): sets what is missing, if anything is, and starts the running program once more with the
// same arguments, which takes 5 ms. The second time nothing is missing, so there is no third. Returns when there is
// nothing to do or the start failed. Never for a library: the program that is started again is the host.
void start_again_with_best_settings(char** argv);

// The calling thread may run on every processor that OpenMP's threads have, and not on the one that it is bound to. A
// process that it starts inherits that: without it, a program that is started by a bound one has a single processor.
void unbind_thread();

// The calling thread's team of threads, if it has one, ends; its next parallel loop makes another. For a thread that
// loads what another computes with: while a process has more threads in teams than processors, libgomp lets none of
// them spin (GOMP_SPINCOUNT), and every loop begins and ends with a thread being woken. Not inside a parallel loop.
void release_team();

// For a library: chooses OpenBLAS's kernel again inside this process, where OpenBLAS fell back to its slowest and the
// user set none. Call it before the first product, while no other thread of the process is inside OpenBLAS. Whether
// threads are bound stays as it is. False if a better kernel exists and could not be had; blas_description() says which
// one is used.
bool use_best_kernel();

}  // namespace engine
