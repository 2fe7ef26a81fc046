#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/statistics/statistics.hpp"
#include "lab/core/stat.hpp"
#include "results/render/page.hpp"

namespace lab {

/// Text for HTML and SVG, in and outside of quotes: never markup.
std::string escape_markup(std::string_view text);

/// A text of an SVG picture at that place; `more`: further attributes.
std::string svg_text(double x, double y, std::string_view text, std::string_view more = "");
std::string svg_line(double x1, double y1, double x2, double y2, std::string_view more);
/// The picture on paper; `definitions` stand before all shapes.
std::string svg_document(double width, double height, std::string_view definitions, std::string_view shapes,
                         std::string_view paper = "#ffffff");

/// A cell, quoted where RFC 4180 asks for it.
std::string csv_quoted(const std::string& text);
/// A line of such cells. A spreadsheet runs cells that start with = + - @ as
/// formulas (a blank of any kind before them does not stop it); an apostrophe does.
std::string csv_row(const std::vector<std::string>& cells);

/// A number for a program: exact, and empty for what is not there or not finite.
std::string number_cell(const std::optional<double>& value);
/// The whole table, with its headings.
std::string csv_table(const Table& table);

/// A row of a Markdown table. Text, never markup: in a cell a pipe would end it, and a scenario's words must
/// not become HTML or links.
std::string markdown_row(std::vector<std::string> cells);
/// The whole table, with its headings.
std::string markdown_table(const Table& table);

/// Text of a Markdown page that is not to become markup.
std::string markdown_text(const std::string& text);

/// How the numbers of one row are written: one unit, so that they can be compared at a glance.
struct Unit {
  double factor = 1;  ///< of seconds, or of the plain number
  int decimals = 3;
  std::string name;  ///< `s`, `ms`, `µs`, or empty for a plain number
};

/// The unit in which a time of so many seconds reads well: `1.003 s`, `125.0 s`, `5.30 ms`, `8.1 µs`.
Unit time_unit(double seconds);
/// For plain numbers: shares and counts as they are, large ones without decimals.
Unit plain_unit(double value);

/// `3.2 KB`, `41.0 MB`
Unit byte_unit(double bytes);

/// The unit in which a value of that stat reads well.
Unit unit_of(const Stat& stat, double value);

/// `1.003`, without the unit's name. A value far beyond the unit's range comes in its own, with the name.
std::string number(double value, const Unit& unit);
/// `1.003 s`
std::string quantity(double value, const Unit& unit);
/// In the unit in which it reads well.
inline std::string quantity(double value, const Stat& stat) {
  return quantity(value, unit_of(stat, value));
}

/// `1.001–1.003` in that unit; empty where too few repetitions carry an interval.
std::string interval(const Estimate& figure, Unit unit);

/// An engine as its figures are called: `FastAPI`, and `C++` for the lab's own servers.
std::string engine_name(std::string_view engine);

/// For predictions up to years: `0.100 s`, `27 h 46 min`.
std::string long_time(double seconds);

/// `8 GB`, `120 MB`
std::string memory(double bytes);

/// `⌈N/P⌉·d`, in ASCII `ceil(N/P)*d`: there the dot would read as a decimal point.
std::string formula_text(std::string formula, bool ascii);
/// `N = requests, d = one wait, P = threads of a pool`: what the letters of these formulas mean.
std::string formula_legend(const std::string& formulas);

/// The verdict about a documented figure in the words of the column `claimed`; empty for none.
std::string verdict_word(Verdict verdict);

/// `~1.1` for `~1.1s` beside figures in seconds; other spellings stay.
std::string without_unit(const std::string& documented, const Unit& unit);

}  // namespace lab
