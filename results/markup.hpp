#pragma once

#include <string>
#include <string_view>

#include "results/report.hpp"

namespace lab {

/// Text for HTML and SVG, in and outside of quotes: never markup.
std::string escape_markup(std::string_view text);

/// The lanes of a report as SVG shapes, in a coordinate system of that size. They use the patterns below and
/// the classes `arm`, `time` and `bound`.
struct LanesPicture {
  double width = 0, height = 0;
  std::string shapes;
};
LanesPicture draw_picture(const Report& report);
std::string_view picture_patterns();

}  // namespace lab
