// Who starts again, how often, and who never does. Each case runs this test runner as a child with settings of its own.
#include "engine/startup.h"

#include <omp.h>
#include <sched.h>

#include <thread>

#include "engine/blas.h"
#include "tests/support/support.h"

using namespace test;

namespace {

// Each time the program text is loaded, also by execv, a letter goes to the file that COUNT_STARTS names.
const bool counted = [] {
  if (const char* path = std::getenv("COUNT_STARTS")) std::ofstream(path, std::ios::app) << 's';
  return true;
}();

constexpr const char* kVariables[] = {"OPENBLAS_CORETYPE", "OMP_PROC_BIND",   "OMP_PLACES",    "GOMP_CPU_AFFINITY",
                                      "OMP_NUM_THREADS",   "OMP_WAIT_POLICY", "GOMP_SPINCOUNT"};

// The environment without what start_again_with_best_settings() looks at, put back when the scope ends. This thread is
// on all processors (tests/main.cpp).
class Undecided {
 public:
  Undecided() {
    for (const char* name : kVariables) {
      if (const char* value = std::getenv(name)) before_.emplace_back(name, value);
      unsetenv(name);
    }
  }
  ~Undecided() {
    for (const char* name : kVariables) unsetenv(name);
    for (const auto& [name, value] : before_) setenv(name.c_str(), value.c_str(), 1);
  }

 private:
  std::vector<std::pair<std::string, std::string>> before_;
};

struct Child {
  int starts;
  Result result;
};
Child child(const std::string& environment, const std::string& arguments) {
  const TemporaryDirectory directory;
  const std::string count = directory.write("starts", "");
  const Result result =
      run_shell(fmt::format("{} COUNT_STARTS={} {} {} 2>&1", environment, count, program("run-tests"), arguments));
  return {int(std::filesystem::file_size(count)), result};
}

}  // namespace

TEST_CASE("startup: a program that misses settings starts once more with its arguments, and never a third time") {
  const Undecided undecided;
  CHECK(counted);
  const int expected = missing_settings().empty() ? 1 : 2;
  const Child a = child("", "-ltc -tc='startup: a program that misses*'");
  CHECK(a.starts == expected);
  CHECK(a.result.status == 0);
  CHECK(a.result.says("startup: a program that misses settings"));
  CHECK(!a.result.says("startup: what the user"));
}

TEST_CASE("startup: what the user has set stands, and nothing starts again") {
  const Undecided undecided;
  CHECK(child("OMP_PROC_BIND=false OMP_WAIT_POLICY=active OPENBLAS_CORETYPE=Prescott", "-ltc -tc=startup*").starts ==
        1);
  CHECK(child("OMP_PLACES=cores GOMP_SPINCOUNT=5 OPENBLAS_CORETYPE=Haswell", "-ltc -tc=startup*").starts == 1);
  CHECK(child("OMP_NUM_THREADS=1 OPENBLAS_CORETYPE=Haswell", "-ltc -tc=startup*").starts == 1);
  setenv("OMP_PROC_BIND", "false", 1);
  setenv("OPENBLAS_CORETYPE", "", 1);
  setenv("OMP_WAIT_POLICY", "passive", 1);
  CHECK(missing_settings().empty());
}

TEST_CASE("startup: threads are bound where there is one for every processor, and the slowest kernel is not kept") {
  const Undecided undecided;
  const auto value_of = [](const std::string& variable) -> std::string {
    for (const Setting& s : missing_settings())
      if (s.variable == variable) return s.value;
    return "";
  };
  const int processors = omp_get_num_procs();
  setenv("OMP_NUM_THREADS", std::to_string(processors + 1).c_str(), 1);
  CHECK(value_of("OMP_PROC_BIND") == "");
  CHECK(value_of("GOMP_SPINCOUNT") == (processors > 1 ? "10000" : ""));
  setenv("OMP_NUM_THREADS", "1", 1);
  CHECK(value_of("GOMP_SPINCOUNT") == "");  // nobody waits
  CHECK((value_of("OPENBLAS_CORETYPE") == "") == (better_blas_kernel() == nullptr));
}

TEST_CASE("startup: a thread that is bound to one processor gets back those of all, and so does what it starts") {
  cpu_set_t before, one;
  sched_getaffinity(0, sizeof before, &before);
  int first = 0;
  while (!CPU_ISSET(first, &before)) ++first;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  sched_setaffinity(0, sizeof one, &one);
  const std::string allowed = "env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc";  // which obeys these first
  CHECK(run_shell(allowed).output == "1\n");
  unbind_thread();
  const int places = omp_get_num_places();
  CHECK(run_shell(allowed).output ==
        fmt::format("{}\n", places ? CPU_COUNT(&before) : 1));  // unbound: nothing is known
  sched_setaffinity(0, sizeof before, &before);
}

TEST_CASE("startup: a team of threads ends where it is released, and its thread can have another") {
  const auto threads = [] {  // of this process
    return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
  };
  const auto settled = [&](long wanted) {  // a thread that ends is listed for a moment more
    for (int wait = 0; threads() != wanted && wait < 5000; ++wait) usleep(1000);
    return threads();
  };
  std::thread([&] {
    const auto alone = threads();
    for (int turn = 0; turn < 2; ++turn) {
      long added = 0;
#pragma omp parallel num_threads(3) reduction(+ : added)
      added += 1;
      CHECK(added == 3);
      CHECK(threads() == alone + 2);
      release_team();
      CHECK(settled(alone) == alone);
    }
    release_team();  // there is none
    CHECK(settled(alone) == alone);
  }).join();
}

// A child that was loaded with the slowest kernel, as on a processor that OpenBLAS does not know, runs this case.
TEST_CASE("startup: in somebody else's process the kernel is changed in place, and products stay right") {
  if (const std::string kernel = blas_kernel(); kernel != "Prescott") {
    const Child again =
        child("OMP_PROC_BIND=false OMP_WAIT_POLICY=active OPENBLAS_CORETYPE=Prescott", "-tc='startup: in somebody*'");
    CHECK_MESSAGE(again.result.status == 0, again.result.output);
    CHECK(again.result.says("| 1 passed"));
    CHECK(again.starts == 1);
    return;
  }
  CHECK(use_best_kernel() == (better_blas_kernel() == nullptr));  // the user's choice stands
  const Undecided undecided;
  const char* better = better_blas_kernel();
  const Tensor a = varied({300, 300}), b = varied({300, 300}, 2), slow = matmul(a, b);
  CHECK(use_best_kernel());
  CHECK(missing_settings().size() <= 2);
  CHECK(blas_kernel() == (better ? better : "Prescott"));
  CHECK(std::getenv("OPENBLAS_CORETYPE") == nullptr);
  CHECK(differs(matmul(a, b), slow) == "");
}
