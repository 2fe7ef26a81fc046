#include "lab/core/utf8.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace lab {

namespace {

constexpr char32_t kReplacement = 0xFFFD;

constexpr std::array<std::pair<char32_t, std::string_view>, 33> kAscii{{
    {U'\u00A0', " "},  {U'\u00B0', " deg"},   {U'\u00B1', "+-"}, {U'\u00B5', "u"},   {U'\u00B7', "."},
    {U'\u00D7', "x"},  {U'\u03BC', "u"},      {U'\u2009', " "},  {U'\u2010', "-"},   {U'\u2011', "-"},
    {U'\u2012', "-"},  {U'\u2013', "-"},      {U'\u2014', "-"},  {U'\u2018', "'"},   {U'\u2019', "'"},
    {U'\u201C', "\""}, {U'\u201D', "\""},     {U'\u2022', "*"},  {U'\u2026', "..."}, {U'\u202F', " "},
    {U'\u2190', "<-"}, {U'\u2192', "->"},     {U'\u2212', "-"},  {U'\u221E', "inf"}, {U'\u2248', "~"},
    {U'\u2260', "!="}, {U'\u2264', "<="},     {U'\u2265', ">="}, {U'\u22EE', ":"},   {U'\u2308', "ceil("},
    {U'\u2309', ")"},  {U'\u230A', "floor("}, {U'\u230B', ")"},
}};

bool is_control(char32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x061C ||
         (code >= 0x200B && code <= 0x200F) || (code >= 0x2028 && code <= 0x202E) ||
         (code >= 0x2060 && code <= 0x206F) || code == 0xFEFF;
}

void append_ascii(char32_t code, std::string& out) {
  const auto* known = std::ranges::find_if(kAscii, [code](const auto& entry) { return entry.first == code; });
  if (known != kAscii.end()) {
    out += known->second;
  } else {
    out += '?';
  }
}

}  // namespace

char32_t next_code_point(std::string_view& text) {
  const auto byte = [&text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = byte(0);
  std::size_t length = 1;
  char32_t code = first;
  char32_t least = 0;
  if (first >= 0xC2 && first < 0xE0) {
    length = 2, code = first & 0x1FU, least = 0x80;
  } else if (first >= 0xE0 && first < 0xF0) {
    length = 3, code = first & 0x0FU, least = 0x800;
  } else if (first >= 0xF0 && first < 0xF5) {
    length = 4, code = first & 0x07U, least = 0x10000;
  } else if (first >= 0x80) {
    text.remove_prefix(1);
    return kReplacement;
  }
  for (std::size_t i = 1; i < length; ++i) {
    if (i >= text.size() || (byte(i) & 0xC0U) != 0x80) {
      text.remove_prefix(1);
      return kReplacement;
    }
    code = (code << 6U) | (byte(i) & 0x3FU);
  }
  if (code < least || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) {
    text.remove_prefix(1);
    return kReplacement;
  }
  text.remove_prefix(length);
  return code;
}

void append_code_point(char32_t code, std::string& out) {
  const auto put = [&out](char32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6U));
    put(0x80 | (code & 0x3FU));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12U));
    put(0x80 | ((code >> 6U) & 0x3FU));
    put(0x80 | (code & 0x3FU));
  } else {
    put(0xF0 | (code >> 18U));
    put(0x80 | ((code >> 12U) & 0x3FU));
    put(0x80 | ((code >> 6U) & 0x3FU));
    put(0x80 | (code & 0x3FU));
  }
}

std::size_t columns(std::string_view text) {
  std::size_t count = 0;
  for (; !text.empty(); ++count) next_code_point(text);
  return count;
}

std::string valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) append_code_point(next_code_point(text), out);
  return out;
}

std::string printable(std::string_view text, bool ascii) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const char32_t code = next_code_point(text);
    if (code == '\n' || code == '\t' || code == '\r') {
      out += ' ';
    } else if (is_control(code)) {
      out += '?';
    } else if (code < 0x80 || !ascii) {
      append_code_point(code, out);
    } else {
      append_ascii(code, out);
    }
  }
  return out;
}

std::string take_columns(std::string_view& text, std::size_t count) {
  std::string taken;
  for (std::size_t i = 0; i < count && !text.empty(); ++i) append_code_point(next_code_point(text), taken);
  return taken;
}

std::string shorten(std::string_view text, std::size_t width, bool ascii) {
  if (columns(text) <= width) return std::string(text);
  const std::string_view mark = ascii ? "..." : "…";
  const std::size_t kept = width > columns(mark) ? width - columns(mark) : 0;
  std::string out = take_columns(text, kept);
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return kept == 0 ? std::string(width, '.') : out.append(mark);
}

std::string pad(std::string_view text, std::size_t width, bool right) {
  const std::size_t used = columns(text);
  const std::string blanks(width > used ? width - used : 0, ' ');
  return right ? blanks + std::string(text) : std::string(text) + blanks;
}

}  // namespace lab
