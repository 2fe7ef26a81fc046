#include "lab/live.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "lab/core/duration.hpp"

namespace lab {

namespace {

int terminal_rows() {
  winsize size{};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_row : 0;
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

void LiveView::show(const std::string& report) {
  if (!redraws_) return;
  const int lines = static_cast<int>(std::count(report.begin(), report.end(), '\n'));
  if (lines + 2 > terminal_rows()) return;  // the cursor cannot go back to what has scrolled away
  remove_bar();
  if (lines_ > 0) fmt::print("\x1b[{}A\x1b[J", lines_);
  fmt::print("{}", report);
  std::fflush(stdout);
  lines_ = lines;
  draw_bar();
}

void LiveView::progress(std::int64_t done, std::int64_t trials, Nanos estimate) {
  if (!bar_wanted_ || trials == 0) return;
  constexpr std::int64_t kWidth = 30;
  const std::int64_t full = kWidth * done / trials;
  const Nanos spent = monotonic_now() - began_;
  const Nanos left = done > 0 ? spent * (trials - done) / done : estimate;
  bar_.clear();
  for (std::int64_t i = 0; i < kWidth; ++i) {
    bar_ += ascii_ ? (i < full ? "#" : ".") : (i < full ? "█" : "░");
  }
  bar_ += fmt::format(" {}/{}, about {} left", done, trials, format_duration(std::max<Nanos>(left, 0)));
  draw_bar();
}

void LiveView::draw_bar() {
  if (bar_.empty()) return;
  fmt::print(stderr, "\r\x1b[K{}", bar_);
  std::fflush(stderr);
  bar_shown_ = true;
}

void LiveView::remove_bar() {
  if (!bar_shown_) return;
  fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
  bar_shown_ = false;
}

void LiveView::clear() {
  remove_bar();
  bar_.clear();
  if (lines_ > 0) {
    fmt::print("\x1b[{}A\x1b[J", lines_);
    std::fflush(stdout);
  }
  lines_ = 0;
}

}  // namespace lab
