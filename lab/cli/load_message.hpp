#pragma once

#include <bitset>
#include <string>
#include <utility>
#include <vector>

#include "harness/client/load_url.hpp"
#include "lab/core/error.hpp"

namespace lab {

struct RawLoadOptions;
struct LoadRequestOptions;

/// `http://…`, or `3@http://…` with its weight.
Result<std::pair<Url, std::int64_t>> parse_weighted_url(const std::string& text);

/// `200`, `2xx`; none given: 2xx and 3xx.
Result<std::bitset<600>> parse_statuses(const std::vector<std::string>& texts);

/// Fills method, headers and body. Errors (exit 2) name the option, and the file that cannot be read.
Result<void> read_message(const RawLoadOptions& raw, LoadRequestOptions& options);

/// Error (exit 2): there is no file at the path that the option names, or it cannot be read.
Result<void> check_readable(const char* option, const std::string& path);

}  // namespace lab
