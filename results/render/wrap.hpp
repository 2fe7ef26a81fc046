#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lab {

/// Room for a tag of up to five letters and a blank: what stands below goes on behind it.
constexpr std::size_t kTagIndent = 6;

/// Breaks printable text into lines of at most `width` columns, the first after `first`, the others after
/// `indent` blanks. A word longer than a line is cut. Runs of blanks inside a line stay. A number and its
/// unit (`8 min 20 s`) and a command to copy (`lab run x --requests 41`), written as this program was called,
/// stay together where they fit a line.
std::vector<std::string> wrap(std::string_view unwrapped, std::string_view first, std::size_t indent,
                              std::size_t width);

}  // namespace lab
