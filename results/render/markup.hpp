#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "results/report/report.hpp"

namespace lab {

/// Text for HTML and SVG, in and outside of quotes: never markup.
std::string escape_markup(std::string_view text);

/// A text of an SVG picture at that place; `more`: further attributes.
std::string svg_text(double x, double y, std::string_view text, std::string_view more = "");

/// Quoted where RFC 4180 asks for it. A spreadsheet runs cells that start with = + - @ as formulas (a blank
/// of any kind before them does not stop it); an apostrophe does.
std::string csv_cell(const std::string& text);

/// A row of a Markdown table. Text, never markup: in a cell a pipe would end it, and a scenario's words must
/// not become HTML or links.
std::string markdown_row(std::vector<std::string> cells);

/// Text of a Markdown page that is not to become markup.
std::string markdown_text(const std::string& text);

/// The lanes of a report as SVG shapes, in a coordinate system of that size. They use the patterns below and
/// the classes `arm`, `time` and `bound`.
struct LanesPicture {
  double width = 0, height = 0;
  std::string shapes;
};
LanesPicture draw_picture(const Report& report);
std::string_view picture_patterns();

}  // namespace lab
