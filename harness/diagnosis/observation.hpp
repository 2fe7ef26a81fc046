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
  int refused = 0;  ///< so many were, while all others were served

  double makespan_s() const { return seconds(done.back()); }
};

/// What was asked after a refusal, to distinguish a limit of requests in flight from one of requests a
/// second.
struct LimitProbe {
  int status = 0;
  int at_once = 0;           ///< of three salvos
  int first = 0, again = 0;  ///< served of the first one, and of another directly after it
  int spread = 0;            ///< served where they were sent one after another within one service time
  bool in_flight = false;    ///< only what was in flight was in the way
  std::optional<double> per_second;  ///< otherwise: served of an even stream
};

/// One request of a stream that went on for a while.
struct Watched {
  Nanos at = 0, latency = 0;
  bool answered = false;
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
};

/// All that an examination saw. Everything that is concluded is a function of this value.
struct Observations {
  std::vector<Nanos> alone;           ///< latencies of the request when nothing else is under way
  std::vector<Nanos> rested;          ///< the same, when nothing was asked for a while before it
  std::vector<Nanos> alone_on_kept;   ///< on a connection that was used before, one directly after another
  std::vector<Nanos> prompt_on_kept;  ///< the same, where each part of a reply was acknowledged at once
  std::vector<Burst> bursts;          ///< two at once and more
  std::vector<KeptBurst> kept;        ///< many connections, and pairs of them
  bool closes = false;       ///< the server closes after each reply, so that no connection can be kept
  bool idle_holds = false;   ///< while connections were kept idle, others got no reply
  int overflowed_at = 0;     ///< the smallest burst that the backlog had no room for; 0: none
  bool ping_given = false;   ///< there is a cheap request
  std::string ping_failure;  ///< of the first one that failed, as in `failures`; empty: none did
  std::vector<Nanos> pings_alone;
  std::vector<PingBeside> pings;
  std::optional<LimitProbe> limit_probe;
  std::vector<Watched> watched;
  std::string runtime{};            ///< of the server on this machine: `python`, `node`; empty: not known
  std::optional<double> cpu_share;  ///< of a request's latency alone it had a core, or waited for one
  int cores = 0;                    ///< of this machine; 0: the server is not on it
  int processes = 0;                ///< on this machine, that listen at the port; 0: not known
  int most_at_once = 0;             ///< more were never tried
  Nanos spent = 0;
  std::int64_t sent = 0, answered = 0;
  std::int64_t unfinished = 0;                   ///< when the time was over
  std::map<std::string, std::int64_t> failures;  ///< requests by kind: `timeout`, `status_503`
  bool interrupted = false;
};

}  // namespace lab
