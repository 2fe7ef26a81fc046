#include "lab/cli/sweep_grid.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "lab/core/duration.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// A step that leads from the beginning of a range towards its end.
struct GridStep {
  double factor = 1;
  std::int64_t more = 0;
};

/// Both ends of a range have one kind: whole numbers, or durations in nanoseconds.
struct ValueRange {
  std::int64_t from = 0, to = 0;
  bool duration = false;
  GridStep step;
};

constexpr const char* kForms = "write 1,2,8 or 1..8 or 1..64*2 or 100ms..1s+100ms";

Error not_a_range(const std::string& key, std::string_view text) {
  return usage_error("--vary {}: '{}' is not a range; {}", key, text, kForms);
}

Result<ValueRange> parse_range(const std::string& key, std::string_view text, std::size_t dots) {
  ValueRange range;
  const std::string_view first = text.substr(0, dots);
  std::string_view last = text.substr(dots + 2);
  const std::size_t sign = last.find_first_of("*+");
  const std::string_view step = sign == std::string_view::npos ? "" : last.substr(sign);
  last = last.substr(0, sign);
  const auto read = [&](std::string_view value) -> std::optional<std::int64_t> {
    if (!range.duration) return whole_number(value);
    const auto duration = parse_duration(value);
    return duration ? std::optional<std::int64_t>(*duration) : std::nullopt;
  };
  range.duration = !whole_number(first).has_value();
  const auto from = read(first);
  const auto to = read(last);
  if (!from || !to) return not_a_range(key, text);
  range.from = *from;
  range.to = *to;
  if (step.starts_with('*')) {
    const char* end = step.data() + step.size();
    const auto [rest, problem] = std::from_chars(step.data() + 1, end, range.step.factor);
    if (problem != std::errc() || rest != end || !(range.step.factor > 1) || range.from <= 0)
      return not_a_range(key, text);
  } else if (step.starts_with('+')) {
    const auto more = read(step.substr(1));
    if (!more || *more <= 0) return not_a_range(key, text);
    range.step.more = *more;
  } else if (range.duration) {
    return usage_error("--vary {}: '{}' needs a step: {}+100ms, or {}*2", key, text, text, text);
  } else {
    range.step.more = 1;
  }
  if (range.from > range.to) return usage_error("--vary {}: '{}' goes backwards", key, text);
  return range;
}

/// The end belongs to it where a step leads there. At most one value more than a sweep may have.
std::vector<std::string> values_of(const ValueRange& range) {
  std::vector<std::string> values;
  for (std::int64_t value = range.from; value <= range.to && values.size() <= kMaxPoints;) {
    values.push_back(range.duration ? format_duration_literal(value) : std::to_string(value));
    const double next = range.step.more > 0
                            ? static_cast<double>(value) + static_cast<double>(range.step.more)
                            : static_cast<double>(value) * range.step.factor;
    if (next > static_cast<double>(range.to) + 0.5 || next >= 0x1p63) break;
    value = std::max(value + 1, static_cast<std::int64_t>(std::llround(next)));
  }
  return values;
}

Result<SweepKey> parse_key(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
    return usage_error("--vary: '{}' is not KEY=LIST; {}", text, "write for example workers=1,2,4");
  SweepKey key;
  key.name = text.substr(0, equals);
  for (const std::string& part : split(text.substr(equals + 1), ',')) {
    if (part.empty()) return usage_error("--vary {}: a value is empty; {}", key.name, kForms);
    const std::size_t dots = part.find("..");
    if (dots == std::string::npos) {
      key.values.push_back(part);
      continue;
    }
    const auto range = parse_range(key.name, part, dots);
    if (!range) return range.error();
    for (std::string& value : values_of(*range)) key.values.push_back(std::move(value));
  }
  std::vector<std::string> sorted = key.values;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) return usage_error("--vary {}: {} comes twice", key.name, *twice);
  return key;
}

}  // namespace

Result<std::vector<SweepKey>> parse_grid(const std::vector<std::string>& texts) {
  std::vector<SweepKey> keys;
  std::size_t points = 1;
  for (const std::string& text : texts) {
    auto key = parse_key(text);
    if (!key) return key.error();
    for (const SweepKey& known : keys) {
      if (known.name == key->name)
        return usage_error("--vary {0} is given twice; write all its values in one: {0}=1,2,4", key->name);
    }
    points *= key->values.size();
    if (points > kMaxPoints)
      return usage_error("--vary: a grid of {}{} points is too large; at most {}", points,
                         key->values.size() > kMaxPoints ? " or more" : "", kMaxPoints);
    keys.push_back(std::move(*key));
  }
  if (keys.empty()) return usage_error("nothing is varied; add for example --vary workers=1,2,4,8");
  return keys;
}

std::vector<std::vector<std::string>> points_of(const std::vector<SweepKey>& keys) {
  std::vector<std::vector<std::string>> points{{}};
  for (const SweepKey& key : keys) {
    std::vector<std::vector<std::string>> longer;
    for (const std::vector<std::string>& point : points) {
      for (const std::string& value : key.values) {
        longer.push_back(point);
        longer.back().push_back(value);
      }
    }
    points = std::move(longer);
  }
  return points;
}

Result<RunOptions> at_point(const RunOptions& options, const std::vector<SweepKey>& keys,
                            const std::vector<std::string>& values) {
  RunOptions point = options;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const std::string& name = keys[i].name;
    const RunOption* option = find_run_option(name);
    if (option != nullptr && option->varies) {
      if (options.has(name)) return usage_error("--{0} and --vary {0} exclude each other; give one", name);
      if (const auto taken = point.set(name, values[i]); !taken) return taken.error();
      continue;
    }
    if (options.overrides.params.contains(name))
      return usage_error("--vary {0} and a value for {0} exclude each other; give one", name);
    if (const auto taken = point.set("set", name + "=" + values[i]); !taken) return taken.error();
  }
  if (const auto good = point.check_together(); !good) return good.error();
  return point;
}

}  // namespace lab
