// The viewer: what pages of several programs show alike (bars, marked words, the attention of all heads), and its data.
#pragma once

#include <string>

#include "nn/format/json_value.h"
#include "tasks/model/text_model.h"

namespace attribution {

// A page with the viewer's style and script in the places of its lines /* viewer.css */ and /* viewer.js */, if it has
// them.
std::string with_viewer(std::string page);

// What the viewer draws attention from: [layer] {"heads": [head][query][key]} in ten-thousandths, which is what a shade
// of colour shows, and of a head with queries of its own a layer more. Of a text that is read through windows the
// first; with token pruning a layer says which tokens are left.
nn::ordered_json attention_to_view(const model::TextModel& model, size_t head, const text::Batch& batch);

}  // namespace attribution
