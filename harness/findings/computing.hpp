#pragma once

#include <cstdint>
#include <map>

#include "harness/findings/clues.hpp"

namespace lab {

/// When each request computed: with a lock, while it held it; otherwise as long as its steps took. Of a
/// process that has such a lock without telling, one request stands for all.
std::map<std::uint32_t, Spans> computing_of(const Clues& clues);

}  // namespace lab
