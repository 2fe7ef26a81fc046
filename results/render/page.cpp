#include "results/render/page.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "lab/core/utf8.hpp"

namespace lab {

Page::Page(const TextStyle& style, int least) : style_(style) {
  style_.width = style.width > 0 ? std::max(style.width, least) : 80;
}

void Page::raw(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) out_ += line + "\n";
}

void Page::line(std::string_view text) {
  text.remove_suffix(text.size() - std::min(text.size(), text.find_last_not_of(' ') + 1));
  out_ += shorten(printable(text, style_.ascii), width(), style_.ascii) + "\n";
}

void Page::hanging(std::string_view first, std::string_view text, std::size_t indent) {
  raw(wrap(printable(text, style_.ascii), printable(first, style_.ascii), indent, width()));
}

void Page::entry(std::string_view tag, std::string_view text, bool alarm, std::size_t indent) {
  const std::size_t from = out_.size();
  hanging(pad(tag, indent), text, indent);
  if (!style_.color) return;
  const std::size_t first_line = out_.find('\n', from) - from;
  const std::size_t bold = std::min(first_line, std::max(tag.size(), kTagIndent - 1));
  out_.insert(from + bold, "\x1b[0m");
  out_.insert(from, alarm ? "\x1b[1;38;5;166m" : "\x1b[1m");
}

void Page::table(const Table& table) {
  for (const std::string& each : lay_out(table, width(), style_.ascii))
    out_ += printable(each, style_.ascii) + "\n";
}

void Page::blank() {
  if (!out_.empty() && !out_.ends_with("\n\n")) out_ += '\n';
}

std::string Page::take() {
  while (out_.ends_with("\n\n")) out_.pop_back();
  return std::move(out_);
}

}  // namespace lab
