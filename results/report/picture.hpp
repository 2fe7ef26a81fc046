#pragma once

#include <string>

#include "results/render/page.hpp"
#include "results/report/report.hpp"

namespace lab {

/// The lanes of a report as SVG shapes, in a coordinate system of that size. They use the patterns below and
/// the classes of picture_style().
struct LanesPicture {
  double width = 0, height = 0;
  std::string shapes;
};

/// Those of the telling arms, as a terminal shows them; with `chosen` of all arms. `titled`: with the
/// question above.
LanesPicture draw_picture(const Report& report, const PictureStyle& style, bool titled = false);

/// A slide for a projector: the question, the sentence that answers it, the lanes of two arms, or of up to
/// four that were chosen, all of one case, and the command that runs them. 1920 × 1080.
LanesPicture draw_slide(const Report& report, const PictureStyle& style);

/// What stands before the shapes in an SVG element: what its bars are filled with, and how text looks.
std::string picture_patterns(const PictureStyle& style);
std::string picture_style(const PictureStyle& style);

/// The picture or slide as a file by itself.
std::string to_svg(const Report& report, const PictureStyle& style);

/// The sentence that answers the scenario's question; empty where it has none or a figure is missing.
std::string answer_of(const Report& report);

}  // namespace lab
