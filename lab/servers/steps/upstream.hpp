#pragma once

#include <cstdint>
#include <string>

#include "lab/core/error.hpp"
#include "lab/core/plan.hpp"

namespace lab {

/// How much longer than its answer should take an upstream call may last.
constexpr Nanos kUpstreamPatience = 5 * kSecond;

/// `/delay?ms=12.5`
std::string upstream_target(const CallUpstream& call);

/// What to reply where the upstream server did not answer as it should.
Error upstream_error(std::uint16_t port, const std::string& reason);

/// Asks the upstream server on loopback in the calling thread; a thread keeps its
/// connection. Errors: refused, timed out, another status than 200.
Result<void> call_upstream_blocking(std::uint16_t port, const CallUpstream& call);

}  // namespace lab
