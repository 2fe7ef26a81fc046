#pragma once

#include <string>
#include <string_view>

namespace lab {

/// The first key that an object of this JSON text has twice, of which parsers keep one without a word; empty
/// where there is none. The text must be valid JSON.
std::string key_that_stands_twice(std::string_view json);

/// Whether a text is UTF-8 (RFC 3629).
bool is_utf8(std::string_view text);

}  // namespace lab
