#pragma once

#include <string>
#include <vector>

namespace lab {

/// Quoted where RFC 4180 asks for it. A spreadsheet runs cells that start with = + - @ as formulas (a blank
/// of any kind before them does not stop it); an apostrophe does.
std::string csv_cell(const std::string& text);

/// A row of a Markdown table. Text, never markup: in a cell a pipe would end it, and a scenario's words must
/// not become HTML or links.
std::string markdown_row(std::vector<std::string> cells);

}  // namespace lab
