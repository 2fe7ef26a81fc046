#include "lab/report/load_threshold.hpp"

#include <charconv>
#include <cmath>
#include <numeric>

#include "harness/statistics/statistics.hpp"
#include "lab/core/duration.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

constexpr std::string_view kExamples = "as p99<200ms, median<=50ms, errors<1% or rps>1000";

Result<double> parse_number(const std::string& whole, std::string_view digits) {
  double value = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (problem != std::errc() || end != digits.data() + digits.size() || !std::isfinite(value) || value < 0)
    return usage_error("--threshold: '{}': '{}' is not a number; give one {}", whole, digits, kExamples);
  return value;
}

Result<void> read_metric(std::string_view name, Threshold& threshold) {
  using What = Threshold::What;
  if (name.starts_with("uncorrected.")) {
    threshold.uncorrected = true;
    name.remove_prefix(12);
  }
  if (name == "median") return {};
  if (name == "min" || name == "max" || name == "mean") {
    threshold.what = name == "min" ? What::min : name == "max" ? What::max : What::mean;
    return {};
  }
  if (!threshold.uncorrected && name == "errors") {
    threshold.what = What::errors;
    return {};
  }
  if (!threshold.uncorrected && name == "rps") {
    threshold.what = What::rate;
    return {};
  }
  if (name.starts_with('p') && name.size() > 1) {
    const auto percent = parse_number(threshold.text, name.substr(1));
    if (!percent) return percent.error();
    if (*percent <= 0 || *percent >= 100)
      return usage_error("--threshold: '{}': percentiles go from p1 to p99.999; p100 is max", threshold.text);
    threshold.q = *percent / 100;
    return {};
  }
  return usage_error(
      "--threshold: '{}': unknown measure '{}'; known: p1 to p99.999, median, min, max, mean (and "
      "uncorrected.p99 …), errors, rps",
      threshold.text, name);
}

Result<void> read_limit(std::string_view value, Threshold& threshold) {
  using What = Threshold::What;
  if (threshold.what == What::errors || threshold.what == What::rate) {
    const bool share = value.ends_with('%');
    if (share && threshold.what == What::rate)
      return usage_error("--threshold: '{}': rps is requests per second, not a share", threshold.text);
    if (share) {
      threshold.what = What::error_share;
      value.remove_suffix(1);
    }
    const auto number = parse_number(threshold.text, value);
    if (!number) return number.error();
    threshold.limit = share ? *number / 100 : *number;
    return {};
  }
  const auto span = parse_duration(value);
  if (!span) return usage_error("--threshold: '{}': {}", threshold.text, span.error().message);
  threshold.limit = seconds(*span);
  return {};
}

bool holds(const Threshold& threshold, double value) {
  switch (threshold.compare) {
    case Threshold::Compare::below: return value < threshold.limit;
    case Threshold::Compare::at_most: return value <= threshold.limit;
    case Threshold::Compare::above: return value > threshold.limit;
    case Threshold::Compare::at_least: return value >= threshold.limit;
  }
  return false;
}

std::optional<double> mean_of(const Distribution& distribution) {
  if (distribution.size() == 0) return std::nullopt;
  double sum = 0;
  distribution.for_each(
      [&](Nanos value, std::int64_t count) { sum += seconds(value) * static_cast<double>(count); });
  return sum / static_cast<double>(distribution.size());
}

std::optional<double> latency_value(const Threshold& threshold, Distribution& distribution) {
  switch (threshold.what) {
    case Threshold::What::percentile: return seconds(distribution.supported_quantile(threshold.q));
    case Threshold::What::min: return seconds(distribution.quantile(1e-12));
    case Threshold::What::max: return seconds(distribution.quantile(1));
    default: return mean_of(distribution);
  }
}

}  // namespace

Result<Threshold> parse_threshold(const std::string& text) {
  Threshold threshold;
  threshold.text = text;
  const std::size_t at = text.find_first_of("<>");
  if (at == std::string::npos || at == 0)
    return usage_error("--threshold: '{}' compares nothing; give one {}", text, kExamples);
  const bool equal = at + 1 < text.size() && text[at + 1] == '=';
  const bool less = text[at] == '<';
  using Compare = Threshold::Compare;
  threshold.compare =
      less ? (equal ? Compare::at_most : Compare::below) : (equal ? Compare::at_least : Compare::above);
  if (const auto read = read_metric(trim(std::string_view(text).substr(0, at)), threshold); !read)
    return read.error();
  if (const auto read = read_limit(trim(std::string_view(text).substr(at + (equal ? 2 : 1))), threshold);
      !read)
    return read.error();
  return threshold;
}

ThresholdRow judge(const Threshold& threshold, LoadTotals& totals, double requests_per_second) {
  ThresholdRow row;
  row.text = threshold.text;
  const auto told = [&](double value, std::string spelled) {
    row.value = value;
    row.measured = std::move(spelled);
    row.passed = holds(threshold, value);
    return row;
  };
  const Books books = totals.counts.books();
  const std::int64_t failed = books.failed();
  if (threshold.what == Threshold::What::errors)
    return told(static_cast<double>(failed), fmt::format("{}", failed));
  if (threshold.what == Threshold::What::rate)
    return told(requests_per_second, fmt::format("{:.1f} requests/s", requests_per_second));
  const std::int64_t tried = books.ok + failed + books.unfinished;
  if (threshold.what == Threshold::What::error_share && tried > 0) {
    const double share = static_cast<double>(failed) / static_cast<double>(tried);
    return told(share, fmt::format("{:.3g} % ({} of {})", share * 100, failed, tried));
  }
  Distribution& latencies = threshold.uncorrected ? totals.samples.uncorrected : totals.samples.latency;
  if (threshold.about_errors() || latencies.size() == 0) {
    row.measured = "nothing was answered, so nothing can be said";
    return row;
  }
  if (const auto value = latency_value(threshold, latencies))
    return told(*value, format_duration(to_nanos(*value)));
  const double needed = std::ceil(std::log(0.05) / std::log(threshold.q));
  row.measured =
      fmt::format("{} replies cannot support this percentile; it takes {:.0f}", latencies.size(), needed);
  return row;
}

}  // namespace lab
