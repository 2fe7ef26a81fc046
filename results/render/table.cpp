#include "results/render/table.hpp"

#include <algorithm>
#include <numeric>
#include <optional>
#include <string_view>
#include <utility>

#include "lab/core/utf8.hpp"
#include "results/render/wrap.hpp"

namespace lab {

namespace {

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
    for (std::size_t i = 0; i < table_.columns.size(); ++i) {
      if (table_.columns[i].role == role) return i;
    }
    return std::nullopt;
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

}  // namespace

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

}  // namespace lab
