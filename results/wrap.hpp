#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lab {

/// Breaks printable text into lines of at most `width` columns, the first after `first`, the others after
/// `indent` blanks. A word longer than a line is cut. Runs of blanks inside a line stay.
std::vector<std::string> wrap(std::string_view text, std::string_view first, std::size_t indent,
                              std::size_t width);

}  // namespace lab
