// Files that say of themselves whether they are whole, and directories whose manifest says it: every bit counts.
#pragma once

#include <map>
#include <string>

#include "nn/format/files.h"

namespace nn {

// What stands in a file until its seal is known: once, among the first bytes, as the value of "seal" in a JSON header.
extern const std::string kUnsealed;

using WriteWhole = void (*)(const std::string& path, const std::function<void(const Write&)>& content);
// As write_file(); kUnsealed becomes the SHA-256 of the whole file with kUnsealed in it. save_safetensors() and
// write_tensor_stream() do so where their metadata have {"seal": kUnsealed}.
void write_sealed_file(const std::string& path, const std::function<void(const Write&)>& content);

// What is wrong with a sealed file, as a sentence; empty: nothing. Error: it cannot be read.
std::string seal_fault(const std::string& path);

// manifest.json, the last file of a directory: of every other one, in folders, too, its name, size and SHA-256; but of
// pages for people (.md), who may go on writing them.
//   {"files": [{"name": "config.json", "size": 501, "sha256": "..."}, ...]}
constexpr const char* kManifest = "manifest.json";
void write_manifest(const std::string& directory);
// Of one file, where there is a manifest: for whole_directory.h.
void leave_out_of_manifest(const std::string& directory, const std::string& name);
void add_to_manifest(const std::string& directory, const std::string& name);
// What is wrong with the files that it names, as a sentence; empty: nothing, or there is no manifest. Error: it is no
// manifest; names a file outside of its directory.
std::string manifest_fault(const std::string& directory);

// Before a model directory is read. Error: manifest_fault(), or a link in it to what is not in it: files that somebody
// hands over must not choose what else is read. Into ../../blobs a Hugging Face cache's snapshots/NAME may link. A
// folder's own links are not looked for.
void require_sound_directory(const std::string& directory);

std::string sha256_of_file(const std::string& path);

}  // namespace nn
