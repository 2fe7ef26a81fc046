#pragma once

#include <array>
#include <string>
#include <string_view>

namespace lab {

/// The verbs of the command line.
inline constexpr std::array<std::string_view, 19> kVerbs{
    "list",  "show",    "run",    "predict", "serve",  "load", "diagnose", "export",     "report", "history",
    "sweep", "compare", "verify", "explain", "advise", "quiz", "grade",    "completion", "doctor"};

/// How the reader starts this program: as labw was called, which says so in LAB_COMMAND; else `lab`.
std::string command_word();

/// `text` with its commands as the reader can type them: `./labw run gil` for `lab run gil`. In sources, data
/// and JSON they stand as `lab …`.
std::string as_called(std::string_view text, std::string_view word);
std::string as_called(std::string_view text);

}  // namespace lab
