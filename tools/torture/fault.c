// A disk that fails, for LD_PRELOAD: the FAULT_AT-th call that opens, writes, flushes, closes, renames, removes or
// creates something below FAULT_BELOW fails, or is the last thing that the process does. Read tools/torture/torture.cpp next.
//
//   FAULT_HOW=count    nothing fails; at the end FAULT_COUNT, a file, has the number of calls, and of allocations
//   FAULT_HOW=kill     the process is killed; bytes that fsync() had not brought to the disk are gone, as after
//                      a power cut
//   FAULT_HOW=eio, enospc, eintr    the call fails with this error, once
//   FAULT_HOW=short    write() writes one byte; other calls are as ever
//   FAULT_HOW=full, readonly        from this call on nothing that grows, or nothing that changes, succeeds
//   FAULT_HOW=memory   not a call: of the allocations of 1 kB or more that follow the first of them, the FAULT_AT-th is
//                      refused
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Of every descriptor that was written to; and of files that were closed without fsync().
enum { kFiles = 256, kClosed = 64 };
static struct File {
  char path[PATH_MAX];
  off_t synced;  // bytes that are on the disk
  int dirty;
} files[kFiles + kClosed];
static long calls = 0, allocations = 0;
enum Kind { kKeeps, kChanges, kGrows };  // what a call does to what is below FAULT_BELOW

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static const char* word(const char* name) {
  const char* value = getenv(name);
  return value ? value : "";
}

static int below(const char* path) {
  const char* place = word("FAULT_BELOW");
  return *place && path && strncmp(path, place, strlen(place)) == 0;
}

static int path_of(int fd, char* path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t n = readlink(link, path, PATH_MAX - 1);
  path[n > 0 ? n : 0] = 0;
  return n > 0;
}

static int fd_below(int fd, char* path) { return fd >= 0 && fd < kFiles && path_of(fd, path) && below(path); }

static void drop_what_is_not_on_the_disk(void) {
  for (int i = 0; i < kFiles + kClosed; ++i)
    if (files[i].dirty) {
      char now[PATH_MAX];
      const int open = i < kFiles && path_of(i, now) && below(now);
      if (truncate(open ? now : files[i].path, files[i].synced) != 0) continue;  // it is removed
    }
}

// What is not on the disk is not there under its new name either, nor in a folder that has another one.
static void follow(const char* from, const char* to) {
  const size_t n = strlen(from);
  for (int i = 0; i < kFiles + kClosed; ++i) {
    char* path = files[i].path;
    if (strncmp(path, from, n) != 0 || (path[n] && path[n] != '/')) continue;
    char now[2 * PATH_MAX];
    snprintf(now, sizeof now, "%s%s", to, path + n);
    snprintf(path, PATH_MAX, "%.*s", PATH_MAX - 1, now);
  }
}

// Whether this call is the one; sets errno.
static int fails(enum Kind kind) {
  const long call = __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST), at = atol(word("FAULT_AT"));
  const char* how = word("FAULT_HOW");
  const int full = strcmp(how, "full") == 0, readonly = strcmp(how, "readonly") == 0;
  if (full || readonly) {
    errno = full ? ENOSPC : EROFS;
    return call >= at && kind >= (full ? kGrows : kChanges);
  }
  if (call != at) return 0;
  if (strcmp(how, "kill") == 0) {
    drop_what_is_not_on_the_disk();
    kill(getpid(), SIGKILL);
    pause();
  }
  errno = strcmp(how, "eio") == 0 ? EIO : strcmp(how, "enospc") == 0 ? ENOSPC : strcmp(how, "eintr") == 0 ? EINTR : 0;
  return errno != 0;
}

// Of the system's own names, since dlsym() allocates, too.
extern void *__libc_malloc(size_t size), *__libc_memalign(size_t alignment, size_t size);

static int refused(size_t size) {
  if (size < (1 << 10) || calls == 0) return 0;
  const long n = __atomic_add_fetch(&allocations, 1, __ATOMIC_SEQ_CST);
  return strcmp(word("FAULT_HOW"), "memory") == 0 && n == atol(word("FAULT_AT"));
}

void* malloc(size_t size) {
  if (!refused(size)) return __libc_malloc(size);
  errno = ENOMEM;
  return NULL;
}

