#include "results/render/table.hpp"

#include <algorithm>
#include <numeric>
#include <optional>

#include "lab/core/utf8.hpp"

namespace lab {

namespace {

constexpr std::size_t kShortestLabel = 8;
constexpr std::size_t kShortestName = 8;

class Layout {
 public:
  Layout(Table& table, std::size_t width, bool ascii) : table_(table), width_(width), ascii_(ascii) {
    measure();
  }

  void fit() {
    const std::optional<std::size_t> label = find(ColumnRole::label);
    if (excess() > 0 && label && widths_[*label] < kShortestLabel + excess()) drop(ColumnRole::label);
    if (label) shrink(ColumnRole::label, kShortestLabel);
    for (const ColumnRole role : {ColumnRole::note, ColumnRole::arm, ColumnRole::stat, ColumnRole::case_id}) {
      shrink(role, kShortestName);
    }
    if (excess() > 0) drop(ColumnRole::interval);
  }

  std::vector<std::string> lines() const {
    std::vector<std::string> result;
    if (has_headings()) {
      TableRow headings;
      for (const Column& column : table_.columns) headings.cells.push_back(column.heading);
      result.push_back(line(headings));
    }
    for (const TableRow& row : table_.rows) result.push_back(line(row));
    return result;
  }

 private:
  bool has_headings() const {
    return !table_.plain_in_text && std::any_of(table_.columns.begin(), table_.columns.end(),
                                                [](const Column& column) { return !column.heading.empty(); });
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

  void shrink(ColumnRole role, std::size_t least) {
    const std::optional<std::size_t> at = find(role);
    if (!at || widths_[*at] <= least) return;
    widths_[*at] -= std::min(excess(), widths_[*at] - least);
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

  /// How often there is a thing (`uvicorn --workers × 4`) stays readable when its name is cut.
  std::string fitted(const std::string& cell, std::size_t width) const {
    const std::string_view times = ascii_ ? " x " : " × ";
    const std::size_t at = cell.rfind(times);
    const std::string tail = at == std::string::npos ? "" : cell.substr(at);
    if (columns(cell) <= width || tail.empty() || columns(tail) + 1 >= width)
      return shorten(cell, width, ascii_);
    return shorten(cell.substr(0, at), width - columns(tail), ascii_) + tail;
  }

  std::string line(const TableRow& row) const {
    std::string text;
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      if (i > 0) text += std::string(table_.gap, ' ');
      text += pad(fitted(row.cells[i], widths_[i]), widths_[i], table_.columns[i].right);
    }
    if (!row.rest.empty()) text += std::string(table_.gap, ' ') + row.rest;
    text = shorten(text, width_, ascii_);
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
  }

  Table& table_;
  std::vector<std::size_t> widths_;
  std::size_t width_;
  bool ascii_;
};

}  // namespace

std::vector<std::string> lay_out(Table table, std::size_t width, bool ascii) {
  Layout layout(table, width, ascii);
  layout.fit();
  return layout.lines();
}

}  // namespace lab
