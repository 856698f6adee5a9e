/* Somebody else's program, which reads its own script from standard input and loads the library into itself: nothing of
 * it may change but what it asked for. It prints one line, whatever DEBUG or PROFILE say, and although a program says
 * a note about a max-length of its own. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <omp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tasks/capi/attune.h"

static void fail(const char *what) {
  printf("stranger: %s\n", what);
  exit(1);
}

static void expect_line(const char *wanted) {
  char line[64];
  if (!fgets(line, sizeof line, stdin) || strcmp(line, wanted) != 0) fail("the script is gone: started over");
}

static size_t environment(char *to, size_t room) {
  size_t used = 0;
  for (char **variable = environ; *variable && used < room; ++variable)
    used += (size_t)snprintf(to + used, room - used, "%s\n", *variable);
  return used;
}

static void handlers(void (**to)(int)) {
  for (int number = 1; number < 32; ++number) {
    struct sigaction action;
    to[number] = sigaction(number, NULL, &action) == 0 ? action.sa_handler : SIG_DFL;
  }
}

int main(int argc, char **argv) {
  static char before[1 << 16], after[1 << 16];
  void (*handlers_before[32])(int) = {0}, (*handlers_after[32])(int) = {0};
  if (argc != 3) fail("usage: stranger LIBRARY MODEL, with the lines first and second on standard input");
  setvbuf(stdin, NULL, _IONBF, 0);
  expect_line("first\n");
  environment(before, sizeof before);
  handlers(handlers_before);
  const int threads = omp_get_max_threads();
  void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (!library) fail(dlerror());
  attune_model *(*load)(const char *, const char *) = NULL;
  int64_t (*embed)(const attune_model *, const char *const *, size_t, float *, size_t) = NULL;
  void (*release)(attune_model *) = NULL;
  *(void **)&load = dlsym(library, "attune_load");
  *(void **)&embed = dlsym(library, "attune_embed");
  *(void **)&release = dlsym(library, "attune_free");
  if (!load || !embed || !release) fail("the library lacks a function");
  if (load("no/such/directory", NULL)) fail("nothing was loaded from nowhere");
  attune_model *model = load(argv[2], "threads = 3\nmax-length = 9");
  const char *text = "the soup was warm";
  float vector[1024];
  if (!model || embed(model, &text, 1, vector, 1024) <= 0) fail("no vector");
  release(model);
  environment(after, sizeof after);
  handlers(handlers_after);
  if (strcmp(before, after) != 0) fail("the environment has changed");
  if (memcmp(handlers_before, handlers_after, sizeof handlers_before) != 0) fail("a handler of a signal has changed");
  if (omp_get_max_threads() != threads) fail("the host's number of threads has changed");
  if (dlclose(library) != 0) fail(dlerror());
  expect_line("second\n");
  puts("stranger: the process goes on");
  return 0;
}
