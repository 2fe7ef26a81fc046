#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "lab/core/plan.hpp"

struct pg_conn;

namespace lab {

/// Why a step failed, as its reply says it; status 200: it did not.
struct LeafFault {
  int status = 200;
  std::string reason{};
  bool none() const { return status == 200; }
};
constexpr int kServerFault = 500;
constexpr int kBadGateway = 502;
constexpr int kUnavailable = 503;

/// What came of a step, the CPU time that its computing took the thread and the units that were run in it; 0
/// where it does not compute.
struct LeafEnd {
  LeafFault fault;
  Nanos cpu = 0;
  std::int64_t units = 0;
};

/// A question to somebody outside this process, as far as it has come. It never waits itself: who runs it
/// does, a thread in poll(2) or a coroutine on its loop. One thread at a time.
class Conversation {
 public:
  virtual ~Conversation() = default;

  /// A descriptor that must become readable, or writable, before it can go on.
  struct Need {
    int fd = -1;
    bool to_write = false;
  };
  /// Goes on as far as that takes no waiting. Nothing: it is over.
  virtual std::optional<Need> go_on() = 0;
  /// What it waits for did not come in time, or nobody wants it any more: it is over.
  virtual void give_up() = 0;

  /// When to give up.
  Nanos deadline() const { return deadline_; }
  /// What came of it.
  const LeafFault& fault() const { return fault_; }

 protected:
  std::nullopt_t fail(int status, std::string reason) {
    fault_ = {status, std::move(reason)};
    return std::nullopt;
  }
  Nanos deadline_ = kNever;

 private:
  LeafFault fault_;
};

/// How much longer than it promises the upstream server may take.
constexpr Nanos kUpstreamPatience = 5 * kSecond;

/// Asks the lab's own upstream server on loopback. A thread keeps its idle connections; where the other side
/// has closed one meanwhile, the question goes out once more.
std::unique_ptr<Conversation> ask_upstream(std::uint16_t port, const CallUpstream& call);

struct CloseConnection {
  void operator()(pg_conn* connection) const;
};
/// A libpq connection. One thread at a time.
using PgConnection = std::unique_ptr<pg_conn, CloseConnection>;

/// Opens a connection in the calling thread. Where that fails, the first query tries again and says why.
PgConnection open_connection(const std::string& url);

/// Sends the query over the connection, or over a new one where `kept` is null. One that is not open, or not
/// any more, is opened first: in the calling thread if it `may_block`.
std::unique_ptr<Conversation> ask_database(PgConnection* kept, const std::string& url, const Query& query,
                                           bool may_block);

/// What a leaf needs of whoever runs it.
struct LeafTools {
  std::uint16_t upstream_port = 0;
  const std::string* postgres = nullptr;
  PgConnection* connection = nullptr;  ///< null: a new one for the query
  std::function<void()> between{};     ///< called while computing; may be empty
};

/// The question that a step asks; null: it asks nobody. The step and what the tools name must outlive it.
std::unique_ptr<Conversation> ask(const Step& step, const LeafTools& tools, bool may_block);

/// Runs a waiting or computing step to its end in the calling thread, which sleeps or burns. A wait's
/// deadline counts from `begun`, so no wait is seen to end early. Steps of other kinds do nothing.
LeafEnd run_leaf(const Step& step, Nanos begun, const LeafTools& tools);

/// How much longer a unit took than it is calibrated to, 1.0 as calibrated: of the units that were run, so
/// that work done twice is no slow core. 0 where none was.
double pace_of(const Compute& compute, const LeafEnd& end);

}  // namespace lab
