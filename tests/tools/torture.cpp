// The short form of `make torture`: one program, every so-manieth call, no kills at random moments. Read tools/torture/torture.cpp first.
#include "tests/support/support.h"

using namespace test;

TEST_CASE("torture: a run that is killed, or whose disk fails, at one of its calls resumes to the undisturbed bits") {
  const Result result = run_shell("build/release/torture sentiment --every 11 --kills 0 2>&1");
  CHECK_MESSAGE(result.status == 0, result.output);
  CHECK_MESSAGE(result.says("sentiment  kill "), result.output);
  CHECK_MESSAGE(result.last_line().ends_with("lost=0"), result.output);
}
