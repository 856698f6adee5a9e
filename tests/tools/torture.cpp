// The short form of `make torture`: some works, every so-manieth call, a few kills at random moments. Read
// tools/torture/torture.cpp first.
#include "tests/support/support.h"

using namespace test;

#ifndef SANITIZED  // whose library wants to be loaded before any other
TEST_CASE("torture: killed, out of disk or memory at one of its calls, a run goes on to the undisturbed bits") {
  const Result result = run_shell("build/release/torture sentiment --every 19 --kills 3 2>&1");
  CHECK_MESSAGE(result.status == 0, result.output);
  for (const char* line : {"sentiment  kill ", "sentiment  readonly ", "sentiment  memory ", "sentiment  kill -9 "})
    CHECK_MESSAGE(result.says(line), result.output);
  CHECK_MESSAGE(result.last_line().ends_with("lost=0"), result.output);
}

TEST_CASE(
    "torture: a directory of a model or a tokenizer that is written or calibrated is whole, whatever happens on the "
    "way") {
  const Result result =
      run_shell("build/release/torture merge vocab calibrate --how kill,eio,full --every 9 --kills 0 2>&1");
  CHECK_MESSAGE(result.status == 0, result.output);
  CHECK_MESSAGE(result.last_line().ends_with("lost=0"), result.output);
}
#endif
