// Metrics of entities among words.
#pragma once

#include <string>
#include <vector>

namespace score {

// Words first ... last (one past the end) are an entity of a type.
struct Span {
  size_t first, last;
  std::string type;
  bool operator==(const Span&) const = default;
};

// The entities of tags B-TYPE, I-TYPE and O, as conlleval and seqeval read them: B- begins one, and so does an I- that
// does not go on with its own type.
std::vector<Span> spans_of(const std::vector<std::string>& tags);

// F1 of the entities of all texts together; one is right if its words and its type are. Undefined, it is 0.
double entity_f1(const std::vector<std::vector<std::string>>& y_true,
                 const std::vector<std::vector<std::string>>& y_pred);

}  // namespace score
