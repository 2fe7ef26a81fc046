#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lab/core/clock.hpp"

namespace lab {

/// `no requests`, `one request`, `nine requests`, `40 requests`
std::string count(std::int64_t number, std::string_view noun);

/// `450 ms`, `4.50 s`, `18.3 us`: three digits, or the milliseconds of a long time.
std::string format_span(double seconds);
std::string format_span(Nanos span);

}  // namespace lab
