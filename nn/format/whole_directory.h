// Directories that are whole or absent: what belongs together appears together, its manifest last.
#pragma once

#include <functional>
#include <string>

namespace nn {

// save(directory) writes into PATH.part, which gets its manifest, is brought to the disk and changes places with what
// stands at PATH, in one call where the file system has one; what stood there goes. Killed in the middle it leaves PATH
// as it was or as it is to be, and PATH.part, which the next call removes; only where the file system cannot let two
// change places, there is a moment when what was at PATH is at PATH.old. Error: of save(), and then there is no
// PATH.part; another process writes there; the disk.
void write_directory(const std::string& path, const std::function<void(const std::string& directory)>& save);

// A file of a directory, whole or as it was; where there is a manifest it says nothing of the file as long as that
// changes, so that a kill leaves no directory that its manifest contradicts. Error: the manifest is none.
void write_listed_file(const std::string& directory, const std::string& name, const std::string& content);
void remove_listed_file(const std::string& directory, const std::string& name);

}  // namespace nn
