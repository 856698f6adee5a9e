// Which column of a table holds the texts and which the labels, where nobody has named them.
#pragma once

#include <string>
#include <vector>

#include "tasks/text/data.h"

namespace spec {

enum class Role { text, label };

// The one column, beside those that are `taken`, whose name is `asked` but for letter case and blanks, or whose values
// alone look like the role: of texts three words on average, few of them twice; of labels two at least, few different
// ones, short. As a name, or as a number where the name is none or is there twice. Error: none or several; the columns
// with samples of their values, and the option that names one.
std::string guess_column(const text::Table& table, Role role, const std::string& asked,
                         const std::vector<std::string>& taken);

}  // namespace spec
