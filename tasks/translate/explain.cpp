// Cross attention as words that belong together, and as a page. Read tasks/translate/translator.h first.
#include "tasks/translate/explain.h"

#include <algorithm>

#include "tasks/attribution/viewer.h"
#include "tasks/text/markup.h"

namespace translate {

using engine::real;
using engine::Tensor;
using text::escaped_markup;

std::string word_alignment(const Translator& t, const std::string& source, const Translation& translation) {
  const std::vector<int> ids = t.pieces.source(source), from = t.pieces.source_words(source);
  const std::vector<int> to = t.pieces.words(translation.ids);
  const Tensor map = t.alignment(ids, translation.ids);  // [T, S]
  const long S = long(ids.size()), words = from.empty() ? 0 : *std::max_element(from.begin(), from.end()) + 1;
  const long targets = to.empty() ? 0 : *std::max_element(to.begin(), to.end()) + 1;
  if (words == 0) return "";
  std::vector<double> looks(targets * words);
  for (size_t i = 0; i < to.size(); ++i)
    for (long s = 0; s < S; ++s)
      if (to[i] >= 0 && from[s] >= 0) looks[to[i] * words + from[s]] += double(map.data()[long(i) * S + s]);
  std::string text;
  for (long w = 0; w < targets; ++w) {
    const auto row = looks.begin() + w * words, most = std::max_element(row, row + words);
    if (*most > 0)
      text += fmt::format("{}{}-{}", text.empty() ? "" : " ", most - row, w);  // else no piece begins there
  }
  return text;
}

std::string alignment_page(const Translator& t, const std::vector<std::string>& texts,
                           const std::vector<std::vector<Translation>>& translations) {
  std::string page = attribution::with_viewer(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>attune: alignments</title>\n"
      "<link rel=\"icon\" href=\"data:,\"><style>\n/* viewer.css */\n"
      "table{border-collapse:collapse}td,th{padding:2px 6px;font-weight:normal;text-align:left}"
      "td{width:2em;border:1px solid var(--line)}thead th{writing-mode:vertical-rl}"
      ".scroll{overflow-x:auto}</style></head><body>\n"
      "<header><h1>attune</h1><p>which source piece each target piece looks at</p></header><main>\n");
  for (size_t i = 0; i < texts.size(); ++i) {
    const Translation& best = translations[i][0];
    if (best.ids.empty()) continue;
    const std::vector<int> source = t.pieces.source(texts[i]);
    const Tensor map = t.alignment(source, best.ids);
    page += fmt::format(
        "<section class=\"card\" aria-label=\"text {0}\"><h2>{1}</h2><h3>{2}</h3><p class=\"note\">words: {3}</p>\n"
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"map {0}\"><table><thead><tr><td></td>",
        i + 1, escaped_markup(texts[i]), escaped_markup(best.text), word_alignment(t, texts[i], best));
    for (const int id : source) page += fmt::format("<th scope=\"col\">{}</th>", escaped_markup(t.pieces.piece(id)));
    page += "</tr></thead>\n";
    for (size_t row = 0; row < best.ids.size(); ++row) {
      page += fmt::format("<tr><th scope=\"row\">{}</th>", escaped_markup(t.pieces.piece(best.ids[row])));
      for (size_t s = 0; s < source.size(); ++s) {
        const real p = map.data()[row * source.size() + s];
        page += fmt::format("<td style=\"background:rgba(var(--heat),{0:.3f})\" title=\"{0:.3f}\"></td>", p);
      }
      page += "</tr>\n";
    }
    page += "</table></div></section>\n";
  }
  return page + "</main></body></html>\n";
}

}  // namespace translate
