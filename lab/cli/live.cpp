#include "lab/cli/live.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "lab/core/duration.hpp"
#include "lab/core/terminal.hpp"

namespace lab {

namespace {

struct TerminalSize {
  int rows = 0, columns = 80;
};

TerminalSize terminal_size() {
  winsize size{};
  const bool known =
      ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 || ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0;
  return known && size.ws_col > 0 ? TerminalSize{size.ws_row, size.ws_col} : TerminalSize{};
}

/// What the view draws can be drawn again: a stdout that takes nothing is found out by the report that
/// follows.
void draw(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

bool dumb_terminal() {
  const char* term = std::getenv("TERM");
  return term == nullptr || std::string_view(term) == "dumb";
}

}  // namespace

LiveView::LiveView(const OutputOptions& output)
    : redraws_(output.terminal && !output.quiet && output.format == Format::text && !dumb_terminal()),
      bar_wanted_(!output.quiet && isatty(STDERR_FILENO) == 1 && !dumb_terminal()),
      ascii_(output.style.ascii),
      began_(monotonic_now()) {}

void LiveView::show(const std::string& report, const std::string& table) {
  if (!redraws_) return;
  const auto lines_of = [](const std::string& text) {
    return static_cast<int>(std::count(text.begin(), text.end(), '\n'));
  };
  const int room = terminal_size().rows - 2;  // the cursor cannot go back to what has scrolled away
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
  const std::int64_t width = std::clamp(terminal_size().columns - kWords, 0, 30);
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
