// The alignment of source and target in sight.
#pragma once

#include "tasks/translate/translator.h"

namespace translate {

// "0-0 1-2": of each target word the source word that its pieces look at most, as source-target numbers (Pharaoh's
// form). Words are what blanks separate in the texts as they are written, whatever the pieces.
std::string word_alignment(const Translator& translator, const std::string& source, const Translation& translation);

// A page of its own, without anything from elsewhere: of every text a map, source pieces above, target pieces at the
// side, the darker the more a target piece looks there.
std::string alignment_page(const Translator& translator, const std::vector<std::string>& texts,
                           const std::vector<std::vector<Translation>>& translations);

}  // namespace translate
