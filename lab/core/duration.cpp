#include "lab/core/duration.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>

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

Result<Nanos> parse_duration(std::string_view text) {
  double number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || !std::isfinite(number)) {
    return usage_error("'{}' is not a duration; write a number and a unit, as 100ms, 1.5s or 200us",
                       text.substr(0, 40));
  }
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
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
  if (s < 0.9995e-3) return fmt::format("{:.3g} us", s * 1e6);
  if (s < 0.9995) return fmt::format("{:.3g} ms", s * 1e3);
  if (s < 99.95) return fmt::format("{:.4g} s", s);
  const auto whole = static_cast<Nanos>(std::llround(s));
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  const Nanos minutes = whole / 60;
  if (minutes < 48 * 60) return fmt::format("{} h {} min", minutes / 60, minutes % 60);
  const Nanos hours = minutes / 60;
  return fmt::format("{} d {} h", hours / 24, hours % 24);
}

std::string spell_duration(Nanos span) {
  if (span == 0) return "0ms";
  for (std::size_t i = kUnits.size() - 2; i-- > 0;) {  // s, ms, us, ns: whole numbers only
    const Unit& unit = kUnits[i + 1];
    if (span % unit.nanos == 0 && unit.nanos <= kSecond)
      return fmt::format("{}{}", span / unit.nanos, unit.name);
  }
  return fmt::format("{}ns", span);
}

}  // namespace lab
