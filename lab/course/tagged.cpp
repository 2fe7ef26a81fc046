#include "lab/course/tagged.hpp"

#include "lab/core/text.hpp"
#include "lab/core/utf8.hpp"
#include "results/render/wrap.hpp"

namespace lab {

namespace {

constexpr std::size_t kTag = 8;

}  // namespace

std::string tagged(const std::string& tag, const std::string& text, const TextStyle& style) {
  return wrapped_text(text, pad(tag, kTag), kTag, static_cast<std::size_t>(style.width), style.ascii);
}

std::string tagged_command(const std::string& tag, const std::string& command, const TextStyle& style) {
  const std::size_t width = static_cast<std::size_t>(style.width) - 2;
  return join(wrap(command, pad(tag, kTag), kTag, width), " \\\n") + "\n";
}

std::string tagged_code(const std::string& tag, const std::string& code, const TextStyle& style) {
  std::string lines;
  for (const std::string& line : split(code, '\n')) {
    std::string row = pad(lines.empty() ? tag : "", kTag) + printable(line, style.ascii);
    row.erase(row.find_last_not_of(' ') + 1);
    lines += row + "\n";
  }
  return lines;
}

}  // namespace lab
