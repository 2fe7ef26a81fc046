#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace lab {

/// Steps of insertion, deletion, replacement or swap of neighbours between two words
/// (Damerau 1964, optimal string alignment).
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate nearest to `word`, where one is near enough to be what was meant.
std::optional<std::string> nearest_word(std::string_view word, const std::vector<std::string>& candidates);

/// ` (did you mean 'x'? known: a, b, c)`: what an error about an unknown word ends with.
std::string suggestion(std::string_view word, const std::vector<std::string>& candidates);

/// The number that the text begins with, as std::from_chars reads it, which not every library can.
std::from_chars_result read_double(std::string_view text, double& number);

/// The number, where the text is one that fits and nothing else, as std::from_chars reads it; whole ones to
/// that base.
template <class Number>
std::optional<Number> number_in(std::string_view text, [[maybe_unused]] int base = 10) {
  Number number{};
  const char* const end = text.data() + text.size();
  std::from_chars_result read{};
  if constexpr (std::is_floating_point_v<Number>) {
    read = read_double(text, number);
  } else {
    read = std::from_chars(text.data(), end, number, base);
  }
  return read.ec == std::errc() && read.ptr == end ? std::optional(number) : std::nullopt;
}

/// Without the blanks and tabs around it.
std::string_view trim(std::string_view text);

/// Of ASCII, whatever the locale.
inline bool is_digit(char letter) {
  return letter >= '0' && letter <= '9';
}
inline char to_lower(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}
/// As names of header fields are compared (RFC 9110, 5.1).
inline bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return x == y || to_lower(x) == to_lower(y); });
}
std::string lower_case(std::string_view text);

/// Every `what` in the text becomes `by`, which may hold another one.
void replace_all(std::string& text, std::string_view what, std::string_view by);

/// Whether one of the words is that one.
bool contains(const std::vector<std::string>& words, std::string_view word);

/// Whether all of it are ASCII letters, digits and signs of `besides`.
bool has_only_letters(std::string_view text, std::string_view besides);

/// 1234567 as `1,234,567`; Python takes underscores.
std::string grouped(std::int64_t number, char separator = ',');

/// `1 request`, `20 requests`.
std::string plural(std::int64_t number, std::string_view noun);

/// As a sentence says it, up to twelve in words: `no`, `one`, `two`.
std::string number_word(std::int64_t number);

/// As a shell takes it for one word.
std::string shell_word(const std::string& word);

std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::vector<std::string> split(std::string_view text, char separator);

/// The names or ids of all of them.
template <class Items>
std::vector<std::string> ids_of(const Items& items) {
  std::vector<std::string> ids;
  for (const auto& item : items) {
    if constexpr (requires { item.id; }) {
      ids.emplace_back(item.id);
    } else if constexpr (requires { item.name; }) {
      ids.emplace_back(item.name);
    } else {
      ids.emplace_back(item.first);
    }
  }
  return ids;
}

/// What `make` gives for each of them, or that member of each.
template <class Items, class Make>
auto mapped(const Items& items, const Make& make) {
  std::vector<std::decay_t<std::invoke_result_t<const Make&, decltype(*std::begin(items))>>> made;
  for (const auto& item : items) made.push_back(std::invoke(make, item));
  return made;
}

/// Adds it where it is not there yet.
template <class Values, class Value>
void add_once(Values& values, const Value& value) {
  if (std::find(values.begin(), values.end(), value) == values.end()) values.emplace_back(value);
}

/// Takes the first code point off `text`, which must not be empty; U+FFFD for a byte that is not UTF-8 (RFC
/// 3629).
char32_t next_code_point(std::string_view& text);

void append_code_point(char32_t code, std::string& out);

/// The first `count` columns of `text`, taken off it.
std::string take_columns(std::string_view& text, std::size_t count);

/// Code points, which are the columns of all text that the lab prints.
std::size_t columns(std::string_view text);

/// The same text; what is not UTF-8 becomes U+FFFD.
std::string valid_utf8(std::string_view text);

/// Fit for a terminal: valid, on one line, and without control characters or bidirectional overrides, which a
/// hostile file could use to rewrite the screen. With `ascii` no byte above 126: `–` becomes `-`, `⌈x⌉`
/// `ceil(x)`.
std::string printable(std::string_view text, bool ascii);

/// At most `width` columns; what was cut off is marked with `…` (or `...`).
std::string shorten(std::string_view text, std::size_t width, bool ascii);

/// `text` and blanks up to `width` columns.
std::string pad(std::string_view text, std::size_t width, bool right = false);

}  // namespace lab
