#include "harness/trace/reply_json.hpp"

#include <charconv>

namespace lab {

namespace {

constexpr std::string_view kBlanks = " \t\r\n";

std::size_t skip_blanks(std::string_view text, std::size_t at) {
  const std::size_t next = text.find_first_not_of(kBlanks, at);
  return next == std::string_view::npos ? text.size() : next;
}

/// Just behind the string that begins at `at`; the text's end where it never ends.
std::size_t end_of_string(std::string_view text, std::size_t at) {
  for (++at; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      return at + 1;
    }
  }
  return text.size();
}

/// Just behind the value that begins at `at`.
std::size_t end_of_value(std::string_view text, std::size_t at) {
  int depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = end_of_string(text, at);
      if (depth == 0) return at;
      continue;
    }
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') {
      if (depth == 0) return at;
      if (--depth == 0) return at + 1;
    }
    if (c == ',' && depth == 0) return at;
    ++at;
  }
  return at;
}

/// The text of the key's value; empty where there is none.
std::string_view value_of(std::string_view text, std::string_view key) {
  std::size_t at = skip_blanks(text, 0);
  if (at == text.size() || text[at] != '{') return {};
  ++at;
  while (true) {
    at = skip_blanks(text, at);
    if (at == text.size() || text[at] != '"') return {};
    const std::size_t name_end = end_of_string(text, at);
    const std::string_view name = text.substr(at + 1, name_end - at < 2 ? 0 : name_end - at - 2);
    at = skip_blanks(text, name_end);
    if (at == text.size() || text[at] != ':') return {};
    at = skip_blanks(text, at + 1);
    const std::size_t end = end_of_value(text, at);
    if (name == key) return text.substr(at, end - at);
    at = skip_blanks(text, end);
    if (at == text.size() || text[at] != ',') return {};
    ++at;
  }
}

}  // namespace

std::optional<std::int64_t> json_number(std::string_view object, std::string_view key) {
  std::string_view value = value_of(object, key);
  value = value.substr(0, value.find_last_not_of(kBlanks) + 1);
  std::int64_t number = 0;
  const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (value.empty() || problem != std::errc() || end != value.data() + value.size()) return std::nullopt;
  return number;
}

std::optional<std::string> json_string(std::string_view object, std::string_view key) {
  const std::string_view value = value_of(object, key);
  if (value.size() < 2 || value.front() != '"' || value.back() != '"') return std::nullopt;
  return std::string(value.substr(1, value.size() - 2));
}

}  // namespace lab
