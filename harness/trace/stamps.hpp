#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/trace/occupancy.hpp"
#include "lab/core/event.hpp"
#include "lab/core/plan.hpp"
#include "lab/core/record.hpp"

namespace lab {

/// The reply header fields in which a server that is not ours reports what it did, as they came; empty: the
/// reply had none. Times are CLOCK_MONOTONIC nanoseconds.
struct StampFields {
  std::string worker;    ///< Lab-Worker: the process id
  std::string read;      ///< Lab-Read: the request was parsed
  std::string started;   ///< Lab-Started: its handler began
  std::string finished;  ///< Lab-Finished: its handler was done
  std::string held;      ///< Lab-Held: `loop 100-200, pool:3 200-300`; several such fields are one list

  /// Forgets what the last reply had.
  void clear();
  /// Takes a field; others than those five are left alone. The name in any case.
  void take(std::string_view name, std::string_view value);
};

/// Collects the stamps of one load's replies, and makes of them what our own servers write to their rings.
/// What cannot be (no number, before the request was sent, after its reply came, overlapping itself) is left
/// out and counted: a server cannot do more than leave its own requests without a story.
class HeaderTimings {
 public:
  /// `id`: the request's, as in its record.
  void add(std::uint32_t id, const StampFields& fields);

  /// Fills read, started, finished and worker of the records. `slots` are of process ids that are known; the
  /// others have the next ones, in order.
  /// Returns the events, ordered by time: read, started, finished, acquire, release, and the steps of the
  /// plan as far as they can be inferred (route_steps.hpp).
  Events apply(std::vector<RequestRecord>& records, const std::vector<Route>& routes,
               const std::map<pid_t, int>& slots = {});

  /// One line about what was left out; none where all was well. After apply().
  std::optional<std::string> warning() const;

 private:
  struct Stamp {
    std::uint32_t id = 0;
    pid_t pid = 0;
    Nanos read = 0, started = 0, finished = 0;
    std::vector<Hold> holds{};
  };

  Nanos take_time(std::uint32_t id, const std::string& text);
  std::vector<Hold> take_holds(std::uint32_t id, std::string_view list);
  void number_workers(const std::map<pid_t, int>& slots);
  void drop_unsound(std::vector<Hold>& holds, const RequestRecord& record);
  void refuse(std::uint32_t id, std::string_view what);

  std::vector<Stamp> stamps_;
  std::map<pid_t, int> workers_;  // slots by process id
  std::uint64_t refused_ = 0;
  std::string example_;  // the first that was refused
};

}  // namespace lab
