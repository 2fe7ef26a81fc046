#pragma once

#include <optional>
#include <span>
#include <string>

#include "lab/core/record.hpp"
#include "lab/core/scenario.hpp"

namespace lab {

/// Last sent - first sent of the largest burst; 0 where there is none.
Nanos send_skew(const Case& load_set, std::span<const RequestRecord> records);

/// A warning where the generator sent open loads late: median above 100 us or p99 above 1 ms. Of a burst only
/// the first request counts (the rest is its skew), of fresh connections none (connecting is part of the
/// request).
std::optional<std::string> fell_behind(const Case& load_set, std::span<const RequestRecord> records);

}  // namespace lab
