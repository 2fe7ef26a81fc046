#include "lab/cli/tagged.hpp"

#include <poll.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <iostream>

#include "lab/core/error.hpp"
#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "lab/core/utf8.hpp"
#include "lab/experiment/interrupt.hpp"
#include "results/render/wrap.hpp"

namespace lab {

namespace {

constexpr std::size_t kTag = 8;

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

std::string tagged(const std::string& tag, const std::string& text, const TextStyle& style) {
  return join(wrap(printable(text, style.ascii), pad(tag, kTag), kTag, static_cast<std::size_t>(style.width)),
              "\n") +
         "\n";
}

std::string tagged_command(const std::string& tag, const std::string& command, const TextStyle& style) {
  const std::size_t width = static_cast<std::size_t>(style.width) - 2;
  return join(wrap(command, pad(tag, kTag), kTag, width), " \\\n") + "\n";
}

std::string tagged_code(const std::string& tag, const std::string& code, const TextStyle& style) {
  std::string lines;
  for (const std::string& line : split(code, '\n')) {
    std::string row = pad(lines.empty() ? tag : "", kTag) + printable(line, style.ascii);
    row.erase(row.find_last_not_of(' ') + 1);
    lines += row + "\n";
  }
  return lines;
}

void add_text_or_json(CLI::App& app, RawOutputOptions& raw) {
  add_format_option(app, raw, {Format::text, Format::json});
  app.add_flag("--ascii", raw.ascii, "no character beyond ASCII");
}

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

}  // namespace lab
