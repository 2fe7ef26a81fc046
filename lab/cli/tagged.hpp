#pragma once

#include <optional>
#include <string>

#include "lab/cli/options.hpp"
#include "results/report/export.hpp"

namespace lab {

/// `TAG     text` on lines of the style's width; what goes on below stands under the text.
std::string tagged(const std::string& tag, const std::string& text, const TextStyle& style);

/// The same for a command: it can be pasted, however long it is.
std::string tagged_command(const std::string& tag, const std::string& command, const TextStyle& style);

/// The same for code: its lines are kept as they are.
std::string tagged_code(const std::string& tag, const std::string& code, const TextStyle& style);

/// The options --format (text or json) and --ascii of verbs that know no other format.
void add_text_or_json(CLI::App& app, RawOutputOptions& raw);

/// A text on lines of the style's width, which all begin with the blanks that it begins with.
std::string wrapped(const std::string& text, const TextStyle& style);

/// Asks on a terminal (the prompt goes to stderr, on lines of the style's width) and reads a line without
/// blanks at its ends; none at the end of input. Ctrl-C throws Failure.
std::optional<std::string> ask_line(const std::string& prompt, const TextStyle& style);

}  // namespace lab
