// The test runner. `build/release/run-tests -tc='*layer_norm*'` runs what matches, --help lists the options.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
