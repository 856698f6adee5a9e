// A row of a table that is written as a JSON object.
#pragma once

#include <string>
#include <string_view>

#include "nn/format/json_value.h"

namespace nn {

// As parse_ordered_json() (nn/format/json.h), for members that are texts to whoever asks: a number with more digits
// than 64 bits hold, with a point or an exponent is a string, as it was written, so that ids of 20 digits stay apart.
ordered_json parse_json_row(std::string_view text, const std::string& where);

}  // namespace nn
