// What targets share: a place for files, and how a finding ends the program.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

namespace fuzz {

// Ends the program unless it holds: the bytes that led here are a finding.
void hold(bool property, const char* what);

// A directory of this process's own, in memory where that is to be had; it goes with the process.
const std::string& place();
// A file in it, with its folders.
std::string file(const std::string& name, std::string_view bytes);

// The first byte chooses one of n, the others are what is read.
size_t choice(std::string_view& bytes, size_t n);

}  // namespace fuzz
