// Pieces of a page. Read tasks/report/html.h first.
#include "tasks/report/html.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "tasks/text/markup.h"
#include "tasks/text/utf8.h"

namespace report {

using text::escaped_markup;
namespace {

constexpr double kWidth = 640, kHeight = 240, kLeft = 58, kRight = 10, kTop = 10, kBottom = 34;
constexpr size_t kRows = 12;  // of the table behind a drawing

constexpr const char* kStyle = R"(
:root{color-scheme:light dark;--page:#fff;--text:#1b1e23;--soft:#5a6069;--line:#d4d8de;--warm:255,140,0;
--cool:0,98,178;
--c0:#0062b2;--c1:#b34700;--c2:#00734f;--c3:#9b3a7d;--c4:#6a5500;--c5:#4b4bb8}
@media(prefers-color-scheme:dark){:root{--page:#15181d;--text:#e9ebee;--soft:#a9b0ba;--line:#3b424c;--cool:90,170,240;
--c0:#6cb6f5;--c1:#ff9d5c;--c2:#4fd1a5;--c3:#ec9ed2;--c4:#e0c64a;--c5:#b0b0ff}}
body{margin:0 auto;max-width:76rem;padding:1rem 1.2rem 4rem;background:var(--page);color:var(--text);
font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.6rem}h2{font-size:1.25rem;margin-top:2.4rem;border-top:1px solid var(--line);padding-top:1rem}
h3{font-size:1.05rem}
.wide{overflow-x:auto}table{border-collapse:collapse;margin:.4rem 0 1rem;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--soft);padding:.2rem 0}th,td{border:1px solid var(--line);padding:.2rem .6rem;
text-align:left;vertical-align:top}
td.n{text-align:right}th{font-weight:600}.charts{display:grid;
grid-template-columns:repeat(auto-fill,minmax(min(30rem,100%),1fr));gap:1rem}
figure{margin:0}figcaption{font-weight:600}svg{width:100%;height:auto;background:var(--page)}
svg text{fill:var(--text);font:12px system-ui,sans-serif}
.axis{stroke:var(--line)}.l{fill:none;stroke-width:1.8}.c0{stroke:var(--c0)}.c1{stroke:var(--c1)}.c2{stroke:var(--c2)}
.c3{stroke:var(--c3)}.c4{stroke:var(--c4)}.c5{stroke:var(--c5)}.bar{fill:rgba(var(--cool),.55)}
.whisker{stroke:var(--text)}
.d1{stroke-dasharray:6 4}.d2{stroke-dasharray:2 3}.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;
list-style:none;padding:0}
.legend svg{width:2rem;height:.8rem;vertical-align:middle}.said{color:var(--soft)}.w{border-radius:.2rem;
padding:0 .1rem}
details summary{cursor:pointer}ol.errors li{margin:.7rem 0}
@media print{details>*{display:block}h2{break-before:auto}figure,tr{break-inside:avoid}}
)";

// Steps of 1, 2 or 5 times a power of ten, about four of them.
std::vector<double> ticks(double low, double high) {
  const double raw = (high - low) / 4, power = std::pow(10, std::floor(std::log10(raw)));
  const double step = power * (raw / power > 5 ? 10 : raw / power > 2 ? 5 : raw / power > 1 ? 2 : 1);
  const double first = std::ceil(low / step);
  std::vector<double> all;
  for (int i = 0; (first + i) * step <= high + step * 1e-9; ++i) all.push_back((first + i) * step);
  return all;
}

struct Range {
  double low = INFINITY, high = -INFINITY;
  void add(double x) { low = std::min(low, x), high = std::max(high, x); }
  // A span of rounding errors is none: the means of n and of n + 1 equal numbers differ in the last digit.
  void widen() {
    const double size = std::max(std::abs(low), std::abs(high));
    if (high - low <= 1e-9 * size) low -= 0.5 * std::max(1e-9, size), high += 0.5 * std::max(1e-9, size);
  }
};

double place_x(const Range& r, double x) { return kLeft + (x - r.low) / (r.high - r.low) * (kWidth - kLeft - kRight); }
double place_y(const Range& r, double y) {
  return kHeight - kBottom - (y - r.low) / (r.high - r.low) * (kHeight - kTop - kBottom);
}

std::string axes(const Range& x, const Range& y, const std::string& x_name) {
  std::string svg;
  for (const double t : ticks(y.low, y.high))
    svg += fmt::format(
        "<line class=axis x1={:.0f} x2={:.0f} y1={:.1f} y2={:.1f} /><text x={:.0f} y={:.1f} "
        "text-anchor=end>{}</text>\n",
        kLeft, kWidth - kRight, place_y(y, t), place_y(y, t), kLeft - 6, place_y(y, t) + 4, fmt::format("{:.6g}", t));
  for (const double t : ticks(x.low, x.high))
    svg += fmt::format("<text x={:.1f} y={:.0f} text-anchor=middle>{}</text>\n", place_x(x, t), kHeight - kBottom + 16,
                       fmt::format("{:.6g}", t));
  return svg + fmt::format("<text x={:.0f} y={:.0f} text-anchor=middle>{}</text>\n", (kLeft + kWidth) / 2, kHeight - 3,
                           escaped_markup(x_name));
}

std::string drawing(const std::string& said, const std::string& elements) {
  return fmt::format("<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=img aria-label=\"{}\">\n{}</svg>\n", kWidth, kHeight,
                     escaped_markup(said), elements);
}

// Neighbours averaged, so that at most `most` points are left.
Line thinned(const Line& line, size_t most) {
  if (line.x.size() <= most) return line;
  Line thin{line.name, {}, {}, line.place};
  for (size_t b = 0; b < most; ++b) {
    const size_t from = b * line.x.size() / most, to = (b + 1) * line.x.size() / most;
    double x = 0, y = 0;
    for (size_t i = from; i < to; ++i) x += line.x[i], y += line.y[i];
    thin.x.push_back(x / double(to - from));
    thin.y.push_back(y / double(to - from));
  }
  return thin;
}

std::string classes_of(size_t place) { return fmt::format("l c{} d{}", place % 6, place / 6 % 3); }

// The last value at or before a step; "" before the first.
std::string value_at(const Line& line, double step) {
  const auto after = std::upper_bound(line.x.begin(), line.x.end(), step);
  return after == line.x.begin() ? "" : number(line.y[size_t(after - line.x.begin()) - 1]);
}

std::string numbers_of(const std::string& x_name, const std::vector<Line>& lines) {
  std::set<double> all;
  for (const Line& line : lines) all.insert(line.x.begin(), line.x.end());
  const std::vector<double> steps(all.begin(), all.end());
  std::vector<std::string> columns{x_name};
  for (const Line& line : lines) columns.push_back(line.name);
  std::vector<std::vector<std::string>> rows;
  const size_t count = std::min(kRows, steps.size());
  for (size_t r = 0; r < count; ++r) {
    const double step = steps[count == 1 ? 0 : r * (steps.size() - 1) / (count - 1)];
    rows.push_back({number(step)});
    for (const Line& line : lines) rows.back().push_back(value_at(line, step));
  }
  return "<details><summary>as numbers</summary>" + table("", columns, rows) + "</details>\n";
}

}  // namespace

std::string html_cell(const std::string& html) { return "\x01" + html; }

std::string table(const std::string& caption, const std::vector<std::string>& columns,
                  const std::vector<std::vector<std::string>>& rows) {
  static long count = 0;
  std::string html = fmt::format("<div class=wide role=region tabindex=0 aria-label=\"{}\"><table>",
                                 caption.empty() ? fmt::format("table {}", ++count) : escaped_markup(caption));
  if (!caption.empty()) html += fmt::format("<caption>{}</caption>", escaped_markup(caption));
  html += "<thead><tr>";
  for (const std::string& column : columns)
    html += column.empty() ? "<td></td>" : fmt::format("<th scope=col>{}</th>", escaped_markup(column));
  html += "</tr></thead><tbody>\n";
  for (const std::vector<std::string>& row : rows) {
    html += "<tr>";
    for (size_t c = 0; c < row.size(); ++c) {
      const bool ready = row[c].starts_with("\x01");
      const std::string cell = ready ? row[c].substr(1) : escaped_markup(row[c]);
      const bool digits = !ready && !row[c].empty() && row[c].find_first_not_of("0123456789.,-+e% ") == row[c].npos;
      html += c == 0  ? fmt::format("<th scope=row>{}</th>", cell)
              : ready ? cell
                      : fmt::format("<td{}>{}</td>", digits ? " class=n" : "", cell);
    }
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

std::string number(double value) {
  if (!std::isfinite(value)) return fmt::format("{}", value);
  if (value == std::floor(value) && std::abs(value) < 1e15) {
    std::string digits = fmt::format("{:.0f}", std::abs(value));
    for (long at = long(digits.size()) - 3; at > 0; at -= 3) digits.insert(size_t(at), ",");
    return (value < 0 ? "-" : "") + digits;
  }
  return std::abs(value) < 1 && std::abs(value) >= 1e-3 ? fmt::format("{:.4f}", value) : fmt::format("{:.4g}", value);
}

std::string line_chart(const std::string& title, const std::string& x_name, const std::vector<Line>& lines,
                       size_t most) {
  Range x, y;
  std::vector<Line> thin;
  for (const Line& line : lines) {
    thin.push_back(thinned(line, most));
    for (const double at : thin.back().x) x.add(at);
    for (const double at : thin.back().y) y.add(at);
  }
  x.widen(), y.widen();
  std::string svg = axes(x, y, x_name), said = title + ":";
  for (const Line& line : thin) {
    std::string points;
    for (size_t i = 0; i < line.x.size(); ++i)
      points += fmt::format("{:.1f},{:.1f} ", place_x(x, line.x[i]), place_y(y, line.y[i]));
    if (line.x.size() == 1)  // a point alone would not be seen
      points += fmt::format("{:.1f},{:.1f}", place_x(x, line.x[0]) + 3, place_y(y, line.y[0]));
    svg += fmt::format("<polyline class=\"{}\" points=\"{}\"><title>{}</title></polyline>\n", classes_of(line.place),
                       points, escaped_markup(line.name));
    said += fmt::format(" {} from {} to {};", line.name, number(line.y.front()), number(line.y.back()));
  }
  return fmt::format("<figure><figcaption>{}</figcaption>\n{}{}</figure>\n", escaped_markup(title), drawing(said, svg),
                     numbers_of(x_name, lines));
}

std::string reliability_chart(const std::string& title, const std::vector<Bar>& bars) {
  const Range unit{0, 1};
  std::string svg = axes(unit, unit, "confidence");
  std::vector<std::vector<std::string>> rows;
  for (const Bar& bar : bars) {
    const double left = place_x(unit, bar.from), right = place_x(unit, bar.to), top = place_y(unit, bar.right);
    svg += fmt::format("<rect class=bar x={:.1f} y={:.1f} width={:.1f} height={:.1f} />", left + 1, top,
                       right - left - 2, place_y(unit, 0) - top);
    svg += fmt::format("<line class=whisker x1={0:.1f} x2={0:.1f} y1={1:.1f} y2={2:.1f} />\n",
                       place_x(unit, bar.confidence), place_y(unit, bar.low), place_y(unit, bar.high));
    rows.push_back({fmt::format("{:.2f} to {:.2f}", bar.from, bar.to), number(double(bar.count)),
                    fmt::format("{:.3f}", bar.confidence), fmt::format("{:.3f}", bar.right),
                    fmt::format("{:.3f} to {:.3f}", bar.low, bar.high)});
  }
  svg += fmt::format("<line class=whisker stroke-dasharray=\"4 4\" x1={:.1f} y1={:.1f} x2={:.1f} y2={:.1f} />\n",
                     place_x(unit, 0), place_y(unit, 0), place_x(unit, 1), place_y(unit, 1));
  return fmt::format(
      "<figure><figcaption>{}</figcaption>\n{}<details><summary>as numbers</summary>{}</details></figure>\n",
      escaped_markup(title), drawing(title + ": share that is right beside the confidence", svg),
      table("", {"confidence", "texts", "mean confidence", "share right", "95 % interval"}, rows));
}

std::string page(const std::string& title, const std::string& body) {
  return fmt::format(
      "<!doctype html>\n<html lang=en><head><meta charset=utf-8>\n<meta name=viewport "
      "content=\"width=device-width,initial-scale=1\">\n<title>{0}</title>\n"
      "<link rel=icon href=\"data:,\">\n<style>{1}</style></head>\n<body><main>\n<h1>{0}</h1>\n{2}"
      "</main></body></html>\n",
      escaped_markup(title), kStyle, body);
}

}  // namespace report
