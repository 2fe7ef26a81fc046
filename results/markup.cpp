#include "results/markup.hpp"

#include "results/utf8.hpp"

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

}  // namespace lab
