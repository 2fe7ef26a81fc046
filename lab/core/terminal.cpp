#include "lab/core/terminal.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "lab/core/error.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

/// Asked before main() opens anything: a descriptor opened later takes the number of a closed stdout, and
/// results would land in it.
const bool kStdoutIsOpen = fcntl(STDOUT_FILENO, F_GETFD) != -1;

constexpr std::string_view kInstalled = "lab";
constexpr std::string_view kInClone = "./labw";

bool goes_on(char letter) {
  return std::isalnum(static_cast<unsigned char>(letter)) != 0 ||
         std::string_view("_-./").find(letter) != std::string_view::npos;
}

/// Whether ` run …`, ` --help` or ` [OPTIONS]` follows the program's name; only labw has a `setup`.
bool is_called(std::string_view rest, bool in_clone) {
  if (rest.empty() || rest.front() != ' ') return false;
  rest.remove_prefix(1);
  if (rest.starts_with('[') || rest.starts_with("--")) return true;
  const std::size_t length = std::min(rest.find_first_not_of("abcdefghijklmnopqrstuvwxyz"), rest.size());
  const std::string_view verb = rest.substr(0, length);
  const bool ends = length == rest.size() || !goes_on(rest[length]) || rest[length] == '.';
  return ends && ((in_clone && verb == "setup") || std::ranges::find(kVerbs, verb) != kVerbs.end());
}

}  // namespace

void print(std::string_view text) {
  if (!kStdoutIsOpen) throw Failure(environment_error("standard output is closed"));
  const bool written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (!written && errno != EPIPE) throw Failure(system_error("write", "standard output", errno));
}

void print_warning(std::string_view text) {
  print_error("lab: warning: {}\n", printable(text, false));
}

std::string command_word() {
  const char* typed = std::getenv("LAB_COMMAND");
  return typed == nullptr || *typed == '\0' ? std::string(kInstalled) : shell_word(typed);
}

std::string as_called(std::string_view text, std::string_view word) {
  std::string result;
  if (word == kInstalled) return std::string(text);
  while (!text.empty()) {
    const bool fresh = result.empty() || !goes_on(result.back());
    const bool in_clone = text.starts_with(kInClone);
    const std::string_view program = in_clone ? kInClone : kInstalled;
    if (fresh && text.starts_with(program) && is_called(text.substr(program.size()), in_clone)) {
      result += word;
      text.remove_prefix(program.size());
    } else {
      result += text.front();
      text.remove_prefix(1);
    }
  }
  return result;
}

std::string as_called(std::string_view text) {
  return as_called(text, command_word());
}

}  // namespace lab
