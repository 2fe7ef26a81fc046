#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lab/core/clock.hpp"

namespace lab {

/// So many requests sent at once, each on a connection of its own that was opened just before.
struct Burst {
  int at_once = 0;
  std::vector<Nanos>
      done;  ///< when the replies came after the first send, ascending; empty where any failed or was late
  /// How many threads of the server had a core or waited for one, on average. It does not depend on what else
  /// the machine computes. None where the server is not on it.
  std::optional<double> runnable{};
};

/// Requests sent at once on chosen connections that stay open from one such burst to the next.
struct KeptBurst {
  std::vector<std::uint32_t> connections;
  std::vector<Nanos> done;  ///< by connection
  std::optional<double> runnable{};
};

/// A cheap request sent while slow ones were under way.
struct PingBeside {
  int at_once = 0;       ///< slow ones
  Nanos latency = 0;     ///< its own
  Nanos first_left = 0;  ///< from its sending to the first reply of a slow one
  Nanos last_left = 0;   ///< and to the last one's
};

/// All that an examination saw. Everything that is concluded is a function of this value.
struct Observations {
  std::vector<Nanos> alone;     ///< latencies of the request when nothing else is under way
  std::vector<Burst> bursts;    ///< two at once and more
  std::vector<KeptBurst> kept;  ///< many connections, and pairs of them
  bool closes = false;          ///< the server closes after each reply, so that no connection can be kept
  bool idle_holds = false;      ///< while connections were kept idle, others got no reply
  int overflowed_at = 0;        ///< the smallest burst that the backlog had no room for; 0: none
  bool ping_given = false;      ///< there is a cheap request
  std::string ping_failure;     ///< of the first one that failed, as in `failures`; empty: none did
  std::vector<Nanos> pings_alone;
  std::vector<PingBeside> pings;
  std::optional<double> cpu_share;  ///< of a request's latency alone it had a core, or waited for one
  int cores = 0;                    ///< of this machine; 0: the server is not on it
  int processes = 0;                ///< on this machine, that listen at the port; 0: not known
  int most_at_once = 0;             ///< more were never tried
  Nanos spent = 0;
  std::int64_t sent = 0, answered = 0;
  std::int64_t unfinished = 0;                   ///< when the time was over
  std::map<std::string, std::int64_t> failures;  ///< requests by kind: `timeout`, `status_503`
  bool cut_short = false;                        ///< the budget ended it
  bool interrupted = false;
};

}  // namespace lab
