#pragma once

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/statistics/statistics.hpp"
#include "lab/core/stat.hpp"

namespace lab {

/// A text as JSON takes it: bytes that are not UTF-8 are replaced.
boost::json::string json_text(std::string_view value);
/// null for the empty text.
boost::json::value json_text_or_null(std::string_view value);
/// null for what is not there; JSON has no infinity either.
boost::json::value json_number(const std::optional<double>& value);
boost::json::array json_texts(const std::vector<std::string>& values);
/// Median, interval and samples; nulls where there is none.
boost::json::object json_estimate(const std::optional<Estimate>& estimate);
/// `s`, `bytes`, or null for plain numbers.
boost::json::value json_unit(const Stat& stat);

}  // namespace lab
