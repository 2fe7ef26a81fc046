#pragma once

#include <sys/types.h>

#include <initializer_list>
#include <string_view>

#include "lab/core/clock.hpp"

namespace lab {

/// timeout(1) sends its TERM twice in a row; a person who asks again takes longer.
inline constexpr Nanos kSecondSignal = 100 * kMillisecond;

/// What a process that was just forked does first: it dies with its parent (PR_SET_PDEATHSIG, and a check
/// that the parent is still there), forgets inherited signal handlers and masks, reads nothing, writes
/// nothing to stdout, and closes every descriptor above stderr but `keep`. Async-signal-safe: its parent may
/// have threads, of which one may have been in malloc.
void begin_child(pid_t parent, std::initializer_list<int> keep);

/// Opens /dev/null where stdin, stdout or stderr is closed, so that no descriptor opened later takes its
/// place and is lost to begin_child.
void fill_standard_descriptors();

/// Grows this process's descriptor table now. The kernel lets a process with threads wait some 10 ms (for all
/// readers of the old table, RCU) whenever the table grows, and it starts with room for 64. Call it before
/// there are threads.
void grow_descriptor_table();

/// Restricts this process to the first `cores` of the cores it may use; 0: all.
void limit_cores(int cores);

/// Writes it all; false where the descriptor takes no more.
bool write_all(int fd, std::string_view text);

}  // namespace lab
