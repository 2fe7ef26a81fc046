#include "lab/cli/ask.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iostream>

#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "lab/core/utf8.hpp"
#include "lab/course/course.hpp"
#include "lab/experiment/interrupt.hpp"
#include "results/render/wrap.hpp"

namespace lab {

namespace {

/// Until a line or the end of input is there, or Ctrl-C came: a signal just before a read would not end the
/// read.
void wait_for_input() {
  pollfd watched[] = {{STDIN_FILENO, POLLIN, 0}, {interrupt_fd(), POLLIN, 0}};
  while (interrupt_signal() == 0 && poll(watched, 2, -1) < 0 && errno == EINTR) {
  }
  if (interrupt_signal() != 0) throw Failure(environment_error("interrupted"));
}

std::string prompt_lines(const std::string& text, const TextStyle& style) {
  const std::string blanks(std::min(text.find_first_not_of(' '), text.size()), ' ');
  return join(
      wrap(printable(text, style.ascii), blanks, blanks.size(), static_cast<std::size_t>(style.width)), "\n");
}

}  // namespace

std::string wrapped(const std::string& text, const TextStyle& style) {
  return prompt_lines(text, style) + "\n";
}

std::optional<std::string> ask_line(const std::string& prompt, const TextStyle& style) {
  print_error("{} ", prompt_lines(prompt, style));
  wait_for_input();
  std::string line;
  const bool read = static_cast<bool>(std::getline(std::cin, line));
  if (interrupt_signal() != 0) throw Failure(environment_error("interrupted"));
  if (!read) {
    print_error("\n");
    return std::nullopt;
  }
  const std::size_t first = line.find_first_not_of(" \t\r");
  if (first == std::string::npos) return "";
  return line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
}

std::optional<std::string> ask_until(const std::string& question, const std::string& prompt,
                                     const TextStyle& style,
                                     const std::function<Result<void>(const std::string&)>& take) {
  for (bool repeat = true;;) {
    if (repeat) print_error("\n{}", question);
    const auto line = ask_line(prompt, style);
    if (!line) return line;
    repeat = line->empty();
    if (repeat) continue;
    const auto taken = take(*line);
    if (taken) return line;
    print_error("{}", tagged("", taken.error().message, style));
  }
}

std::string read_input(const std::string& option, const std::string& path) {
  constexpr std::size_t kLargestFile = 1 << 20;
  std::ifstream file;
  if (path != "-") {
    file.open(path, std::ios::binary);
    if (!file) throw Failure(usage_error("{}: {}: cannot be read", option, path));
  }
  std::istream& input = path == "-" ? std::cin : file;
  std::string text(kLargestFile + 1, '\0');
  input.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(input.gcount()));
  if (text.size() > kLargestFile) throw Failure(usage_error("{}: {}: more than a megabyte", option, path));
  return text;
}

}  // namespace lab
