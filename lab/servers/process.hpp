#pragma once

#include <sys/types.h>

#include <initializer_list>

namespace lab {

/// What a process that was just forked does first: it dies with its parent (PR_SET_PDEATHSIG, and a check
/// that the parent is still there), forgets inherited signal handlers and masks, reads nothing, writes
/// nothing to stdout, and closes every descriptor above stderr but `keep`.
void begin_child(pid_t parent, std::initializer_list<int> keep);

/// Restricts this process to the first `cores` of the cores it may use; 0: all.
void limit_cores(int cores);

}  // namespace lab
