#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lab {

/// The whole number that a JSON object has under this key at its top level; none where there is no such
/// number, or the text is no object.
std::optional<std::int64_t> json_number(std::string_view object, std::string_view key);

/// The same of a string.
std::optional<std::string> json_string(std::string_view object, std::string_view key);

}  // namespace lab
