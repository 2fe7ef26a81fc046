#pragma once

#include <cstdint>

#include "lab/core/unique_fd.hpp"

namespace lab {

/// A descriptor that came through a channel between processes, and the number that came with it.
struct PassedDescriptor {
  UniqueFd fd;  ///< none: nothing was passed with it, or this process has no descriptor free
  std::int32_t number = 0;
};

/// Sends a message through a Unix socket that keeps its bounds (SCM_RIGHTS, unix(7)); `fd` -1: the number
/// alone. `flags` of sendmsg(2). False: errno says why.
bool pass_descriptor(int channel, int fd, std::int32_t number, int flags);

/// Takes the next such message. `flags` of recvmsg(2). False: there is none, or the other end is gone.
bool take_descriptor(int channel, PassedDescriptor& passed, int flags);

}  // namespace lab
