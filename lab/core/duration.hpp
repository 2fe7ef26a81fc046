#pragma once

#include <string>
#include <string_view>

#include "lab/core/clock.hpp"
#include "lab/core/error.hpp"

namespace lab {

/// Reads `100ms`, `1.5s`, `200us`, `50ns`, `2min`, `1h`. Refuses a bare number, a negative or absurd span
/// (above 10 years) and an unknown unit, each with the fix.
Result<Nanos> parse_duration(std::string_view text);

/// For people: `400 us`, `100 ms`, `1.003 s`, `41 min 40 s`, `27 h 46 min` (whole minutes and hours that have
/// passed).
std::string format_duration(Nanos span);

/// As one writes it in a scenario file, exact: `100ms`, `1500us`.
std::string spell_duration(Nanos span);

}  // namespace lab
