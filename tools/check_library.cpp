// A stranger's program: it knows nothing of attune but the file it loads, and reads its own script from standard input.
// `make check-library` runs it: loading must neither start the process over nor touch its environment.
#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>

namespace {

[[noreturn]] void fail(const std::string& what) {
  std::cerr << "check-library: " << what << '\n';
  std::exit(1);
}

std::string environment() {
  std::string all;
  for (char** variable = environ; *variable; ++variable) all += std::string(*variable) + '\n';
  return all;
}

template <class Function>
Function* symbol(void* library, const char* mangled) {
  void* found = dlsym(library, mangled);
  if (!found) fail(std::string("the library has no ") + mangled);
  return reinterpret_cast<Function*>(found);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) fail("usage: check-library LIBRARY, with the lines first and second on standard input");
  std::string line;
  if (!std::getline(std::cin, line) || line != "first") fail("this process was started over: its script is gone");
  const std::string before = environment();
  void* library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (!library) fail(dlerror());
  if (environment() != before) fail("loading changed the environment");
  const bool best = symbol<bool()>(library, "_ZN6engine15use_best_kernelEv")();
  if (environment() != before) fail("choosing a kernel changed the environment");
  const std::string description = symbol<std::string()>(library, "_ZN6engine16blas_descriptionB5cxx11Ev")();
  if (!std::getline(std::cin, line) || line != "second") fail("the rest of the script is gone");
  std::cout << "check-library: loaded, the process goes on; " << description << (best ? "" : " (not the best)") << '\n';
}
