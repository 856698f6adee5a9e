// The page: everything that was found out about texts, in one file that asks nobody else.
#pragma once

#include <string>

#include "nn/format/json_value.h"

namespace explain {

// {"model": NAME, "texts": [what json_of() says, and "tokens", "layers" (attribution::attention_to_view)], "patching":
// what patch found, or nothing}
std::string page_of(const nn::ordered_json& data);

}  // namespace explain
