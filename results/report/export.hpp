#pragma once

#include <string>

#include "results/report/report.hpp"

namespace lab {

struct TextStyle {
  int width = 80;
  bool ascii = false;
  bool color = false;
};

/// Table, lanes and remarks for a terminal, a projector or a pipe (text.cpp).
std::string to_text(const Report& report, const TextStyle& style);
/// The table alone; for the live view while repetitions come in.
std::string table_text(const Report& report, const TextStyle& style);
/// lab.run/1, one document with a newline at its end (json.cpp).
std::string to_json(const Report& report);
/// One row per arm, case, repetition and stat (csv.cpp); cells that start with = + - @ are escaped.
std::string to_csv(const Report& report);
/// A table for a README or an issue (markdown.cpp).
std::string to_markdown(const Report& report);
/// The lanes as a picture for a slide or a page (svg.cpp).
std::string to_svg(const Report& report);

}  // namespace lab
