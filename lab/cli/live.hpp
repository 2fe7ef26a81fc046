#pragma once

#include <cstdint>
#include <string>

#include "lab/cli/options.hpp"
#include "lab/core/clock.hpp"

namespace lab {

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
