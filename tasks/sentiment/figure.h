// Figures of numbers: as an SVG for a file, as lines of blocks for a terminal.
#pragma once

#include <string>
#include <vector>

namespace sentiment {

// A drawing in SVG 1.1: elements in the order of the calls, in pixels from the upper left corner.
class Svg {
 public:
  enum class Anchor { start, middle, end };
  Svg(double width, double height);
  void line(double x1, double y1, double x2, double y2, const std::string& colour, double width = 1);
  void rectangle(double x, double y, double width, double height, const std::string& colour);
  void circle(double x, double y, double radius, const std::string& colour);
  // Any text: what XML could not hold is written so that it can, or replaced.
  void text(double x, double y, const std::string& text, Anchor anchor = Anchor::start, double size = 12);
  std::string str() const { return elements_ + "</svg>\n"; }

 private:
  std::string elements_;
};

// A bar of length `value`, of which `part` is drawn darker; `said` stands at its end.
struct Bar {
  std::string name, said;
  double value = 0, part = 0;
};
std::string bars_svg(const std::string& title, const std::vector<Bar>& bars);
std::string bars_text(const std::vector<Bar>& bars, size_t columns);  // a line each, of at most so many columns

// Means y with spreads beside a logarithmic x > 0.
struct Point {
  double x = 0, y = 0, spread = 0;
  std::string name = {};  // below the axis
};
std::string curve_svg(const std::string& title, const std::string& y_name, const std::vector<Point>& points);

// PATH with the extension .svg instead of its own.
std::string svg_beside(const std::string& path);

}  // namespace sentiment
