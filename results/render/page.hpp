// results/render: text, Markdown, CSV, JSON and SVG of values that are nobody's in particular. The reports of
// results/report and the verbs are written with it; it knows none of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/statistics/statistics.hpp"

namespace lab {

/// Room for a tag of up to five letters and a blank: what stands below goes on behind it.
constexpr std::size_t kTagIndent = 6;

/// Breaks printable text into lines of at most `width` columns, the first after `first`, the others after
/// `indent` blanks. A word longer than a line is cut. Runs of blanks inside a line stay. A number and its
/// unit (`8 min 20 s`) and a command to copy (`lab run x --requests 41`), written as this program was called,
/// stay together where they fit a line.
std::vector<std::string> wrap(std::string_view unwrapped, std::string_view first, std::size_t indent,
                              std::size_t width);

/// What a column of the arms' table shows; decides what gives way on a narrow terminal.
enum class ColumnRole : std::uint8_t {
  arm,
  case_id,
  engine,
  label,
  stat,
  measured,
  interval,
  expected,
  log,
  note
};

struct Column {
  ColumnRole role = ColumnRole::arm;
  std::string heading;
  bool right = false;
  std::size_t least = 0;  ///< columns that it has at least
};

struct TableRow {
  std::vector<std::string> cells;   ///< one per column; shorter where `rest` takes the place of the others
  std::string rest{};               ///< runs on to the end of the line: `not run: no PostgreSQL`
  Verdict verdict = Verdict::none;  ///< of its cell in the column `log`
};

struct Table {
  std::vector<Column> columns;
  std::vector<TableRow> rows;
  std::size_t gap = 2;          ///< between columns
  bool plain_in_text = false;   ///< a terminal does without the headings
  std::string legend;           ///< stands below: what signs in it mean
  bool keeps_interval = false;  ///< where it has no room it stands below its row instead of being left out
};

/// A table without rows whose columns need no more than their headings.
Table note_table(const std::vector<std::string>& headings);

/// Lines of at most `width` columns without blanks at their ends. What does not fit gives way in this order:
/// the label is left out, then the interval, unless the table keeps it; names go on in the next line; at
/// last, lines are cut.
std::vector<std::string> lay_out(Table table, std::size_t width, bool ascii);

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

// Text by itself, for a screen that is asked and answered line by line.

/// Text on lines of the style's width, `first` in front; what goes on below is indented.
std::string text_lines(const std::string& text, std::string_view first, std::size_t indent,
                       const TextStyle& style);

constexpr std::size_t kTagColumns = 8;

/// `TAG     text` on lines of the style's width; what goes on below stands under the text.
std::string tagged(const std::string& tag, const std::string& text, const TextStyle& style,
                   std::size_t columns = kTagColumns);
/// The same for a command: it can be pasted, however long it is.
std::string tagged_command(const std::string& tag, const std::string& command, const TextStyle& style,
                           std::size_t columns = kTagColumns);
/// The same for code: its lines are kept as they are, but for commands, which are written as this program was
/// called.
std::string tagged_code(const std::string& tag, const std::string& code, const TextStyle& style,
                        std::size_t columns = kTagColumns);

/// What stands in front of a text in a list; on a line of its own where it leaves no blanks before the text.
std::string listed(const std::string& name, const std::string& text, std::size_t columns,
                   const TextStyle& style);

}  // namespace lab
