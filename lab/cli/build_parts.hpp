#pragma once

#include <string_view>

namespace lab {

/// What this program was linked without: `PostgreSQL, thread-per-request, QR codes`; empty where it has all.
extern const std::string_view kMissingParts;

}  // namespace lab
