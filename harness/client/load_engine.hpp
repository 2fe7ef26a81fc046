#pragma once

#include <atomic>
#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "harness/client/load_counts.hpp"
#include "harness/client/load_loop.hpp"
#include "harness/client/load_rate.hpp"

namespace lab {

/// A request that is sent over and over.
struct LoadRequest {
  std::string bytes;           ///< head and body
  std::uint32_t endpoint = 0;  ///< which of EnginePlan::endpoints
  std::int64_t weight = 1;     ///< its share among the others
  bool to_head = false;        ///< a HEAD request: its reply has no body
  bool idempotent = true;      ///< may be sent again when a kept connection turns out to be closed
};

struct EnginePlan {
  std::vector<LoadRequest> requests;
  std::uint32_t endpoints = 1;  ///< connection c goes to endpoint c modulo their number
  Arrivals arrivals = Arrivals::closed;
  RateCurve curve;               ///< of open loads
  std::int64_t planned = -1;     ///< of all shares together; negative: as many as the duration allows
  std::uint32_t clients = 1;     ///< of this share. Closed: clients; open: connections opened before the load
  std::uint32_t most = 1;        ///< connections of this share at once, to each endpoint; at least `clients`
  Nanos duration = kNever;       ///< nothing is sent that was not intended before
  Nanos warm_up = 0;             ///< sent before time zero, and neither counted nor recorded
  Nanos client_ramp = 0;         ///< closed: the clients start one after another within so long
  Nanos timeout = 10 * kSecond;  ///< from the intended time
  bool fresh = false;            ///< a new connection for each request
  std::bitset<600> expected;     ///< statuses that are ok
  LoadShare share;
  std::uint64_t seed = 0;
};

/// What another thread may look at while an engine runs.
struct EngineProgress {
  std::atomic<std::int64_t> ended{0}, ok{0}, under_way{0};
};

/// Sends one share of a load and records every request: the hot loop of `lab load`. A composition over
/// LoadLoop: arrival times or clients (when), requests in turn by their weights (what), counts and four
/// numbers a reply (the record), a duration or a number of requests (the end). Unlike LoadDriver, which keeps
/// a record of every request of a scenario, it knows no plan of the server's and runs for as long as it
/// likes; nothing on the way from one reply to the next request allocates, sorts or asks the kernel for more
/// than send and receive. One thread. Virtual time with a fake clock and transport.
class LoadEngine final : public LoadLoop {
 public:
  LoadEngine(const EnginePlan& plan, SampleArena& arena, Clock& clock, Transport& transport);

  /// Opens the connections that the load begins with, at most until `until`; the errno of the first that
  /// failed, 0: none did. Fresh ones are not opened before.
  int open_connections(Nanos until);
  /// Runs the load; its time zero is `began`, at least the warm-up after now. Returns when everything is
  /// over: at the latest a timeout after the duration, or, for loads of a number of requests, when nothing
  /// was answered for one timeout.
  void run(Nanos began);

  const LoadCounts& counts() const { return counts_; }
  const SampleStore& samples() const { return samples_; }
  /// Of whole replies that are errors: an unexpected status, extra bytes.
  const SampleStore& error_replies() const { return error_replies_; }
  const EngineProgress& progress() const { return progress_; }
  /// What was wrong with the first bad reply; empty: none.
  std::string_view first_problem() const { return first_problem_; }

 private:
  /// A client, or one place of an open load's pool: it has one request under way at a time.
  struct ClientSlot {
    Nanos intended = 0;
    Nanos free_since = 0;
    std::uint32_t request = 0;     // index of the plan's
    std::uint32_t connection = 0;  // that it is on
    std::uint16_t failures = 0;
    bool waited = false;  // for a free connection: no fault of the generator's
  };

  bool is_closed_loop() const { return plan_.arrivals == Arrivals::closed; }
  bool counts(const ClientSlot& slot) const { return slot.intended >= began_; }
  std::uint32_t slot_of(std::uint32_t connection) const {
    return plan_.endpoints == 1 ? connection : connection / plan_.endpoints;  // a division is slow
  }
  bool has_free_slot() const { return !idle_.empty() || unused_ < slots_.size(); }
  // issuing
  bool has_more() const override { return !is_closed_loop() && (warming_ || times_.next() != kNever); }
  Nanos next_due() const override;
  Nanos next_other() const override;
  void issue_due(Nanos now) override;
  void go_on(std::uint32_t slot, Nanos intended) override;
  void issue(std::uint32_t slot, Nanos intended, Nanos now);
  std::uint32_t choose_request();
  void look_after(Nanos now) override;
  // what its connections ask and report
  OutgoingRequest request_on(std::uint32_t connection) override;
  void on_opened(std::uint32_t connection) override;
  void on_sent(std::uint32_t connection, bool begins, std::int64_t bytes) override;
  void on_received(std::uint32_t connection, Nanos now, std::int64_t bytes) override;
  void on_reply(std::uint32_t connection, const IncomingReply& reply) override;
  void on_failure(std::uint32_t connection, LoadError error) override;
  void release(std::uint32_t slot, Nanos now);
  void settle();
  void count_connections();

  const EnginePlan plan_;
  SampleStore samples_, error_replies_;
  LoadCounts counts_;
  EngineProgress progress_;
  ArrivalTimes times_;  // of open loads, from times_began_; the warm-up's first
  Nanos times_began_ = 0;
  bool warming_ = false;
  std::vector<ClientSlot> slots_;
  std::vector<std::int64_t> turns_;  // by request: smooth weighted round robin
  DueList idle_;
  std::uint32_t unused_ = 0;    // slots from here on were never taken
  std::int64_t to_issue_ = -1;  // closed: negative: without end
  std::string_view first_problem_;
};

}  // namespace lab
