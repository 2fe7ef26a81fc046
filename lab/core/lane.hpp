#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lab {

/// What happens to a request from a moment on.
enum class LaneState : std::uint8_t {
  unsent,    ///< not sent yet (blank)
  unread,    ///< sent, nobody has taken it from the socket
  runnable,  ///< read, waits for a pool member, a core …
  loop,      ///< holds the loop
  pool,      ///< holds a pool member or a thread
  waiting,   ///< waits and holds nothing
  lock,      ///< has what it needs but the interpreter lock, which another thread holds
  reply,     ///< finished, the reply is on its way
};

struct LaneSegment {
  double from_s = 0, to_s = 0;
  LaneState state = LaneState::unsent;
};

struct Lane {
  std::uint32_t request = 0;
  std::string route;
  std::int32_t worker = -1;
  bool answered = false;
  double end_s = 0;  ///< received
  std::vector<LaneSegment> segments;
};

}  // namespace lab
