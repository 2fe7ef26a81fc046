#pragma once

#include <sys/types.h>

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lab/core/event.hpp"
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

/// When a worker that gives no sign hangs. A pure function of what it is given; not thread-safe.
class HangPolicy {
 public:
  /// A step was begun, or the worker stopped, at `silent_since`, and may take so long (nothing: it waits for
  /// work); `crowd`: how many threads there are for each core. Two looks within 200 ms must agree, since a
  /// machine that stood still stood still for the worker, too.
  bool hangs(Nanos now, std::optional<Nanos> silent_since, Nanos longest_step, double crowd);
  /// When to look again.
  Nanos next_look(Nanos now, std::optional<Nanos> silent_since, Nanos longest_step) const;

 private:
  std::optional<Nanos> suspected_at_;
};

/// Processes that do the same, numbered from 0: forked, restarted, reloaded and reaped. Not thread-safe.
class Family {
 public:
  /// What its members are.
  struct Kind {
    std::string name;  ///< of one: `worker {}`
    /// The descriptor that it takes its connections from; -1: none.
    std::function<int(std::size_t member)> source;
    /// Its life, in its process; gives the exit code. `second`: see Worker::Wiring.
    std::function<int(std::size_t member, bool second, WorkerStatus& status)> live;
    /// It has died; where somebody has taken its place already, that is another process than `second` says.
    std::function<void(std::size_t member, bool second, bool replaced)> died;
    /// What the family did about it, as its event says it.
    std::function<void(std::size_t member, EventKind what, std::int64_t value)> report;
    /// What is wrong where they keep dying, this one `cause` (by a signal, with last words).
    std::function<Error(std::size_t member, const std::string& cause)> hopeless;
    Nanos longest_step = 0;  ///< that its plans ask for
    int cores = 1;           ///< that they share
  };

  /// `status`: two for each member, in shared memory: in a reload it is two processes. `ready_signal`: an
  /// eventfd that they write to.
  Family(Kind kind, std::size_t members, WorkerStatus* status, int ready_signal)
      : kind_(std::move(kind)), members_(members), status_(status), ready_signal_(ready_signal) {}

  Result<void> start();
  /// Whether all are there and can do what they are for.
  bool ready() const;
  std::vector<pid_t> pids() const;
  /// Takes note of those that have died, hang or can answer, and starts again whose time has come.
  Result<void> look_after(Nanos now);
  /// When that is to be done next, if nothing happens before.
  Nanos next_due(Nanos now) const;
  /// In the place of each comes another one. As soon as that can answer, the old one takes no more, finishes
  /// what is in flight, for half a minute at most as gunicorn's, and ends.
  void reload() {
    for (Member& member : members_) member.reload_wanted = true;
  }
  /// From now on none is started again; each finishes what is in flight and ends.
  void stop();
  bool all_gone() const;
  void kill();

 private:
  struct Member {
    ChildProcess process;    // serves, or begins to
    ChildProcess successor;  // of a reload, until it can answer
    ChildProcess retired;    // of a reload, while it finishes what is in flight
    bool second = false;     // which of the two statuses `process` has; the other two have the other one
    bool serves = true;      // that it does was reported
    Nanos started = 0;       // of `process`, or its successor
    Nanos since = 0;         // the death, or the reload, that the next one comes after
    std::optional<Nanos> restart_at;
    std::optional<Nanos> stopped_at;  // by a signal, and not continued since
    Nanos drained_by = kNever;        // the retired one
    bool reload_wanted = false;
    HangPolicy hang;
  };
  WorkerStatus& status_of(std::size_t index, bool second) const {
    return status_[2 * index + (second ? 1 : 0)];
  }
  bool is_ready(std::size_t index, bool second) const {
    return status_of(index, second).ready.load(std::memory_order_acquire);
  }
  Result<ChildProcess> fork_member(std::size_t index, bool second);
  Result<void> restart(std::size_t index);
  void begin_reload(std::size_t index, Nanos now);
  Result<void> bury(std::size_t index, int status, Nanos now);
  void say_it_stays(std::size_t index, const std::string& why) const;
  void take_over(std::size_t index, Nanos now);
  void kill_if_hung(std::size_t index, Nanos now);
  std::optional<Nanos> silent_since(std::size_t index) const;
  std::string cause_of_death(std::size_t index, bool second, int status) const;
  static void end(const ChildProcess& process);

  Kind kind_;
  std::vector<Member> members_;
  WorkerStatus* status_;
  int ready_signal_;
  RestartPolicy policy_;
  bool stopping_ = false;
};

}  // namespace lab
