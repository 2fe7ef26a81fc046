#include "lab/core/terminal.hpp"

#include "lab/core/error.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace lab {

namespace {

/// Asked before main() opens anything: a descriptor opened later takes the number of a closed stdout, and
/// results would land in it.
const bool kStdoutIsOpen = fcntl(STDOUT_FILENO, F_GETFD) != -1;

}  // namespace

void print(std::string_view text) {
  if (!kStdoutIsOpen) throw Failure(environment_error("standard output is closed"));
  const bool written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (!written && errno != EPIPE) throw Failure(system_error("write", "standard output", errno));
}

void print_warning(std::string_view text) {
  print_error("lab: warning: {}\n", text);
}

}  // namespace lab
