#include "results/render/page.hpp"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <numeric>
#include <utility>

#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"

namespace lab {

Page::Page(const TextStyle& style, int least) : style_(style) {
  style_.width = style.width > 0 ? std::max(style.width, least) : 80;
}

void Page::raw(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) out_ += line + "\n";
}

void Page::line(std::string_view text) {
  text.remove_suffix(text.size() - std::min(text.size(), text.find_last_not_of(' ') + 1));
  out_ += shorten(printable(text, style_.ascii), width(), style_.ascii) + "\n";
}

void Page::hanging(std::string_view first, std::string_view text, std::size_t indent) {
  raw(wrap(printable(text, style_.ascii), printable(first, style_.ascii), indent, width()));
}

void Page::entry(std::string_view tag, std::string_view text, bool alarm, std::size_t indent) {
  const std::size_t from = out_.size();
  hanging(pad(tag, indent), text, indent);
  if (!style_.color) return;
  const std::size_t first_line = out_.find('\n', from) - from;
  const std::size_t bold = std::min(first_line, std::max(tag.size(), kTagIndent - 1));
  out_.insert(from + bold, "\x1b[0m");
  out_.insert(from, alarm ? "\x1b[1;38;5;166m" : "\x1b[1m");
}

void Page::table(const Table& table) {
  for (const std::string& each : lay_out(table, width(), style_.ascii))
    out_ += printable(each, style_.ascii) + "\n";
}

void Page::blank() {
  if (!out_.empty() && !out_.ends_with("\n\n")) out_ += '\n';
}

std::string Page::take() {
  while (out_.ends_with("\n\n")) out_.pop_back();
  return std::move(out_);
}

namespace {

constexpr std::array<std::string_view, 12> kUnits{"ns", "us", "µs", "ms", "s",  "min",
                                                  "h",  "d",  "%",  "MB", "GB", "years"};

std::string_view first_word(std::string_view text) {
  return text.substr(0, text.find(' '));
}

/// What follows the first word and exactly one blank; empty where there is none.
std::string_view after_word(std::string_view text) {
  const std::size_t at = text.find(' ');
  if (at == std::string_view::npos || at + 1 >= text.size() || text[at + 1] == ' ') return {};
  return text.substr(at + 1);
}

bool is_number(std::string_view word) {
  return !word.empty() && std::isdigit(static_cast<unsigned char>(word.back())) != 0;
}

bool is_unit(std::string_view word) {
  while (!word.empty() && std::string_view(".,;:)").find(word.back()) != std::string_view::npos) {
    word.remove_suffix(1);
  }
  return std::ranges::find(kUnits, word) != kUnits.end();
}

bool ends_clause(std::string_view word) {
  return word.empty() || std::string_view(".,;:)").find(word.back()) != std::string_view::npos;
}

/// Bytes of `8 min 20 s` at the beginning of `text`, or none.
std::size_t length_of_quantity(std::string_view text) {
  std::size_t length = 0;
  std::string_view rest = text;
  while (is_number(first_word(rest)) && is_unit(first_word(after_word(rest)))) {
    const std::string_view from_unit = after_word(rest);
    const std::string_view unit = first_word(from_unit);
    length = static_cast<std::size_t>(unit.data() - text.data()) + unit.size();
    rest = ends_clause(unit) ? std::string_view{} : after_word(from_unit);
  }
  return length;
}

/// Bytes of `lab run x --requests 41` at the beginning of `text`, or none: verb, subject, options with
/// values.
std::size_t length_of_command(std::string_view text) {
  const std::string_view program = first_word(text);
  std::string_view rest = after_word(text);
  const std::string_view verb = first_word(rest);
  if (program != "lab" && !program.ends_with("labw")) return 0;
  if (std::ranges::find(kVerbs, verb) == kVerbs.end()) return 0;
  std::string_view last = verb;
  bool value = true;  // a word that is no option may follow
  for (rest = after_word(rest); !rest.empty() && !ends_clause(last); rest = after_word(rest)) {
    const std::string_view word = first_word(rest);
    const bool option = word.starts_with("--");
    if (word.starts_with('(') || (!option && !value)) break;
    value = option && word.find('=') == std::string_view::npos;
    last = word;
  }
  return static_cast<std::size_t>(last.data() - text.data()) + last.size();
}

/// The first word of `text`, or a longer piece that should stay on one line of `room` columns.
std::string_view first_piece(std::string_view text, std::size_t room) {
  const std::size_t length = std::max(length_of_quantity(text), length_of_command(text));
  const std::string_view piece = text.substr(0, length);
  return length > 0 && columns(piece) <= room ? piece : first_word(text);
}

constexpr std::size_t kShortestName = 8;

class Layout {
 public:
  Layout(Table& table, std::size_t width, bool ascii) : table_(table), width_(width), ascii_(ascii) {
    measure();
  }

