#pragma once

#include <optional>
#include <string>

#include "results/report/export.hpp"

namespace lab {

/// A text on lines of the style's width, which all begin with the blanks that it begins with.
std::string wrapped(const std::string& text, const TextStyle& style);

/// Asks on a terminal (the prompt goes to stderr, on lines of the style's width) and reads a line without
/// blanks at its ends; none at the end of input. Ctrl-C throws Failure.
std::optional<std::string> ask_line(const std::string& prompt, const TextStyle& style);

/// A file of at most a megabyte, or standard input for `-`. Throws Failure (exit 2), which names the option.
std::string read_input(const std::string& option, const std::string& path);

}  // namespace lab
