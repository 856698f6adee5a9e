// The assembler includes page.html; the Makefile knows that this object depends on it. Read viewer.h first.
#include "tasks/explain/page.h"

#include "tasks/attribution/viewer.h"
#include "tasks/files/embed.h"

EMBED(explain_page, "tasks/explain/page.html");

namespace explain {

using nn::ordered_json;

std::string page_of(const ordered_json& data) {
  std::string page = attribution::with_viewer({attune_explain_page_begin, attune_explain_page_end});
  std::string json = data.line(), safe;
  for (const char c : json) safe += c == '<' ? "\\u003c" : std::string(1, c);  // nothing in it ends the script
  const std::string place = "/* data */";
  return page.replace(page.find(place), place.size(), safe);
}

}  // namespace explain
