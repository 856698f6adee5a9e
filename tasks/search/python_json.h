// JSON as Python writes it: with NaN, Infinity and -Infinity, which JSON does not have.
#pragma once

#include <string>

#include "nn/format/json.h"

namespace search {

// On one line; a number that is none, wherever it stands, as Python has it.
std::string with_python(const nn::ordered_json& value);

// Outside of strings the three words become strings, so that the rest can be read as JSON.
std::string without_python(const std::string& line);

// Of a number or one of those strings. null and what is no number count as not a number.
double number_of(const nn::json& value);

}  // namespace search
