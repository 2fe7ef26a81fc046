#pragma once

#include <string>
#include <string_view>

#include "lab/core/clock.hpp"
#include "lab/core/error.hpp"

namespace lab {

/// Reads `100ms`, `100 ms`, `1.5s`, `1,5 s`, `200us`, `200µs`, `50ns`, `2min`, `1h`: the one reader of times
/// that people write. Refuses a bare number, a negative or absurd span (above 10 years), an unknown unit and
/// `1,000ms`, which may mean one or a thousand, each with the fix.
Result<Nanos> parse_duration(std::string_view written);

/// For people: `400 µs`, `100 ms`, `1.003 s`, `41 min 40 s`, `27 h 46 min` (whole minutes and hours that have
/// passed).
std::string format_duration(Nanos span);

/// The same with the two digits that an estimate is good for: 30.36 s is `30 s`.
std::string format_estimate(Nanos span);

/// As one writes it in a scenario file, exact: `100ms`, `1500us`.
std::string format_duration_literal(Nanos span);

}  // namespace lab
