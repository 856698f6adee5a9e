// Victim: a model behind its own tokenizer, as the search asks it.
#pragma once

#include "tasks/attack/search.h"
#include "tasks/model/reading.h"
#include "tasks/model/text_model.h"

namespace attack {

// Both must outlive it.
Victim asking(const model::TextModel& model, const model::Reading& reading);

// The queries as the model reads them: of a word that is hidden every piece is [UNK], whichever window has it.
text::EncodedSet encoded(const std::vector<Query>& queries, const text::WordPiece& tokenizer,
                         const model::Reading& reading);

}  // namespace attack
