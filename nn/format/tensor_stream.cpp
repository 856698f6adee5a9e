// One tensor in and out of a file without being in memory as a whole. Read nn/format/safetensors.cpp first.
#include "nn/format/tensor_stream.h"

#include <unistd.h>

#include <filesystem>

#include "nn/format/json.h"
#include "nn/format/sealed.h"

namespace nn {

void write_tensor_stream(const std::string& path, const std::string& name, long count,
                         std::map<std::string, std::string> metadata,
                         const std::function<void(const Append&)>& content) {
  metadata.emplace("format", "pt");
  ordered_json header{{"__metadata__", metadata}};
  header[name] = {{"dtype", "F32"}, {"shape", {count}}, {"data_offsets", {0, count * long(sizeof(float))}}};
  const std::string start = safetensors_header(header);
  const auto write_whole = metadata.contains("seal") ? write_sealed_file : WriteWhole(write_file);
  write_whole(path, [&](const Write& write) {
    write(start.data(), start.size());
    long written = 0;
    content([&](const real* numbers, long n) {
      const std::vector<float> values(numbers, numbers + n);
      write(values.data(), values.size() * sizeof(float));
      written += n;
    });
    check(written == count, "{}: {} numbers were announced, {} came", path, count, written);
  });
}

TensorStream::TensorStream(const std::string& path, const std::string& name)
    : file_(path), entry_(file_.entry(name)), open_(std::fopen(path.c_str(), "rb")) {
  check_io(open_ != nullptr, path, "read");
  check(entry_.dtype == "F32" && file_.entries().size() == 1, "{}: one tensor of type F32 is needed", path);
  start_ = long(std::filesystem::file_size(path)) - entry_.end;  // the header was verified to account for every byte
}

void TensorStream::read(long first, long numbers, real* to) const {
  check(first >= 0 && numbers >= 0 && first + numbers <= count(), "{}: {} numbers from {} on are not in its {}",
        file_.path(), numbers, first, count());
  std::vector<float> values(numbers);
  const long bytes = numbers * long(sizeof(float));
  for (long done = 0; done < bytes;) {
    const ssize_t got = pread(fileno(open_.get()), reinterpret_cast<char*>(values.data()) + done, size_t(bytes - done),
                              start_ + first * long(sizeof(float)) + done);
    check(got > 0, "{}: cannot be read; did it change?", file_.path());
    done += got;
  }
  std::copy(values.begin(), values.end(), to);
}

}  // namespace nn
