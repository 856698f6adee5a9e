// `translate translate`: texts in, translations out, as they come.
#pragma once

#include "tasks/run/console.h"

namespace translate {

void translate_texts(run::Options& options, const run::Parse& parse);

}  // namespace translate
