#pragma once

#include <sys/types.h>

#include <functional>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <utility>

#include "lab/core/clock.hpp"
#include "lab/core/error.hpp"

namespace lab {

/// timeout(1) sends its TERM twice in a row; a person who asks again takes longer.
inline constexpr Nanos kSecondSignal = 100 * kMillisecond;

/// What a process that was just forked does first: it dies with its parent (PR_SET_PDEATHSIG, and a check
/// that the parent is still there), forgets inherited signal handlers and masks, reads nothing, writes
/// nothing to stdout, and closes every descriptor above stderr but `keep`. Async-signal-safe: its parent may
/// have threads, of which one may have been in malloc.
void begin_child(pid_t parent, std::initializer_list<int> keep);

/// A process that was forked here and is reaped here. The only place where anything forks.
class ChildProcess {
 public:
  /// Forks. The child begins as begin_child says, with the descriptors of `keep`; what `life` returns is its
  /// exit code, and it never returns into the caller's story. Error (exit 3): no more processes; it names
  /// `what`.
  static Result<ChildProcess> start(std::string_view what, std::initializer_list<int> keep,
                                    const std::function<int()>& life);

  ChildProcess() = default;
  ChildProcess(ChildProcess&& other) noexcept { *this = std::move(other); }
  ChildProcess& operator=(ChildProcess&& other) noexcept {
    std::swap(pid_, other.pid_);
    return *this;
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  /// Whoever lets go of a child that runs kills it.
  ~ChildProcess() { kill(); }

  /// -1: there is none, or it was reaped.
  pid_t pid() const { return pid_; }
  bool there() const { return pid_ > 0; }
  /// Nothing where it was reaped.
  void signal(int number) const;
  /// KILL, reaped on return.
  void kill();
  /// From now on somebody else reaps it.
  pid_t release() { return std::exchange(pid_, -1); }
  /// Its status (wait(2)), once, when it has ended; -1: somebody else reaped it. Nothing where there is none.
  std::optional<int> ended();
  /// The same, waiting for its end.
  int await_end();
  /// The same, waiting at most until then, with short pauses.
  std::optional<int> await_end(Nanos until);

 private:
  std::optional<int> reap(int flags);

  pid_t pid_ = -1;
};

/// Opens /dev/null where stdin, stdout or stderr is closed, so that no descriptor opened later takes its
/// place and is lost to begin_child.
void fill_standard_descriptors();

/// Grows this process's descriptor table now. The kernel lets a process with threads wait some 10 ms (for all
/// readers of the old table, RCU) whenever the table grows, and it starts with room for 64. Call it before
/// there are threads.
void grow_descriptor_table();

/// Cores that this process may use.
int available_cores();

/// Restricts this process to the first `cores` of the cores it may use; 0: all.
void limit_cores(int cores);

/// Writes it all; false where the descriptor takes no more.
bool write_all(int fd, std::string_view text);

}  // namespace lab
