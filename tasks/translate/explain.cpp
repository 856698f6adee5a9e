// Cross attention as words that belong together, and as a page. Read tasks/translate/translator.h first.
#include "tasks/translate/explain.h"

#include <algorithm>

namespace translate {
namespace {

using engine::real;
using engine::Tensor;

// Of each piece, the number of its word; the end is none's: -1.
std::vector<int> words_of(const Pieces& pieces, const std::vector<int>& ids) {
  std::vector<int> words;
  int word = -1;
  for (const int id : ids) {
    if (id != pieces.end() && (pieces.piece(id).starts_with("\xE2\x96\x81") || word < 0)) ++word;
    words.push_back(id == pieces.end() ? -1 : word);
  }
  return words;
}

std::string escaped(const std::string& text) {
  std::string to;
  for (const char c : text) {
    if (c == '&')
      to += "&amp;";
    else if (c == '<')
      to += "&lt;";
    else if (c == '>')
      to += "&gt;";
    else
      to += c;
  }
  return to;
}

}  // namespace

std::string word_alignment(const Translator& t, const std::string& source, const Translation& translation) {
  const std::vector<int> ids = t.pieces.source(source), from = words_of(t.pieces, ids);
  const std::vector<int> to = words_of(t.pieces, translation.ids);
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
    const auto row = looks.begin() + w * words;
    text += fmt::format("{}{}-{}", w ? " " : "", std::max_element(row, row + words) - row, w);
  }
  return text;
}

std::string alignment_page(const Translator& t, const std::vector<std::string>& texts,
                           const std::vector<std::vector<Translation>>& translations) {
  std::string page =
      "<!doctype html><meta charset=utf-8><title>Alignments</title><style>body{font:14px sans-serif}"
      "td,th{padding:2px 6px;font-weight:normal;text-align:left}td{width:2em;border:1px solid #eee}"
      "thead th{writing-mode:vertical-rl}caption{text-align:left;margin:1em 0 .3em}</style>\n";
  for (size_t i = 0; i < texts.size(); ++i) {
    const Translation& best = translations[i][0];
    if (best.ids.empty()) continue;
    const std::vector<int> source = t.pieces.source(texts[i]);
    const Tensor map = t.alignment(source, best.ids);
    page += fmt::format("<table><caption>{} → {}<br>words: {}</caption><thead><tr><th></th>", escaped(texts[i]),
                        escaped(best.text), word_alignment(t, texts[i], best));
    for (const int id : source) page += fmt::format("<th>{}</th>", escaped(t.pieces.piece(id)));
    page += "</tr></thead>\n";
    for (size_t row = 0; row < best.ids.size(); ++row) {
      page += fmt::format("<tr><th>{}</th>", escaped(t.pieces.piece(best.ids[row])));
      for (size_t s = 0; s < source.size(); ++s) {
        const real p = map.data()[row * source.size() + s];
        page += fmt::format("<td style=\"background:rgba(0,70,160,{0:.3f})\" title=\"{0:.3f}\"></td>", p);
      }
      page += "</tr>\n";
    }
    page += "</table>\n";
  }
  return page;
}

}  // namespace translate
