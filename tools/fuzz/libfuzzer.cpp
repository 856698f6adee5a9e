// libFuzzer's entry: one program for all targets, FUZZ_TARGET says which. Read tests/fuzz/targets.h first.
#include <cstdio>
#include <cstdlib>

#include "tests/fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* bytes, size_t count) {
  static const char* target = std::getenv("FUZZ_TARGET");
  if (fuzz::read(target ? target : "", {reinterpret_cast<const char*>(bytes), count})) return 0;
  std::fprintf(stderr, "FUZZ_TARGET must be one of:");
  for (const fuzz::Target& one : fuzz::targets()) std::fprintf(stderr, " %s", one.name);
  std::fprintf(stderr, "\n");
  std::exit(2);
}
