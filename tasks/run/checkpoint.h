// What a checkpoint says of itself, for those who keep files of their own beside it.
#pragma once

#include <string>

namespace run {

// Steps that are behind the checkpoint `file`; 0 where there is none, or none that can be read.
long steps_before(const std::string& file);

}  // namespace run
