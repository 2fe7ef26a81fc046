#include "results/store/json_words.hpp"

#include <cmath>
#include <utility>

#include "lab/core/text.hpp"

namespace lab {

namespace json = boost::json;

json::string json_text(std::string_view value) {
  return json::string(valid_utf8(value));
}

json::value json_text_or_null(std::string_view value) {
  if (value.empty()) return nullptr;
  return json_text(value);
}

json::value json_number(const std::optional<double>& value) {
  if (!value || !std::isfinite(*value)) return nullptr;
  return *value;
}

json::array json_texts(const std::vector<std::string>& values) {
  json::array array;
  for (const std::string& value : values) array.emplace_back(json_text(value));
  return array;
}

json::object json_estimate(const std::optional<Estimate>& estimate) {
  if (!estimate) return {{"median", nullptr}, {"low", nullptr}, {"high", nullptr}, {"all", json::array()}};
  json::array samples;
  for (const double value : estimate->samples) samples.push_back(json_number(value));
  return {{"median", json_number(estimate->median)},
          {"low", json_number(estimate->low)},
          {"high", json_number(estimate->high)},
          {"all", std::move(samples)}};
}

json::value json_unit(const Stat& stat) {
  if (stat.is_time()) return "s";
  return stat.is_bytes() ? json::value("bytes") : json::value(nullptr);
}

}  // namespace lab
