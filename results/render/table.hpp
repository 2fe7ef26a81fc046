#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lab {

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
  std::vector<std::string> cells;  ///< one per column; shorter where `rest` takes the place of the others
  std::string rest;                ///< runs on to the end of the line: `not run: no PostgreSQL`
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

}  // namespace lab
