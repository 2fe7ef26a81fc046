#pragma once

#include <cstdint>
#include <string>

#include "lab/core/clock.hpp"
#include "lab/core/error.hpp"

namespace lab {

/// Where a server tells that it is ready.
struct ReadinessProbe {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  std::string path;  ///< empty: an accepted connection is enough
};

/// `ready` is a path, a whole http URL, or empty. `port`: where it names none. Error (exit 2): it is neither.
Result<ReadinessProbe> make_probe(const std::string& ready, std::uint16_t port);

/// Tries once: whether the connection was accepted, and where there is a path, whether an HTTP status below
/// 500 came. Waits at most until `until` (CLOCK_MONOTONIC); an interruption ends it.
bool answers(const ReadinessProbe& probe, Nanos until);

}  // namespace lab
