#include "results/report/threshold.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "lab/core/clock.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

constexpr std::pair<std::string_view, Threshold::What> kLatencies[] = {
    {"median", Threshold::What::percentile},
    {"min", Threshold::What::min},
    {"max", Threshold::What::max},
    {"mean", Threshold::What::mean}};

Result<double> parse_number(const std::string& whole, std::string_view digits, const ThresholdWords& words) {
  const double value = number_in<double>(digits).value_or(-1);
  if (!std::isfinite(value) || value < 0) {
    return usage_error("--threshold: '{}': '{}' is not a number; give one {}", whole, digits, words.examples);
  }
  return value;
}

Result<void> read_measure(std::string_view name, const ThresholdWords& words, Threshold& threshold) {
  threshold.has_prefix = name.starts_with(words.prefix);
  if (threshold.has_prefix) name.remove_prefix(words.prefix.size());
  const auto is_known = [&](const auto& known) {
    if (known.first != name) return false;
    threshold.what = known.second;
    return true;
  };
  if (!threshold.has_prefix && std::ranges::any_of(words.others, is_known)) return {};
  const bool latency = threshold.has_prefix || !words.needs_prefix;
  if (latency && std::ranges::any_of(kLatencies, is_known)) return {};
  if (!latency || !name.starts_with('p') || name.size() == 1) {
    return usage_error("--threshold: '{}': unknown measure '{}'; known: {}", threshold.text, name,
                       words.known);
  }
  threshold.what = Threshold::What::percentile;
  LAB_TRY(const double percent, parse_number(threshold.text, name.substr(1), words));
  if (percent <= 0 || percent >= 100)
    return usage_error("--threshold: '{}': percentiles go from p1 to p99.999; p100 is max", threshold.text);
  threshold.q = percent / 100;
  return {};
}

Result<void> read_limit(std::string_view value, const ThresholdWords& words, Threshold& threshold) {
  if (threshold.is_latency() || threshold.what == Threshold::What::blocked) {
    const auto span = parse_duration(value);
    if (!span) return usage_error("--threshold: '{}': {}", threshold.text, span.error().message);
    threshold.limit = seconds(*span);
    return {};
  }
  const bool share = value.ends_with('%');
  if (share && !threshold.about_errors())
    return usage_error("--threshold: '{}': this is not a share; leave out the %", threshold.text);
  if (share) {
    threshold.what = Threshold::What::error_share;
    value.remove_suffix(1);
  }
  LAB_TRY(const double number, parse_number(threshold.text, value, words));
  threshold.limit = share ? number / 100 : number;
  return {};
}

std::optional<double> latency_value(const Threshold& threshold, Distribution& latencies) {
  switch (threshold.what) {
    case Threshold::What::percentile: return seconds(latencies.supported_quantile(threshold.q));
    case Threshold::What::min: return seconds(latencies.min());
    case Threshold::What::max: return seconds(latencies.max());
    default: break;
  }
  double sum = 0;
  latencies.for_each(
      [&](Nanos value, std::int64_t count) { sum += seconds(value) * static_cast<double>(count); });
  return sum / static_cast<double>(latencies.size());
}

}  // namespace

Result<Threshold> parse_threshold(const std::string& text, const ThresholdWords& words) {
  Threshold threshold;
  threshold.text = text;
  const std::size_t at = text.find_first_of("<>");
  if (at == std::string::npos || at == 0)
    return usage_error("--threshold: '{}' compares nothing; give one {}", text, words.examples);
  threshold.below = text[at] == '<';
  threshold.or_equal = at + 1 < text.size() && text[at + 1] == '=';
  const std::string_view whole = text;
  LAB_CHECK(read_measure(trim(whole.substr(0, at)), words, threshold));
  LAB_CHECK(read_limit(trim(whole.substr(at + (threshold.or_equal ? 2 : 1))), words, threshold));
  return threshold;
}

ThresholdRow cannot_judge(const Threshold& threshold, std::string reason) {
  return {threshold.text, std::nullopt, std::move(reason), false};
}

ThresholdRow judge(const Threshold& threshold, double value, std::string in_words) {
  const bool passed =
      value == threshold.limit ? threshold.or_equal : (value < threshold.limit) == threshold.below;
  return {threshold.text, value, std::move(in_words), passed};
}

ThresholdRow judge(const Threshold& threshold, Distribution& latencies, std::string_view what) {
  if (const auto value = latency_value(threshold, latencies))
    return judge(threshold, *value, format_duration(to_nanos(*value)));
  const double needed = std::ceil(std::log(0.05) / std::log(threshold.q));
  return cannot_judge(threshold, fmt::format("{} {} are too few for this percentile; it needs {:.0f}",
                                             latencies.size(), what, needed));
}

}  // namespace lab