  void fit() {
    if (excess() > 0) drop(ColumnRole::label);
    if (excess() > 0 && !table_.keeps_interval) drop(ColumnRole::interval);
    for (const ColumnRole role : {ColumnRole::note, ColumnRole::arm, ColumnRole::stat, ColumnRole::case_id})
      shrink(role);
    if (excess() > 0) move_below(ColumnRole::interval);
  }

  std::vector<std::string> lines() const {
    std::vector<std::string> result;
    if (has_headings()) {
      TableRow headings;
      for (const Column& column : table_.columns) headings.cells.push_back(column.heading);
      add(headings, result);
    }
    for (std::size_t i = 0; i < table_.rows.size(); ++i) {
      add(table_.rows[i], result);
      if (i < below_.size() && !below_[i].empty()) result.push_back(shorten(below_[i], width_, ascii_));
    }
    if (!table_.legend.empty())
      for (const std::string& line : wrap(table_.legend, "", 0, width_)) result.push_back(line);
    return result;
  }

 private:
  bool has_headings() const {
    return !table_.plain_in_text &&
           std::ranges::any_of(table_.columns, [](const Column& column) { return !column.heading.empty(); });
  }

  void measure() {
    widths_.assign(table_.columns.size(), 0);
    for (std::size_t i = 0; i < widths_.size(); ++i) {
      const Column& column = table_.columns[i];
      widths_[i] = std::max(column.least, table_.plain_in_text ? 0 : columns(column.heading));
      for (const TableRow& row : table_.rows) {
        if (i < row.cells.size()) widths_[i] = std::max(widths_[i], columns(row.cells[i]));
      }
    }
  }

  std::optional<std::size_t> find(ColumnRole role) const {
    const auto at = std::ranges::find(table_.columns, role, &Column::role);
    if (at == table_.columns.end()) return std::nullopt;
    return static_cast<std::size_t>(at - table_.columns.begin());
  }

  std::size_t excess() const {
    const std::size_t total = std::accumulate(widths_.begin(), widths_.end(),
                                              table_.gap * (widths_.size() - (widths_.empty() ? 0 : 1)));
    return total > width_ ? total - width_ : 0;
  }

  void shrink(ColumnRole role) {
    const std::optional<std::size_t> at = find(role);
    if (!at || widths_[*at] <= kShortestName) return;
    widths_[*at] -= std::min(excess(), widths_[*at] - kShortestName);
  }

  /// Names need not give way to it then.
  void move_below(ColumnRole role) {
    const std::optional<std::size_t> at = find(role);
    if (!at) return;
    const std::string heading = table_.columns[*at].heading;
    for (const TableRow& row : table_.rows) {
      const bool there = *at < row.cells.size() && !row.cells[*at].empty();
      below_.push_back(there ? "  " + heading + ": " + row.cells[*at] : "");
    }
    drop(role);
    measure();
    fit();
  }

  void drop(ColumnRole role) {
    const std::optional<std::size_t> at = find(role);
    if (!at) return;
    const auto place = static_cast<std::ptrdiff_t>(*at);
    table_.columns.erase(table_.columns.begin() + place);
    widths_.erase(widths_.begin() + place);
    for (TableRow& row : table_.rows) {
      if (*at < row.cells.size()) row.cells.erase(row.cells.begin() + place);
    }
  }

  /// The row, on as many lines as its longest name needs.
  void add(TableRow row, std::vector<std::string>& lines) const {
    for (bool more = true; more;) {
      more = false;
      std::string line;
      for (std::size_t i = 0; i < row.cells.size(); ++i) {
        std::string_view rest = row.cells[i];
        const std::string part = take_part(rest, widths_[i]);
        if (i > 0) line += std::string(table_.gap, ' ');
        line += pad(part, widths_[i], table_.columns[i].right);
        more |= !rest.empty();
        row.cells[i] = std::string(rest);
      }
      if (!row.rest.empty()) line += std::string(table_.gap, ' ') + std::exchange(row.rest, "");
      line.erase(line.find_last_not_of(' ') + 1);
      lines.push_back(shorten(line, width_, ascii_));
    }
  }

  /// Takes what fits off the front, up to a blank or the end of a name's part where that is possible.
  static std::string take_part(std::string_view& text, std::size_t width) {
    const std::string_view whole = text;
    std::string part = take_columns(text, width);
    if (text.empty()) return part;
    const std::size_t end = text.front() == ' ' ? part.size() : part.find_last_of(" -.(") + 1;
    if (end > 0) part.resize(end);
    text = whole.substr(std::min(whole.find_first_not_of(' ', part.size()), whole.size()));
    return part;
  }

