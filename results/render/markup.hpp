#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

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

}  // namespace lab
