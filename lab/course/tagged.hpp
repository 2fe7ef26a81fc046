#pragma once

#include <string>

#include "results/report/export.hpp"

namespace lab {

/// `TAG     text` on lines of the style's width; what goes on below stands under the text.
std::string tagged(const std::string& tag, const std::string& text, const TextStyle& style);

/// The same for a command: it can be pasted, however long it is.
std::string tagged_command(const std::string& tag, const std::string& command, const TextStyle& style);

/// The same for code: its lines are kept as they are.
std::string tagged_code(const std::string& tag, const std::string& code, const TextStyle& style);

}  // namespace lab
