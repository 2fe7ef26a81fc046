#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "lab/cli/commands/verbs.hpp"
#include "lab/cli/tell.hpp"
#include "lab/servers/modes/mode.hpp"

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
  tell("lab: warning: {}\n", text);
}

std::vector<Traits> known_modes() {
  std::vector<Traits> traits;
  for (const Mode* mode : all_modes()) traits.push_back(mode->traits);
  return traits;
}

}  // namespace lab
