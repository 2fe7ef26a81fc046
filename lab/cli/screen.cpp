#include "lab/cli/screen.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <initializer_list>
#include <iostream>
#include <string_view>

#include "lab/core/clock.hpp"
#include "lab/core/interrupt.hpp"
#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "results/render/page.hpp"

namespace lab {

namespace {

/// Of the first of these descriptors that is a terminal with a size.
winsize terminal_size(std::initializer_list<int> descriptors) {
  winsize size{};
  for (const int fd : descriptors) {
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size;
  }
  return {0, 80, 0, 0};
}

/// What the view draws can be drawn again: a stdout that takes nothing is found out by the report that
/// follows.
void draw(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

bool has_dumb_terminal() {
  const char* term = std::getenv("TERM");
  return term != nullptr && std::string_view(term) == "dumb";
}

/// Whether it can be drawn over what a terminal shows.
bool can_redraw() {
  return std::getenv("TERM") != nullptr && !has_dumb_terminal();
}

}  // namespace

bool wants_color() {
  const char* no_color = std::getenv("NO_COLOR");
  // mpirun gives its processes a terminal whatever its own output is.
  const bool under_mpi = std::getenv("OMPI_COMM_WORLD_SIZE") != nullptr;
  return isatty(STDOUT_FILENO) == 1 && !has_dumb_terminal() && !under_mpi &&
         (no_color == nullptr || *no_color == '\0');
}

int report_width() {
  return isatty(STDOUT_FILENO) == 1 ? std::clamp<int>(terminal_size({STDOUT_FILENO}).ws_col, 40, 120) : 80;
}

std::string wrapped(const std::string& text, const TextStyle& style) {
  const std::string blanks(std::min(text.find_first_not_of(' '), text.size()), ' ');
  return text_lines(text, blanks, blanks.size(), style);
}

std::optional<std::string> ask_line(const std::string& prompt, const TextStyle& style) {
  std::string words = wrapped(prompt, style);
  words.back() = ' ';
  print_error("{}", words);
  // Not the read itself: a signal just before it would not end it.
  await_ready(STDIN_FILENO, POLLIN, kNever);
  if (interrupt_signal() != 0) throw Failure(environment_error("interrupted"));
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
    auto line = ask_line(prompt, style);
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

LiveView::LiveView(const OutputOptions& output)
    : redraws_(output.terminal && !output.quiet && output.format == Format::text && can_redraw()),
      bar_wanted_(!output.quiet && isatty(STDERR_FILENO) == 1 && can_redraw()),
      ascii_(output.style.ascii),
      began_(monotonic_now()) {}

void LiveView::show(const std::string& report, const std::string& table) {
  if (!redraws_) return;
  const auto lines_of = [](const std::string& text) {
    return static_cast<int>(std::ranges::count(text, '\n'));
  };
  const int room = terminal_size({STDOUT_FILENO, STDERR_FILENO}).ws_row -
                   2;  // the cursor cannot go back to what has scrolled away
  const std::string& fitting = lines_of(report) <= room ? report : table;
  if (lines_of(fitting) > room) return;
  remove_bar();
  go_back();
  draw(fitting);
  lines_ = lines_of(fitting);
  draw_bar();
}

void LiveView::go_back() {
  if (lines_ > 0) draw(fmt::format("\x1b[{}A\x1b[J", lines_));
  lines_ = 0;
}

void LiveView::progress(std::int64_t done, std::int64_t trials, Nanos estimate) {
  if (!bar_wanted_ || trials == 0) return;
  constexpr int kWords = 34;  // `12/30, about 11 s left`, and room to spare
  const std::int64_t width = std::clamp(terminal_size({STDOUT_FILENO, STDERR_FILENO}).ws_col - kWords, 0, 30);
  const std::int64_t full = width * done / trials;
  const Nanos spent = monotonic_now() - began_;
  const Nanos left = done > 0 ? spent * (trials - done) / done : estimate;
  bar_.clear();
  for (std::int64_t i = 0; i < width; ++i) {
    bar_ += ascii_ ? (i < full ? "#" : ".") : (i < full ? "█" : "░");
  }
  bar_ += fmt::format(" {}/{}, about {} left", done, trials, format_estimate(std::max<Nanos>(left, 0)));
  draw_bar();
}

void LiveView::draw_bar() {
  if (bar_.empty()) return;
  print_error("\r\x1b[K{}", bar_);
  std::fflush(stderr);
  bar_shown_ = true;
}

void LiveView::remove_bar() {
  if (!bar_shown_) return;
  print_error("\r\x1b[K");
  std::fflush(stderr);
  bar_shown_ = false;
}

void LiveView::clear() {
  remove_bar();
  bar_.clear();
  go_back();
}

}  // namespace lab
