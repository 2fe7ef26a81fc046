#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lab/core/clock.hpp"
#include "lab/core/record.hpp"

namespace lab {

/// So many requests sent at once, each on a connection of its own that was opened just before.
struct Burst {
  int at_once = 0;
  std::vector<Nanos>
      done;  ///< when the replies came after the first send, ascending; empty where any failed or was late
  /// How many threads of the server had a core or waited for one, on average. It does not depend on what else
  /// the machine computes. None where the server is not on it.
  std::optional<double> runnable{};
  /// The share of its computing that one thread did: all of a loop's, little of many that take turns.
  std::optional<double> one_thread{};
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
  int connections = 0;       ///< so many may be open: with one more all were refused; 0: it is not that
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
  /// As many as a pool takes at once, chosen by lot of twice as many kept connections: in so many of these
  /// bursts some of them waited. They never do in one pool.
  int lots = 0, lots_waited = 0;
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
  double used_share = 1;            ///< of that time it had one
  int cores = 0;                    ///< of this machine; 0: the server is not on it
  int processes = 0;                ///< on this machine, that listen at the port; 0: not known
  int most_at_once = 0;             ///< more were never tried
  Nanos spent = 0;
  std::int64_t sent = 0, answered = 0;
  std::int64_t unfinished = 0;                   ///< when the time was over
  std::map<std::string, std::int64_t> failures;  ///< requests by kind: `timeout`, `status_503`
  bool interrupted = false;
};

/// One request of an examination: which of the two requests, on which connection, when.
struct Probe {
  std::uint32_t connection = 0;
  bool ping = false;          ///< the cheap request instead of the examined one
  Nanos at = 0;               ///< after the salvo's time zero
  bool opened_before = true;  ///< its connection is there at time zero; otherwise it is opened at `at`
  bool keep = false;          ///< leave the connection open for a later salvo
  /// The first part of a reply is acknowledged at once, so that a server that waits for it with the second
  /// one (Nagle's algorithm, RFC 896) shows how it executes. Otherwise as the kernel sees fit: as clients do.
  bool prompt = true;
};

/// How a probe ended. Times count from the salvo's time zero.
struct Reply {
  Nanos sent = 0;  ///< or when its connection was asked for
  Nanos received = 0;
  Outcome outcome = Outcome::unsent;
  int status = 0;
  bool kept = false;  ///< its connection is still open
  bool late = false;  ///< its connection was to be there at time zero and was not: the backlog was full

  bool is_ok() const { return outcome == Outcome::ok; }
  Nanos latency() const { return received - sent; }
};

/// Of all threads that serve, so far.
struct CpuTime {
  Nanos runnable = 0;  ///< they had a core or waited for one: what else the machine does is no matter
  Nanos used = 0;      ///< they had one
  Nanos busiest = 0;   ///< of that, between each call and the one before, the thread's that had one longest
};

/// The server under examination, as seen from outside: sockets, or a simulated one under test.
class Target {
 public:
  virtual ~Target() = default;
  /// Sends a salvo and waits for all replies, at most `patience` from its time zero: whatever has no reply
  /// then is a timeout and its connection is closed. One reply per probe, in the probes' order.
  virtual std::vector<Reply> send_probes(const std::vector<Probe>& probes, Nanos patience) = 0;
  /// Closes all kept connections.
  virtual void hang_up() = 0;
  virtual Nanos now() = 0;
  virtual bool interrupted() const = 0;
  /// None where it is not on this machine.
  virtual std::optional<CpuTime> cpu_time() = 0;
};

}  // namespace lab
