#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include "lab/core/command_word.hpp"

namespace lab {

/// Progress, questions and warnings go to stderr. Nobody may be listening there, and that is no error: a
/// closed pipe or a full disk behind stderr must not end an experiment. Commands are spelt as this program
/// was called.
template <class... Args>
void print_error(fmt::format_string<Args...> text, Args&&... args) {
  const std::string line = as_called(fmt::format(text, std::forward<Args>(args)...));
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fflush(stderr);
}

/// Results go to stdout; what cannot be written is an error (exit 3), but for a reader that went away.
void print(std::string_view text);
/// One line on stderr: `lab: warning: …`.
void print_warning(std::string_view text);

}  // namespace lab
