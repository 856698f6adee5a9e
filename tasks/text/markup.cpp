// Text inside HTML and XML. Read tasks/text/markup.h first.
#include "tasks/text/markup.h"

#include "tasks/text/utf8.h"

namespace text {

std::string escaped_markup(const std::string& text) {
  std::string to;
  for (const char c : repair_utf8(text).text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '&')
      to += "&amp;";
    else if (c == '<')
      to += "&lt;";
    else if (c == '>')
      to += "&gt;";
    else if (c == '"')
      to += "&quot;";
    else if (c == '\'')
      to += "&#39;";
    else
      to += byte < 0x20 || byte == 0x7F ? ' ' : c;
  }
  return to;
}

}  // namespace text
