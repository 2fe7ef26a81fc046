#include "lab/core/option_values.hpp"

#include <charconv>
#include <cmath>

#include "lab/core/clock.hpp"

namespace lab {

Result<std::int64_t> parse_count(const std::string& option, const std::string& text, std::int64_t least,
                                 std::int64_t most) {
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem == std::errc::invalid_argument ||
      (problem == std::errc() && end != text.data() + text.size())) {
    return usage_error("{}: '{}' is not a whole number", option, text.substr(0, 40));
  }
  if (problem != std::errc() || value < least || value > most) {
    return usage_error("{}: {} is out of range; give {} to {}", option, text.substr(0, 40), least, most);
  }
  return value;
}

Result<double> parse_number(const std::string& option, const std::string& text, double above, double most) {
  const std::optional<double> value = number_in<double>(text);
  if (!value || !std::isfinite(*value)) return usage_error("{}: '{}' is not a number", option, text);
  if (*value <= above || *value > most)
    return usage_error("{}: {} is out of range; give more than {} and at most {}", option, text, above, most);
  return *value;
}

Result<double> parse_share(const std::string& option, const std::string& text) {
  const bool percent = text.ends_with('%');
  const std::string_view digits = std::string_view(text).substr(0, text.size() - (percent ? 1 : 0));
  const double value = number_in<double>(digits).value_or(-1) / (percent ? 100 : 1);
  if (value >= 0 && value <= 1) return value;
  return usage_error("{}: '{}' is not a share; write 80% or 0.8", option, text.substr(0, 40));
}

Result<Stat> parse_stat(const std::string& option, const std::string& text) {
  return about(option, parse_stat(text));
}

Result<Nanos> parse_span(const std::string& option, const std::string& text) {
  return about(option, parse_duration(text));
}

Result<std::pair<std::string, Nanos>> parse_assignment(const std::string& option, const std::string& text,
                                                       const char* form) {
  const std::size_t at = text.find('=');
  if (at == std::string::npos || at == 0) return usage_error("{}: '{}' is not {}", option, text, form);
  LAB_TRY(const Nanos value, parse_span(option, text.substr(at + 1)));
  return std::pair{std::string(trim(std::string_view(text).substr(0, at))), value};
}

}  // namespace lab