  Table& table_;
  std::vector<std::size_t> widths_;
  std::vector<std::string> below_;  // by row
  std::size_t width_;
  bool ascii_;
};

/// A command at its blanks, but not at those between quotes: a shell takes a backslash there for itself.
std::vector<std::string> shell_pieces(const std::string& command) {
  std::vector<std::string> pieces(1);
  bool quoted = false, literal = false;
  for (const char letter : command) {
    if (letter == ' ' && !quoted) {
      pieces.emplace_back();
      continue;
    }
    if (letter == '\'' && !literal) quoted = !quoted;
    literal = letter == '\\' && !quoted && !literal;
    pieces.back() += letter;
  }
  return pieces;
}

}  // namespace

std::vector<std::string> wrap(std::string_view unwrapped, std::string_view first, std::size_t indent,
                              std::size_t width) {
  const std::string called = as_called(unwrapped);
  std::string_view text = called;
  const std::size_t room = width > indent + 8 ? width : indent + 8;
  std::vector<std::string> lines;
  std::string line(first);
  bool empty = true;
  const auto end_line = [&] {
    line.erase(line.find_last_not_of(' ') + 1);
    lines.push_back(line);
    line.assign(indent, ' ');
    empty = true;
  };
  while (!text.empty()) {
    const std::size_t blanks = std::min(text.find_first_not_of(' '), text.size());
    text.remove_prefix(blanks);
    std::string_view word = first_piece(text, room - indent);
    text.remove_prefix(word.size());
    const std::size_t gap = empty ? 0 : blanks;
    if (!empty && columns(line) + gap + columns(word) > room) end_line();
    if (!empty) line.append(gap, ' ');
    while (columns(line) + columns(word) > room) {
      line += take_columns(word, room - columns(line));
      empty = false;
      end_line();
    }
    line += word;
    empty = empty && word.empty();
  }
  if (!empty || lines.empty()) end_line();
  return lines;
}

Table note_table(const std::vector<std::string>& headings) {
  Table table;
  for (const std::string& heading : headings) table.columns.push_back({ColumnRole::note, heading});
  return table;
}

std::vector<std::string> lay_out(Table table, std::size_t width, bool ascii) {
  Layout layout(table, width, ascii);
  layout.fit();
  return layout.lines();
}

std::string text_lines(const std::string& text, std::string_view first, std::size_t indent,
                       const TextStyle& style) {
  return join(wrap(printable(text, style.ascii), first, indent, static_cast<std::size_t>(style.width)),
              "\n") +
         "\n";
}

std::string tagged(const std::string& tag, const std::string& text, const TextStyle& style,
                   std::size_t columns) {
  return text_lines(text, pad(tag, columns), columns, style);
}

std::string tagged_command(const std::string& tag, const std::string& command, const TextStyle& style,
                           std::size_t columns) {
  const std::vector<std::string> words = shell_pieces(as_called(command));
  const std::size_t width = static_cast<std::size_t>(style.width) - 2;
  std::size_t longest = 0;
  for (const std::string& word : words) longest = std::max(longest, lab::columns(word));
  const std::size_t indent = std::clamp<std::size_t>(width - std::min(width, longest), 2, columns);
  std::string text, line = pad(tag, columns);
  for (std::size_t i = 0; i < words.size(); ++i) {
    // An option stays with its value where both fit a line.
    std::size_t length = lab::columns(words[i]);
    if (i + 1 < words.size() && words[i].starts_with("--") && !words[i + 1].starts_with("--")) {
      const std::size_t both = length + 1 + lab::columns(words[i + 1]);
      if (indent + both <= width) length = both;
    }
    if (i > 0 && lab::columns(line) + 1 + length > width) {
      text += line + " \\\n";
      line = std::string(indent, ' ') + words[i];
    } else {
      line += (i > 0 ? " " : "") + words[i];
    }
  }
  return text + line + "\n";
}

std::string tagged_code(const std::string& tag, const std::string& code, const TextStyle& style,
                        std::size_t columns) {
  std::string lines;
  for (const std::string& line : split(code, '\n')) {
    std::string row = pad(lines.empty() ? tag : "", columns) + printable(as_called(line), style.ascii);
    row.erase(row.find_last_not_of(' ') + 1);
    lines += row + "\n";
  }
  return lines;
}

std::string listed(const std::string& name, const std::string& text, std::size_t columns,
                   const TextStyle& style) {
  const std::string first = printable(name, style.ascii);
  const bool above = lab::columns(first) + 2 > columns;
  return (above ? first + "\n" : "") + text_lines(text, pad(above ? "" : first, columns), columns, style);
}

}  // namespace lab
