#pragma once

#include "lab/core/clock.hpp"

namespace lab::testing {

inline constexpr Nanos kMs = kMillisecond;

}  // namespace lab::testing
