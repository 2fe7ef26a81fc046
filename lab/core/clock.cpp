#include "lab/core/clock.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "lab/core/text.hpp"

namespace lab {

namespace {

struct Unit {
  std::string_view name;
  Nanos nanos;
};
constexpr std::array<Unit, 6> kUnits{{{"ns", 1},
                                      {"us", kMicrosecond},
                                      {"ms", kMillisecond},
                                      {"s", kSecond},
                                      {"min", 60 * kSecond},
                                      {"h", 3600 * kSecond}}};
constexpr double kLongest = 10.0 * 365 * 86400 * 1e9;  // ten years

}  // namespace

Result<Nanos> parse_duration(std::string_view written) {
  const std::string_view text = trim(written);
  std::string digits(text.substr(0, text.find_first_not_of("0123456789.,eE+-")));
  const std::size_t comma = digits.find(',');
  if (comma != std::string::npos) digits[comma] = '.';
  double number = 0;
  const auto [end, problem] = read_double(digits, number);
  if (problem != std::errc() || !std::isfinite(number)) {
    return usage_error("'{}' is not a duration; write a number and a unit, such as 100ms, 1.5s or 200us",
                       text.substr(0, 40));
  }
  const auto read = static_cast<std::size_t>(end - digits.data());
  std::string_view unit = trim(text.substr(read));
  if (unit == "\u00b5s" || unit == "\u03bcs") unit = "us";  // the micro sign, and the Greek letter
  if (comma <= 3 && read == comma + 4 && digits.front() != '0') {
    return usage_error("'{}' can be read in two ways; write {}{}{} or {}{}", text.substr(0, 40),
                       digits.substr(0, comma), digits.substr(comma + 1, 3), unit, digits.substr(0, read),
                       unit);
  }
  if (number < 0) return usage_error("'{}' is negative; a duration is 0ms or more", text.substr(0, 40));
  if (unit.empty() && number == 0) return Nanos{0};
  if (unit.empty()) return usage_error("'{0}' has no unit; write {0}ms or {0}s", text.substr(0, 40));
  for (const Unit& known : kUnits) {
    if (known.name != unit) continue;
    const double nanos = number * static_cast<double>(known.nanos);
    if (nanos > kLongest) return usage_error("'{}' is more than ten years", text.substr(0, 40));
    return static_cast<Nanos>(std::llround(nanos));
  }
  return usage_error("'{}' has an unknown unit; use ns, us, ms, s, min or h", text.substr(0, 40));
}

std::string format_duration(Nanos span) {
  if (span < 0) return "-" + format_duration(-span);
  const double s = seconds(span);
  if (span == 0) return "0 s";
  if (span < kMicrosecond) return fmt::format("{} ns", span);
  if (s < 0.9995e-3) return fmt::format("{:.3g} µs", s * 1e6);
  if (s < 0.9995) return fmt::format("{:.3g} ms", s * 1e3);
  if (s < 99.95) return fmt::format("{:.4g} s", s);
  const auto whole = static_cast<Nanos>(std::llround(s));
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  const Nanos minutes = whole / 60;
  if (minutes < 48 * 60) return fmt::format("{} h {} min", minutes / 60, minutes % 60);
  const Nanos hours = minutes / 60;
  return fmt::format("{} d {} h", hours / 24, hours % 24);
}

std::string format_estimate(Nanos span) {
  Nanos unit = 1;
  while (span / unit >= 100) unit *= 10;
  return format_duration((span + unit / 2) / unit * unit);
}

std::string format_duration_literal(Nanos span) {
  if (span == 0) return "0ms";
  for (std::size_t i = kUnits.size() - 2; i-- > 0;) {  // s, ms, us, ns: whole numbers only
    const Unit& unit = kUnits[i + 1];
    if (span % unit.nanos == 0 && unit.nanos <= kSecond)
      return fmt::format("{}{}", span / unit.nanos, unit.name);
  }
  return fmt::format("{}ns", span);
}

}  // namespace lab
