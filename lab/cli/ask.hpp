#pragma once

#include <functional>
#include <optional>
#include <string>

#include "lab/core/error.hpp"
#include "results/render/page.hpp"

namespace lab {

/// A text on lines of the style's width, which all begin with the blanks that it begins with.
std::string wrapped(const std::string& text, const TextStyle& style);

/// Asks on a terminal (the prompt goes to stderr, on lines of the style's width) and reads a line without
/// blanks at its ends; none at the end of input. Ctrl-C throws Failure.
std::optional<std::string> ask_line(const std::string& prompt, const TextStyle& style);

/// Asks until `take` takes the line, and says what is wrong with those that it refuses; an empty line repeats
/// the question. The line that was taken; none at the end of input.
std::optional<std::string> ask_until(const std::string& question, const std::string& prompt,
                                     const TextStyle& style,
                                     const std::function<Result<void>(const std::string&)>& take);

/// A file of at most a megabyte, or standard input for `-`. Throws Failure (exit 2), which names the option.
std::string read_input(const std::string& option, const std::string& path);

}  // namespace lab
