// A zip archive in memory, file by file; what would unpack to far more than texts and tables do is refused.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct zip;

namespace files {

// How many bytes may come out of so many packed ones: 256 MiB, and 32 for each. Texts and sheets pack ten to one,
// seldom thirty to one; deflate's most is a thousand to one.
size_t most_unpacked(size_t packed);

class Archive {
 public:
  // `path`: how errors begin. The bytes must outlive the archive. Error: not a zip archive, or one that is cut off.
  Archive(std::string_view bytes, std::string path);

  const std::string& path() const { return path_; }
  const std::vector<std::string>& names() const { return names_; }  // without folders
  bool has(std::string_view name) const;

  // Calls sink(bytes) block by block. Error: no such file, a password, a wrong checksum, more than most_unpacked().
  using Sink = std::function<void(std::string_view bytes)>;
  void read(const std::string& name, const Sink& sink) const;
  std::string read(const std::string& name) const;

  size_t most() const { return most_; }  // most_unpacked() of the archive

 private:
  struct Close {
    void operator()(zip* archive) const;
  };
  std::string path_;
  size_t most_;
  std::unique_ptr<zip, Close> zip_;
  std::vector<std::string> names_;
};

}  // namespace files
