#pragma once

#include <boost/describe.hpp>
#include <boost/json.hpp>
#include <boost/mp11.hpp>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "harness/statistics/statistics.hpp"
#include "lab/core/record.hpp"
#include "lab/core/stat.hpp"
#include "lab/core/text.hpp"

namespace lab {

BOOST_DESCRIBE_STRUCT(RequestCounts, (), (planned, unsent, sent, ok, errors, unfinished, not_sent))

/// A text as JSON takes it: bytes that are not UTF-8 are replaced.
inline boost::json::string json_text(std::string_view value) {
  return boost::json::string(valid_utf8(value));
}
/// null for the empty text.
inline boost::json::value json_text_or_null(std::string_view value) {
  return value.empty() ? boost::json::value(nullptr) : json_text(value);
}

/// `s`, `bytes`, or null for plain numbers.
inline boost::json::value json_unit(const Stat& stat) {
  if (stat.is_time()) return "s";
  return stat.is_bytes() ? boost::json::value("bytes") : nullptr;
}

/// Any value of a report, in one way everywhere: text as valid UTF-8, null for what is not there or not
/// finite, enums and stats as their words, pairs as an object, a described struct as an object of its
/// members (`case_id` stands under `case`).
template <class T>
boost::json::value as_json(const T& value) {
  namespace json = boost::json;
  if constexpr (std::is_floating_point_v<T>) {
    return std::isfinite(value) ? json::value(value) : nullptr;
  } else if constexpr (std::is_constructible_v<json::value, const T&> && !std::is_pointer_v<T> &&
                       !std::is_convertible_v<const T&, std::string_view>) {
    return json::value(value);
  } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    return json_text(value);
  } else if constexpr (requires { value.has_value(); }) {
    return value ? as_json(*value) : json::value(nullptr);
  } else if constexpr (boost::describe::has_describe_members<T>::value) {
    json::object object;
    boost::mp11::mp_for_each<boost::describe::describe_members<T, boost::describe::mod_public>>(
        [&](auto member) {
          const std::string_view name = member.name;
          object[name == "case_id" ? "case" : json::string_view(member.name)] =
              as_json(value.*member.pointer);
        });
    return object;
  } else if constexpr (requires { to_string(value); }) {
    return json_text(to_string(value));
  } else if constexpr (requires { value.begin()->second; }) {
    json::object object;
    for (const auto& [key, each] : value) {
      if constexpr (std::is_arithmetic_v<std::decay_t<decltype(key)>>) {
        object[std::to_string(key)] = as_json(each);
      } else {
        object[json_text(key)] = as_json(each);
      }
    }
    return object;
  } else {
    json::array array;
    for (const auto& each : value) array.push_back(as_json(each));
    return array;
  }
}

/// Median, interval and samples; nulls where there is none.
inline boost::json::object json_estimate(const std::optional<Estimate>& estimate) {
  const Estimate known = estimate.value_or(Estimate{});
  return {{"median", estimate ? as_json(known.median) : nullptr},
          {"low", as_json(known.low)},
          {"high", as_json(known.high)},
          {"all", as_json(known.samples)}};
}
inline boost::json::value as_json(const Estimate& estimate) {
  return json_estimate(estimate);
}

/// null for nought, which says that there is none.
template <class T>
boost::json::value json_or_none(T value) {
  return value > 0 ? as_json(value) : nullptr;
}

/// What a report says of the machine.
template <class Report>
boost::json::object json_environment(const Report& report) {
  boost::json::object environment{
      {"cores", report.cores}, {"kernel", as_json(report.kernel)}, {"noise", as_json(report.noise)}};
  for (const auto& [key, value] : report.environment) environment.emplace(json_text(key), as_json(value));
  return environment;
}

/// One document on a line of its own.
inline std::string json_line(const boost::json::object& document) {
  return boost::json::serialize(document) + "\n";
}
/// The same of a described struct, behind the name of its schema.
template <class Report>
std::string json_document(const char* schema, const Report& report) {
  boost::json::object document{{"schema", schema}};
  boost::json::value members = as_json(report);
  for (auto& [key, value] : members.as_object()) document.emplace(key, std::move(value));
  return json_line(document);
}

}  // namespace lab
