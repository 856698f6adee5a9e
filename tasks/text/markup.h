// Text inside HTML and XML.
#pragma once

#include <string>

namespace text {

// As an element's text or a quoted attribute has it: & < > " ' by their names, control characters as spaces, bytes that
// are not UTF-8 as U+FFFD.
std::string escaped_markup(const std::string& text);

}  // namespace text
