#pragma once

#include <string>
#include <string_view>

#include "results/report/report.hpp"

namespace lab {

/// Text for HTML and SVG, in and outside of quotes: never markup.
std::string escape_markup(std::string_view text);

/// A text of an SVG picture at that place; `more`: further attributes.
std::string svg_text(double x, double y, std::string_view text, std::string_view more = "");

/// The lanes of a report as SVG shapes, in a coordinate system of that size. They use the patterns below and
/// the classes `arm`, `time` and `bound`.
struct LanesPicture {
  double width = 0, height = 0;
  std::string shapes;
};
LanesPicture draw_picture(const Report& report);
std::string_view picture_patterns();

}  // namespace lab