void* aligned_alloc(size_t alignment, size_t size) {
  if (!refused(size)) return __libc_memalign(alignment, size);
  errno = ENOMEM;
  return NULL;
}

int posix_memalign(void** to, size_t alignment, size_t size) {
  if (refused(size)) return ENOMEM;
  *to = __libc_memalign(alignment, size);
  return *to ? 0 : ENOMEM;
}

__attribute__((destructor)) static void report(void) {
  if (strcmp(word("FAULT_HOW"), "count") != 0 || calls == 0) return;
  const int fd = REAL(open)(word("FAULT_COUNT"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  char text[64];
  const int n = snprintf(text, sizeof text, "%ld %ld\n", calls, allocations);
  if (fd < 0 || REAL(write)(fd, text, (size_t)n) != n) abort();
}

static int opened(const char* path, int flags, mode_t mode) {
  if (below(path) && fails(flags & O_CREAT ? kGrows : (flags & O_ACCMODE) != O_RDONLY ? kChanges : kKeeps)) return -1;
  return REAL(open)(path, flags, mode);
}

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
  va_end(more);
  return opened(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
  va_end(more);
  return opened(path, flags, mode);
}

FILE* fopen(const char* path, const char* how) {
  if (below(path) && fails(*how == 'r' ? kKeeps : kGrows)) return NULL;
  return REAL(fopen)(path, how);
}

FILE* fopen64(const char* path, const char* how) {
  if (below(path) && fails(*how == 'r' ? kKeeps : kGrows)) return NULL;
  return REAL(fopen64)(path, how);
}

ssize_t write(int fd, const void* bytes, size_t count) {
  char path[PATH_MAX];
  if (!fd_below(fd, path)) return REAL(write)(fd, bytes, count);
  if (!files[fd].dirty) {
    struct stat info;
    files[fd].synced = fstat(fd, &info) == 0 ? info.st_size : 0;  // of before it was opened
    files[fd].dirty = 1;
  }
  strcpy(files[fd].path, path);
  const long before = calls;
  if (fails(kGrows)) return -1;
  const int one = before + 1 == atol(word("FAULT_AT")) && strcmp(word("FAULT_HOW"), "short") == 0 && count > 1;
  return REAL(write)(fd, bytes, one ? 1 : count);
}

int fsync(int fd) {
  char path[PATH_MAX];
  if (!fd_below(fd, path)) return REAL(fsync)(fd);
  if (fails(kKeeps)) return -1;
  const int done = REAL(fsync)(fd);
  for (int i = 0; i < kFiles + kClosed && done == 0; ++i)
    if (strcmp(files[i].path, path) == 0) files[i].dirty = 0;
  return done;
}

int close(int fd) {
  char path[PATH_MAX];
  if (!fd_below(fd, path)) return REAL(close)(fd);
  const int failing = fails(kKeeps), why = errno;
  for (int i = kFiles; i < kFiles + kClosed && files[fd].dirty; ++i)
    if (!files[i].dirty) {
      files[i] = files[fd];
      files[fd].dirty = 0;
    }
  const int done = REAL(close)(fd);
  if (!failing) return done;
  errno = why;
  return -1;
}

int rename(const char* from, const char* to) {
  if (below(to) && fails(kChanges)) return -1;
  const int done = REAL(rename)(from, to);
  if (done == 0) follow(from, to);
  return done;
}

int renameat2(int at, const char* from, int there, const char* to, unsigned flags) {
  if (below(to) && fails(kChanges)) return -1;
  const int done = REAL(renameat2)(at, from, there, to, flags);
  if (done != 0) return done;
  const char* aside = "/-";  // of no file
  if (flags & RENAME_EXCHANGE) follow(to, aside);
  follow(from, to);
  if (flags & RENAME_EXCHANGE) follow(aside, from);
  return done;
}

int unlink(const char* path) {
  if (below(path) && fails(kChanges)) return -1;
  return REAL(unlink)(path);
}

int unlinkat(int at, const char* name, int flags) {
  char path[PATH_MAX];
  const int ours = at == AT_FDCWD ? below(name) : path_of(at, path) && below(path);
  if (ours && fails(kChanges)) return -1;
  return REAL(unlinkat)(at, name, flags);
}

int mkdir(const char* path, mode_t mode) {
  if (below(path) && fails(kGrows)) return -1;
  return REAL(mkdir)(path, mode);
}
