#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lab {

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
