#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "results/report/report.hpp"

namespace lab {

/// What a column of the arms' table tells; decides what gives way on a narrow terminal.
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
};

struct TableRow {
  std::vector<std::string> cells;  ///< one per column; shorter where `rest` takes the place of the others
  std::string rest;                ///< runs on to the end of the line: `not run: no PostgreSQL`
};

struct Table {
  std::vector<Column> columns;
  std::vector<TableRow> rows;
  bool has_headings() const;
};

/// The arms' table, spelled but not laid out: one row per arm, case and engine; with headline stats besides
/// makespan, one per stat as well. `ascii` as in TextStyle.
Table make_table(const Report& report, bool ascii);

/// Headings for a table that has none, as that of a prediction on a terminal.
void name_columns(Table& table);

/// Lines of at most `width` columns without blanks at their ends. What does not fit gives way in this order:
/// the label is shortened, then left out; then names are shortened; then the interval is left out; then lines
/// are cut.
std::vector<std::string> lay_out(Table table, std::size_t width, bool ascii);

}  // namespace lab
