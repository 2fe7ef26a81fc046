#pragma once

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/core/record.hpp"

namespace lab {

/// A text as JSON takes it: bytes that are not UTF-8 are replaced.
boost::json::string json_text(std::string_view value);
/// null for the empty text.
boost::json::value json_text_or_null(std::string_view value);
/// null for what is not there; JSON has no infinity either.
boost::json::value json_number(const std::optional<double>& value);
boost::json::array json_texts(const std::vector<std::string>& values);
/// What became of the planned requests; `errors` by kind.
boost::json::object json_books(const Books& books);

}  // namespace lab
