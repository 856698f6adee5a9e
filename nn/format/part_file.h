// PartFile: a file on its way to take the place of another one, whole or not at all. Of the library's own;
// nn/format/files.h has what others call.
#pragma once

#include <functional>
#include <string>

namespace nn {

// A call of the system again for as long as a signal has interrupted it.
long uninterrupted(const std::function<long()>& call);
// All of the bytes, in as many calls as it takes. False, with the reason in errno: some are not written.
bool write_all(int file, const char* bytes, size_t count);
// The names in a directory, or in that of a file, on the disk. Error: they cannot be; not where a file system has no
// such call.
void sync_directory(const std::string& directory);
void sync_directory_of(const std::string& path);

// Bytes for PATH.PID.part, which takes the place of PATH in place(); without it, it goes. Its writer holds a lock on
// it: one that nobody holds is of a process that was killed, and goes with the next place(). Error: whatever the system
// refuses; nothing of it is tried again, since after a failed fsync() the second one would succeed without the data.
class PartFile {
 public:
  explicit PartFile(const std::string& path);
  ~PartFile();
  PartFile(const PartFile&) = delete;
  void write(const void* bytes, size_t count);
  void overwrite(size_t place, const std::string& bytes);  // of those that are written
  void place();  // all on the disk, closed, renamed, the directory on the disk

 private:
  void flush();

  std::string path_, part_, kept_;
  int file_ = -1, lock_ = -1;  // of one opening: the lock outlives the close() whose result counts
};

}  // namespace nn
