// Pieces of a page: text made safe, tables, drawings in SVG with a table beside each. No script, nothing from
// elsewhere.
#pragma once

#include <string>
#include <vector>

namespace report {

// A table that can be reached by keyboard where it is wider than the window; the first cell of a row is its heading.
// Cells are text; a cell that begins with "\x01" is HTML already.
std::string table(const std::string& caption, const std::vector<std::string>& columns,
                  const std::vector<std::vector<std::string>>& rows);
std::string html_cell(const std::string& html);

// Lines over steps, one a run: the drawing, and behind it the numbers at some of the steps. Colours and dashes go by
// the line's place, so that a run looks the same in every drawing. Of more than `most` points neighbours are averaged.
struct Line {
  std::string name;
  std::vector<double> x, y;
  size_t place = 0;
};
std::string line_chart(const std::string& title, const std::string& x_name, const std::vector<Line>& lines,
                       size_t most);

// A reliability diagram: bars of the share that is right, at their mean confidence, with whiskers; the diagonal is
// what they should be.
struct Bar {
  double from = 0, to = 1, confidence = 0, right = 0, low = 0, high = 1;
  long count = 0;
};
std::string reliability_chart(const std::string& title, const std::vector<Bar>& bars);

// "0.8125", "1.2e-05", "12,034": as short as four digits are.
std::string number(double value);

// The page around it: title, style for light, dark and print.
std::string page(const std::string& title, const std::string& body);

}  // namespace report
