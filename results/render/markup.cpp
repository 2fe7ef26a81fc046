#include "results/render/markup.hpp"

#include <fmt/format.h>

#include "lab/core/utf8.hpp"

namespace lab {

std::string escape_markup(std::string_view text) {
  std::string result;
  for (const char letter : printable(text, false)) {
    switch (letter) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      case '"': result += "&quot;"; break;
      default: result += letter;
    }
  }
  return result;
}

std::string svg_text(double x, double y, std::string_view text, std::string_view more) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" {}>{}</text>\n", x, y, more, escape_markup(text));
}

}  // namespace lab
