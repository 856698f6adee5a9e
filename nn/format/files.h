// Files that are either whole or absent: what a crash, a full disk or a kill -9 in the middle of a save must not lose.
#pragma once

#include <functional>
#include <string>

#include "engine/base.h"

namespace nn {

// Throws "PATH: cannot be DONE: REASON" unless `succeeded`, with the reason that the system gives in errno.
void check_io(bool succeeded, const std::string& path, const char* done);

// The whole file. Throws, naming the path and the reason, if it is missing, a directory or unreadable.
std::string read_file(const std::string& path);

// The same of a file that is none of the system's others: a pipe would make us wait, a device never end. Error also: more
// than `most` bytes.
std::string read_regular_file(const std::string& path, long most = 256L << 20);

// Calls write(bytes, count) as often as needed; the bytes go to a temporary file in the same directory, which is
// flushed to the disk and then renamed to `path`. On any error the temporary file is removed and `path` is untouched.
// The temporary files (PATH.PID.part) of processes that were killed while they wrote to the same path go, too.
using Write = std::function<void(const void* bytes, size_t count)>;
void write_file(const std::string& path, const std::function<void(const Write&)>& content);
void write_file(const std::string& path, const std::string& content);

}  // namespace nn
