#pragma once

#include <string>
#include <string_view>

namespace lab {

/// The first key that an object of this JSON text has twice, of which parsers keep one without a word; empty
/// where there is none. The text must be valid JSON.
std::string key_that_stands_twice(std::string_view json);

}  // namespace lab
