// Directory: where a run writes. One run at a time has it; what a run before left is put aside until this one has
// something to show; and whatever is replaced stands until the new stands, through a kill at any moment.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace run {

struct Place {
  std::string path;
  bool overwrite = false;                // a directory that is not empty is refused otherwise
  bool resume = false;                   // go on where its last checkpoint is
  std::vector<std::string> inputs = {};  // what the run reads; --overwrite must not put it aside
  std::vector<std::string> also = {};    // what the program writes there besides the files of every run: "single"
};

// What a run was putting aside, or had put aside, when it was killed before it wrote anything of its own: the run
// before is there again, and can be resumed.
void bring_back(const std::string& path);

// Whether two paths are one regular file, there or to be: by another way, by a link.
bool same_file(const std::string& a, const std::string& b);

class Directory {
 public:
  // Takes the directory, or creates it, with what a killed run left in the middle put in order. Error: a file, not
  // empty, in use by another run; an input inside it.
  Directory(Place place, const std::string& options);
  ~Directory();
  Directory(const Directory&) = delete;

  // The name of this run, as no other run has it; a run that is continued keeps its own.
  const std::string& id() const { return id_; }
  std::string file(const std::string& name) const { return place_.path + "/" + name; }
  bool has(const std::string& name) const;

  // Error: the directory, or this file in it that is open as `fd`, has been removed or replaced.
  void require_ours() const;
  void require_ours(const std::string& name, int fd) const;

  // save(directory) writes into NAME.part; whole and on the disk, it takes the place of NAME.
  void replace_directory(const std::string& name, const std::function<void(const std::string& directory)>& save) const;
  // save(file) writes the next last.safetensors; the last one becomes previous.safetensors. Then what was put aside
  // goes.
  void add_checkpoint(const std::function<void(const std::string& file)>& save) const;
  void take_previous() const;  // previous.safetensors becomes the last one, which is damaged

 private:
  void put_aside() const;
  void put_in_order() const;
  void check_inputs() const;
  std::vector<std::string> names() const;

  Place place_;
  std::string id_;
  int lock_ = -1;
};

// Whether a run's directory has a checkpoint to go on from. One that was stopped before its first starts over.
bool has_checkpoint(const std::string& directory);

}  // namespace run
