#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "lab/core/clock.hpp"
#include "lab/experiment/options.hpp"
#include "results/render/page.hpp"

// What the terminal shows while something runs, and what it asks.

namespace lab {

/// Whether stdout is a terminal that understands colours, and nobody asked for none (NO_COLOR).
bool wants_color();
/// Columns for a report: of stdout's terminal 40 to 120, elsewhere 80.
int report_width();

/// A text on lines of the style's width, which all begin with the blanks that it begins with.
std::string wrapped(const std::string& text, const TextStyle& style);

/// Asks on a terminal (the prompt goes to stderr, on lines of the style's width) and reads a line without
/// blanks at its ends; none at the end of input. Ctrl-C throws Failure.
std::optional<std::string> ask_line(const std::string& prompt, const TextStyle& style);

/// Asks until `take` takes the line, and says what is wrong with those that it refuses; an empty line repeats
/// the question. The line that was taken; none at the end of input.
std::optional<std::string> ask_until(const std::string& question, const std::string& prompt,
                                     const TextStyle& style,
                                     const std::function<Result<void>(const std::string&)>& take);

/// A file of at most a megabyte, or standard input for `-`. Throws Failure (exit 2), which names the option.
std::string read_input(const std::string& option, const std::string& path);

/// What stands on the terminal while repetitions come in: the report so far, and a bar with the time left.
/// On a pipe it prints nothing on stdout; the bar is on stderr and only where that is a terminal.
class LiveView {
 public:
  explicit LiveView(const OutputOptions& output);
  ~LiveView() { clear(); }
  LiveView(const LiveView&) = delete;
  LiveView& operator=(const LiveView&) = delete;

  bool wants_reports() const { return redraws_; }
  /// Replaces what stands there by the report, or by the table alone where the terminal has too few rows.
  void show(const std::string& report, const std::string& table);
  void progress(std::int64_t done, std::int64_t trials, Nanos estimate);
  /// Takes everything away again: the final report follows.
  void clear();

 private:
  void go_back();
  void draw_bar();
  void remove_bar();

  bool redraws_;
  bool bar_wanted_;
  bool bar_shown_ = false;
  bool ascii_;
  int lines_ = 0;
  std::string bar_;
  Nanos began_;
};

}  // namespace lab
