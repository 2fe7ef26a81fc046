// The room of the HTTP client: connections, what goes over them and when, and the generators of `lab run` and
// `lab load`. Diagnosis, results and lab use it; it uses traces and statistics.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/client/epoll_transport.hpp"
#include "lab/core/error.hpp"
#include "lab/core/event_ring.hpp"
#include "lab/core/record.hpp"
#include "lab/core/scenario.hpp"

namespace lab {

/// Where a load goes and how long anybody waits for it.
struct LoadTarget {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  std::vector<Route> routes;  ///< indexed by Load::route
  /// The server's master, whose children are its workers (`lab-worker-K` in /proc/PID/comm): whom kills are
  /// for and whose memory is read; -1: not known. Of a server that is not ours its supervisor: all its
  /// descendants are looked at (server_use.hpp).
  pid_t master = -1;
  /// The server is not ours: what it did is read from the header fields of its replies (stamps.hpp), as far
  /// as they have any, instead of from event rings.
  bool stamped = false;
};

/// Is shown the requests as they stand, some 100 times a second, and when the load began.
using LoadWatch = std::function<void(std::span<const RequestRecord>, Nanos began)>;

struct LoadOptions {
  std::uint64_t seed = 0;
  Nanos request_deadline = 30 * kSecond;  ///< from the intended time
  int warm_up_requests =
      3;  ///< one after another on a connection of their own (one per worker slot), unrecorded
  /// So many such connections, at most 16; 0: one per slot of the event rings, or one. For servers that are
  /// not ours, whose workers take connections as they like.
  int warm_up_connections = 0;
  /// Becomes readable when the run is to end now (Ctrl-C); -1: never.
  int interrupt_fd = -1;
  /// Burst and staggered connections are closed after their only reply, and constant and poisson loads
  /// connect for each request: where every connection holds a thread of the server, idle ones would starve
  /// the rest.
  bool close_after_reply = false;
  /// The server may leave connections in its backlog while it is busy, and may close them after a reply.
  bool accepts_late = false;
  LoadWatch watch{};  ///< called while no send is near; may be empty
};

/// What one load left.
struct LoadResult {
  std::vector<RequestRecord>
      records;         ///< one per planned request, ordered by id; server stamps filled from events
  Events events;       ///< since the load began, ordered by time
  Events supervision;  ///< the master's among them, which stand here alone
  RequestCounts books;
  Nanos began = 0;           ///< the load's time zero: intended times count from here
  std::vector<Kill> killed;  ///< workers that were killed, at their real times after `began`
  ServerUse server;
  Nanos send_skew = 0;  ///< of the largest burst: last sent - first sent
  std::uint64_t events_dropped = 0;
  bool interrupted = false;
  std::vector<std::string> warnings;  ///< `the generator fell behind by 12 ms at p99`
};

/// Opens the connections, warms up, sends the case's loads and records every request. One thread, one epoll
/// loop: sleeps until 200 us before the next send, then polls without sleeping, so that replies are stamped
/// in time. Constant and poisson loads take their connections in turn from a pool; the others have one per
/// request or client. Ends at the latest one request deadline after the last intended send; closed loads,
/// which have none, stop sending when nothing was answered for one deadline. Connecting and warming up take
/// at most 3 s before time zero. Errors (exit 3): the file limit is too low, nothing listens at the target.
Result<LoadResult> run_load(const Case& load_case, const LoadTarget& target, EventRings* events,
                            const LoadOptions& options);

/// Constant and poisson loads use whichever connection is idle of a pool. It begins with so many, or one for
/// each request where those are fewer. The model deals a connection to every request; taken in turn, a round
/// number of them comes to the same.
constexpr std::int64_t kPoolStart = 64;

/// The descriptors that a case needs.
DescriptorNeed descriptor_need(const Case& load_case);

/// Last sent - first sent of the largest burst; 0 where there is none.
Nanos send_skew(const Case& load_case, std::span<const RequestRecord> records);

/// A warning where the generator sent open loads late: median above 100 us or p99 above 1 ms. Of a burst only
/// the first request counts (the rest is its skew), of fresh connections none (connecting is part of the
/// request).
std::optional<std::string> fell_behind(const Case& load_case, std::span<const RequestRecord> records);

/// How long computing took beside its calibration, by the CPU time of the threads that did it: the median of
/// what the steps report. Takes their events (EventKind::computed) out. Nothing where no step reported.
std::optional<double> take_computed_pace(Events& events);

}  // namespace lab
