// The settings that have to be made before the process is what it is. Read engine/startup.h first.
#include "engine/startup.h"

#include <omp.h>
#include <sched.h>
#include <unistd.h>

#include <cstdlib>

#include "engine/blas.h"

namespace engine {
namespace {

bool set(const char* variable) { return std::getenv(variable) != nullptr; }

}  // namespace

// On a processor younger than itself OpenBLAS falls back to "Prescott" (SSE3), about five times slower than what the
// machine can do, without a word. Threads that are not bound to cores were seen to pile up on one core for seconds as
// soon as something else ran; they are bound only if there is one for every processor: two programs that were given
// some threads each would be bound to the same cores. A thread that waits for the others spins for some 10 us, then
// lets go of its processor: long enough for the gaps of a step, and short enough for who else wants to compute. Seconds
// of 150 steps of a small model (2 x 64), medians of three by turns, two processors:
//                          1 thread   libgomp's own wait   passive   10,000 spins
//   nothing else runs          0.68                 0.45      0.69           0.45
//   both processors taken      1.23                 2.30      1.84           1.15
std::vector<Setting> missing_settings() {
  std::vector<Setting> missing;
  const char* kernel = better_blas_kernel();
  if (kernel && !set("OPENBLAS_CORETYPE")) missing.push_back({"OPENBLAS_CORETYPE", kernel});
  const char* given = std::getenv("OMP_NUM_THREADS");
  const int processors = omp_get_num_procs();
  const long threads = given ? std::strtol(given, nullptr, 10) : processors;
  if (processors > 1 && threads == processors && !set("OMP_PROC_BIND") && !set("OMP_PLACES") &&
      !set("GOMP_CPU_AFFINITY"))
    missing.push_back({"OMP_PROC_BIND", "true"});
  if (processors > 1 && threads != 1 && !set("OMP_WAIT_POLICY") && !set("GOMP_SPINCOUNT"))
    missing.push_back({"GOMP_SPINCOUNT", "10000"});
  return missing;
}

void start_again_with_best_settings(char** argv) {
  const std::vector<Setting> missing = missing_settings();
  if (missing.empty()) return;
  for (const Setting& s : missing)
    if (setenv(s.variable, s.value, 1) != 0) return;  // it would be missing again
  execv("/proc/self/exe", argv);  // returns only if it failed: then it is slow, and the first lines say so
}

void unbind_thread() {
  cpu_set_t all;
  CPU_ZERO(&all);
  for (int place = 0; place < omp_get_num_places(); ++place) {  // none where threads are not bound
    std::vector<int> processors(size_t(omp_get_place_num_procs(place)));
    omp_get_place_proc_ids(place, processors.data());
    for (const int processor : processors) CPU_SET(processor, &all);
  }
  if (CPU_COUNT(&all)) sched_setaffinity(0, sizeof all, &all);
}

// One sentence (17 pieces, two processors) by a thread beside whose team the main thread's is kept, and without it:
// mini 0.76 ms and 0.39, small 3.37 and 2.38, base 28.6 and 23.8.
void release_team() { omp_pause_resource_all(omp_pause_soft); }

bool use_best_kernel() {
  const char* kernel = better_blas_kernel();
  return !kernel || (!set("OPENBLAS_CORETYPE") && change_blas_kernel(kernel));
}

}  // namespace engine
