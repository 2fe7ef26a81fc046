#pragma once

#include <sys/types.h>

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lab/core/process.hpp"
#include "lab/servers/worker/worker.hpp"

namespace lab {

/// When to start a worker again, and when to stop trying. A pure function of what it is given; not
/// thread-safe.
class RestartPolicy {
 public:
  /// A worker has died. `lived`: since its start; `replied`: it had answered a request. The moment to start
  /// it again, or nothing: too many died young.
  std::optional<Nanos> on_death(Nanos now, Nanos lived, bool replied);

 private:
  std::deque<Nanos> young_deaths_;
};

/// Processes that do the same, numbered from 0: forked, restarted and reaped. Not thread-safe.
class Family {
 public:
  /// What its members are.
  struct Kind {
    std::string name;  ///< of one: `worker {}`
    /// The descriptor that it takes its connections from; -1: none.
    std::function<int(std::size_t member)> source;
    /// Its life, in its process; gives the exit code.
    std::function<int(std::size_t member)> live;
    /// It has died.
    std::function<void(std::size_t member)> died;
    /// What is wrong where they keep dying, this one `cause` (by a signal, with last words).
    std::function<Error(std::size_t member, const std::string& cause)> hopeless;
    Nanos patience = 2 * kSecond;  ///< how long one may be stopped (SIGSTOP) before it is replaced
  };

  /// `status`: one for each member, in shared memory. `ready_signal`: an eventfd that they write to.
  Family(Kind kind, std::size_t members, WorkerStatus* status, int ready_signal)
      : kind_(std::move(kind)), members_(members), status_(status), ready_signal_(ready_signal) {}

  Result<void> start();
  /// Whether all are there and can do what they are for.
  bool ready() const;
  std::vector<pid_t> pids() const;
  /// Takes note of those that have died, and starts again whose time has come.
  Result<void> look_after(Nanos now);
  /// When the next one is to be started again, or has been stopped for too long.
  std::optional<Nanos> next_due() const;
  /// Each finishes what is in flight, for half a minute at most as gunicorn's, ends, and is started again.
  void reload();
  /// From now on none is started again.
  void stop() { stopping_ = true; }
  void signal(int number) const;
  bool all_gone() const;
  void kill();

 private:
  struct Member {
    ChildProcess process;
    Nanos started = 0;
    std::optional<Nanos> restart_at;
    std::optional<Nanos> stopped_at;  ///< by a signal, and not continued since
    bool reloads = false;             ///< its end is wanted
    std::optional<Nanos> drained_by;  ///< then its end is no longer waited for
  };
  void replace_if_hung(Member& member, Nanos now) const;
  Result<void> fork_member(std::size_t index);
  std::string cause_of_death(std::size_t index, int status) const;

  Kind kind_;
  std::vector<Member> members_;
  WorkerStatus* status_;
  int ready_signal_;
  RestartPolicy policy_;
  bool stopping_ = false;
};

}  // namespace lab
