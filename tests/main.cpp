// The test runner. `build/release/run-tests -tc='*layer_norm*'` runs what matches, --help lists the options.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include "engine/startup.h"

int main(int argc, char** argv) {
  engine::start_again_with_best_settings(argv);
  engine::unbind_thread();  // for the programs that tests start
  return doctest::Context(argc, argv).run();
}
