// tools/option_table.sh, which prints the table in tasks/run/README.md.
#include "tests/support/support.h"

using namespace test;

TEST_CASE("options: the table of options by program says what --help says") {
  const std::string bin = std::filesystem::path(program("sentiment")).parent_path();
  const Result result = run_shell("BIN=" + bin + " tools/option_table.sh --check 2>&1");
  CHECK_MESSAGE(result.status == 0, result.output);
}
