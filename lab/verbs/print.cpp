#include <cerrno>
#include <cstdio>

#include "lab/servers/mode.hpp"
#include "lab/verbs/verbs.hpp"

namespace lab {

void print(std::string_view text) {
  const bool written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (!written && errno != EPIPE) throw Failure(system_error("write", "standard output", errno));
}

void print_warning(std::string_view text) {
  fmt::print(stderr, "lab: warning: {}\n", text);
}

std::vector<Traits> known_modes() {
  std::vector<Traits> traits;
  for (const Mode* mode : all_modes()) traits.push_back(mode->traits);
  return traits;
}

}  // namespace lab
