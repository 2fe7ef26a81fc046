#pragma once

#include "lab/core/clock.hpp"

namespace lab {

/// Ctrl-C, TERM, QUIT and a terminal that closes (HUP) end the verb in an orderly way: children reaped,
/// partial results kept. A second Ctrl-C or TERM, where it comes from a person who asks again, ends it at
/// once. Call it once, in main's thread, before anything is started.
void watch_for_interrupts();

/// The signal that came (SIGINT or SIGTERM, which stands for the others too), or 0.
int interrupt_signal();

/// Readable from the first signal on (an eventfd); for poll and epoll.
int interrupt_fd();

/// Waits until the descriptor is ready (`events` of poll(2)), or a signal came. False: it did not become
/// ready in time, which with -1 it never does.
bool await_ready(int fd, short events, Nanos until);

/// 130 or 143 after a signal; 0 before.
int interrupt_exit_code();

}  // namespace lab
