// Bars and a curve with the fewest means. Nothing to read before.
#include "tasks/sentiment/figure.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "tasks/text/markup.h"
#include "tasks/text/utf8.h"

namespace sentiment {

using text::escaped_markup;

namespace {

constexpr const char *kDark = "#1f5fa8", *kLight = "#9dc3e6", *kGrey = "#888888", *kPale = "#dddddd";

}  // namespace

Svg::Svg(double width, double height)
    : elements_(
          fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" width=\"{0:g}\" height=\"{1:g}\" "
                      "viewBox=\"0 0 {0:g} {1:g}\" font-family=\"sans-serif\">\n",
                      width, height)) {
  rectangle(0, 0, width, height, "white");
}

void Svg::line(double x1, double y1, double x2, double y2, const std::string& colour, double width) {
  elements_ += fmt::format(
      "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\" "
      "stroke-width=\"{:g}\"/>\n",
      x1, y1, x2, y2, colour, width);
}

void Svg::rectangle(double x, double y, double width, double height, const std::string& colour) {
  elements_ += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"{}\"/>\n", x, y,
                           width, height, colour);
}

void Svg::circle(double x, double y, double radius, const std::string& colour) {
  elements_ += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:.1f}\" fill=\"{}\"/>\n", x, y, radius, colour);
}

void Svg::text(double x, double y, const std::string& text, Anchor anchor, double size) {
  const char* at = anchor == Anchor::start ? "start" : anchor == Anchor::end ? "end" : "middle";
  elements_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" font-size=\"{:g}\" text-anchor=\"{}\">{}</text>\n", x, y,
                           size, at, escaped_markup(text));
}

std::string bars_svg(const std::string& title, const std::vector<Bar>& bars) {
  constexpr double kLeft = 230, kLength = 320, kWidth = 720, kRow = 22, kTop = 44;
  Svg svg(kWidth, kTop + kRow * double(bars.size()) + 16);
  svg.text(16, 26, title, Svg::Anchor::start, 15);
  double longest = 0;
  for (const Bar& bar : bars) longest = std::max(longest, bar.value);
  for (size_t i = 0; i < bars.size(); ++i) {
    const double y = kTop + kRow * double(i), unit = longest > 0 ? kLength / longest : 0;
    svg.text(kLeft - 8, y + 15, text::fitted(bars[i].name, 34), Svg::Anchor::end);
    svg.rectangle(kLeft, y + 3, unit * bars[i].value, kRow - 6, kLight);
    if (bars[i].part > 0) svg.rectangle(kLeft, y + 3, unit * bars[i].part, kRow - 6, kDark);
    svg.text(kLeft + unit * bars[i].value + 6, y + 15, bars[i].said);
  }
  return svg.str();
}

std::string bars_text(const std::vector<Bar>& bars, size_t columns) {
  size_t name = 0, said = 0;
  double longest = 0;
  for (const Bar& bar : bars) {
    name = std::max(name, std::min<size_t>(text::columns_of(bar.name), 2 * columns / 5));
    said = std::max(said, text::columns_of(bar.said));
    longest = std::max(longest, bar.value);
  }
  const size_t used = name + said + 4, room = std::min<size_t>(40, columns > used ? columns - used : 0);
  std::string lines;
  for (const Bar& bar : bars) {
    const auto cells = [&](double value) {
      return longest > 0 ? size_t(std::lround(double(room) * value / longest)) : 0;
    };
    const std::string left = text::fitted(bar.name, name);
    std::string line = std::string(name - text::columns_of(left), ' ') + left + "  ";
    for (size_t i = 0; i < cells(bar.value); ++i) line += i < cells(bar.part) ? "█" : "▒";
    lines += line + (cells(bar.value) ? " " : "") + bar.said + "\n";
  }
  return lines;
}

namespace {

// 1, 2 or 5 times a power of ten, about a fifth of the range.
double step_of(double range) {
  const double power = std::pow(10, std::floor(std::log10(range / 5)));
  for (const double step : {power, 2 * power, 5 * power})
    if (range / step <= 6) return step;
  return 10 * power;
}

}  // namespace

std::string curve_svg(const std::string& title, const std::string& y_name, const std::vector<Point>& points) {
  constexpr double kLeft = 70, kRight = 610, kTop = 60, kBottom = 340;
  Svg svg(640, 400);
  svg.text(16, 26, title, Svg::Anchor::start, 15);
  double low = INFINITY, high = -INFINITY;
  for (const Point& p : points) low = std::min(low, p.y - p.spread), high = std::max(high, p.y + p.spread);
  const double step = step_of(high > low ? high - low : std::max(std::abs(high), 1e-3));
  low = step * std::floor(low / step), high = step * std::max(std::ceil(high / step), std::floor(low / step) + 1);
  const double first = std::log(points.front().x), range = std::max(std::log(points.back().x) - first, 1e-9);
  const auto x = [&](double texts) { return kLeft + 20 + (kRight - kLeft - 40) * (std::log(texts) - first) / range; };
  const auto y = [&](double value) { return kBottom - (kBottom - kTop) * (value - low) / (high - low); };
  for (long i = 0; low + step * double(i) <= high + step / 2; ++i) {
    const double at = low + step * double(i);
    svg.line(kLeft, y(at), kRight, y(at), kPale);
    svg.text(kLeft - 8, y(at) + 4, fmt::format("{:.3g}", std::abs(at) < step / 2 ? 0 : at), Svg::Anchor::end);
  }
  svg.text(kLeft - 8, kTop - 14, y_name, Svg::Anchor::middle);
  svg.line(kLeft, kBottom, kRight, kBottom, kGrey);
  svg.text((kLeft + kRight) / 2, kBottom + 44, "texts to train on", Svg::Anchor::middle);
  for (size_t i = 0; i < points.size(); ++i) {
    const Point& p = points[i];
    if (i) svg.line(x(points[i - 1].x), y(points[i - 1].y), x(p.x), y(p.y), kDark, 2);
    svg.line(x(p.x), y(p.y - p.spread), x(p.x), y(p.y + p.spread), kDark);
    svg.circle(x(p.x), y(p.y), 4, kDark);
    svg.text(x(p.x), kBottom + 18, p.name, Svg::Anchor::middle);
  }
  return svg.str();
}

std::string svg_beside(const std::string& path) { return std::filesystem::path(path).replace_extension(".svg"); }

}  // namespace sentiment
