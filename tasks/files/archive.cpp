// libzip reads the archive; what comes out of it is counted, whatever the archive says of its size.
// Nothing to read before.
#include "tasks/files/archive.h"

#include <zip.h>

#include <algorithm>
#include <utility>

#include "engine/base.h"
#include "engine/strings.h"

namespace files {

using engine::check;

size_t most_unpacked(size_t packed) { return (size_t{256} << 20) + 32 * packed; }

void Archive::Close::operator()(zip* archive) const { zip_discard(archive); }

Archive::Archive(std::string_view bytes, std::string path)
    : path_(std::move(path)), most_(most_unpacked(bytes.size())) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
  if (source) zip_.reset(zip_open_from_source(source, ZIP_RDONLY, &error));
  if (!zip_) zip_source_free(source);
  const std::string why = zip_error_strerror(&error);
  zip_error_fini(&error);
  check(zip_ != nullptr, "{}: begins like a zip archive or a workbook and is none ({}): was it copied whole?", path_,
        why);
  const zip_int64_t files = zip_get_num_entries(zip_.get(), 0);
  for (zip_int64_t i = 0; i < files; ++i) {
    const char* name = zip_get_name(zip_.get(), zip_uint64_t(i), ZIP_FL_ENC_GUESS);
    if (name && *name && !std::string_view(name).ends_with('/')) names_.emplace_back(name);
  }
}

bool Archive::has(std::string_view name) const { return std::find(names_.begin(), names_.end(), name) != names_.end(); }

void Archive::read(const std::string& name, const Sink& sink) const {
  const std::string where = path_ + ": " + engine::shown(name, 80);
  zip_stat_t about;
  zip_stat_init(&about);
  check(zip_stat(zip_.get(), name.c_str(), ZIP_FL_ENC_GUESS, &about) == 0, "{}: is not in the archive", where);
  check(!(about.valid & ZIP_STAT_ENCRYPTION_METHOD) || about.encryption_method == ZIP_EM_NONE,
        "{}: has a password: unpack it and name the file in it", where);
  const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> file(zip_fopen_index(zip_.get(), about.index, 0), zip_fclose);
  check(file != nullptr, "{}: cannot be unpacked: {}", where, zip_strerror(zip_.get()));
  std::string block(1 << 16, '\0');
  for (size_t all = 0;;) {
    const zip_int64_t got = zip_fread(file.get(), block.data(), block.size());
    check(got >= 0, "{}: cannot be unpacked: {}", where, zip_file_strerror(file.get()));
    if (got == 0) break;
    all += size_t(got);
    check(all <= most_, "{}: unpacks to more than {} MB, far more than a table of this size does: unpack it yourself",
          where, most_ / 1'000'000);
    sink(std::string_view(block).substr(0, size_t(got)));
  }
}

std::string Archive::read(const std::string& name) const {
  std::string bytes;
  read(name, [&](std::string_view part) { bytes += part; });
  return bytes;
}

}  // namespace files
