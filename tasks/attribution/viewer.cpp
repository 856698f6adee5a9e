// The viewer's parts, which the assembler includes (the Makefile knows that this object depends on them), and attention
// as it draws it. Read tasks/attribution/attention.h first.
#include "tasks/attribution/viewer.h"

#include <cmath>
#include <string_view>

#include "tasks/files/embed.h"

EMBED(viewer_css, "tasks/attribution/viewer.css");
EMBED(viewer_js, "tasks/attribution/viewer.js");

namespace attribution {

using nn::ordered_json;

std::string with_viewer(std::string page) {
  const std::pair<std::string_view, std::string_view> parts[] = {
      {"/* viewer.css */\n", {attune_viewer_css_begin, attune_viewer_css_end}},
      {"/* viewer.js */\n", {attune_viewer_js_begin, attune_viewer_js_end}}};
  for (const auto& [place, part] : parts) {
    const size_t at = page.find(place);
    if (at != std::string::npos) page.replace(at, place.size(), part);
  }
  return page;
}

ordered_json attention_to_view(const model::TextModel& model, size_t head, const text::Batch& batch) {
  const engine::NoGrad no_grad;
  nn::Trace trace;
  const nn::Encoded x = model.net.encoder(batch.tokens, model.net.rows_of({head}), &trace);
  model.net.heads[head](x, &trace);
  ordered_json layers = ordered_json::array();
  for (const nn::AttentionMaps& maps : trace.attention) {
    const long Q = maps.layout.query_count(0), K = maps.layout.key_count(0);
    ordered_json heads = ordered_json::array();
    for (long h = 0; h < maps.layout.heads; ++h) {
      const engine::real* p = maps.probs.data() + maps.layout.block(0, h);
      ordered_json rows = ordered_json::array();
      for (long q = 0; q < Q; ++q) {
        std::vector<long> row;
        for (long k = 0; k < K; ++k) row.push_back(std::lround(double(p[q * K + k]) * 1e4));
        rows.push_back(row);
      }
      heads.push_back(std::move(rows));
    }
    ordered_json layer{{"heads", std::move(heads)}};
    if (!maps.rows.empty()) {
      layer["tokens"] = ordered_json::array();
      for (const int row : maps.rows)
        if (row < batch.tokens.offsets[1]) layer["tokens"].push_back(row);
    }
    layers.push_back(std::move(layer));
  }
  return layers;
}

}  // namespace attribution
