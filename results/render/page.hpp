// results/render: text, Markdown, CSV, JSON and SVG of values that are nobody's in particular. The reports of
// results/report and the verbs are written with it; it knows none of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "results/render/table.hpp"
#include "results/render/wrap.hpp"

namespace lab {

struct TextStyle {
  int width = 80;
  bool ascii = false;
  bool color = false;
  bool details = false;  ///< of a report that has a first screen and more behind it
};

/// How pictures are drawn.
struct PictureStyle {
  bool slide = false;             ///< one for a projector, 16:9
  std::optional<bool> dark = {};  ///< else light; a page follows its reader's system
  bool chosen = false;            ///< all arms of the report, which somebody chose, not the two telling ones
};

/// A report for a terminal, a projector or a pipe, from top to bottom. Whatever it is given becomes
/// printable.
class Page {
 public:
  /// Of at least `least` columns, whatever the style says; of 80 where it says nothing.
  explicit Page(const TextStyle& style, int least = 20);

  /// The page's own: with the width that it has.
  const TextStyle& style() const { return style_; }
  std::size_t width() const { return static_cast<std::size_t>(style_.width); }
  /// Lines so far.
  std::size_t rows() const { return static_cast<std::size_t>(std::ranges::count(out_, '\n')); }

  /// Lines that are laid out already.
  void raw(std::string_view text) { out_ += text; }
  void raw(const std::vector<std::string>& lines);
  /// Cut where it is too long.
  void line(std::string_view text);
  void paragraph(std::string_view text) { hanging("", text, 0); }
  /// `first` and the text behind it; further lines are indented.
  void hanging(std::string_view first, std::string_view text, std::size_t indent);
  /// A tag, which is bold on a terminal and orange for an alarm, and the text beside it.
  void entry(std::string_view tag, std::string_view text, bool alarm = false,
             std::size_t indent = kTagIndent);
  void table(const Table& table);
  /// One at most.
  void blank();

  /// Without blank lines at its end.
  std::string take();

 private:
  TextStyle style_;
  std::string out_;
};

}  // namespace lab
