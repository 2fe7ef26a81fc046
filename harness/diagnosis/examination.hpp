#pragma once

#include <cstdint>
#include <functional>

#include "harness/diagnosis/observation.hpp"

namespace lab {

struct ExaminationOptions {
  int most_at_once = 64;
  /// Where nothing limits so many, one look at twice as many: a pool may hide beyond.
  bool look_beyond = true;
  Nanos budget = 20 * kSecond;   ///< for the whole examination
  Nanos timeout = 10 * kSecond;  ///< of a request
  std::uint64_t seed = 42;       ///< which connections are paired
  bool ping = false;             ///< there is a cheap request
  Nanos watch = 0;               ///< so long it is asked once more, evenly, for what happens now and then
};

/// What will be asked of the server, known after its first reply.
struct Outlook {
  std::int64_t requests = 0;  ///< at most
  int at_once = 0;
  int beyond = 0;             ///< at once, if so many ran together; 0: not tried
  Nanos least = 0, most = 0;  ///< how long, if all run together and if one at a time
};

/// Asks the server: alone, in growing bursts on fresh connections, in pairs on kept ones, and cheap requests
/// beside slow ones; what refuses some of a burst is asked for its limit. What comes next depends on what was
/// seen, and on what is left of the budget; a request that fails when it is alone ends it. `announce` is
/// called once, before the second request.
Observations examine(Target& target, const ExaminationOptions& options,
                     const std::function<void(const Outlook&)>& announce);

}  // namespace lab
