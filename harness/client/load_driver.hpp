#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/client/load.hpp"
#include "harness/client/load_loop.hpp"
#include "harness/client/request_text.hpp"
#include "harness/trace/stamps.hpp"
#include "lab/core/schedule.hpp"

namespace lab {

struct DriverSetup {
  std::uint64_t seed = 0;
  Nanos request_deadline = 30 * kSecond;  ///< from the intended time
  bool identify = true;                   ///< send Lab-Request
  bool close_after_reply = false;         ///< but for the clients of closed loads (LoadOptions)
  /// Called about every 10 ms while no send is near, with the time until the next one; may be empty.
  std::function<void(Nanos room)> housekeeping{};
  /// Kills the worker in that slot; false: there is none just now, so it is tried again for a while. Must be
  /// there where the case kills.
  std::function<bool(int worker)> kill{};
};

/// Sends a case's loads over a transport and records every request: when, on which connection, how it ended.
/// All of the load generator but sockets, events and the warm-up. A composition over LoadLoop: the case's
/// schedule (when), its routes and what follows a reply (what), a record of every request, the last deadline
/// (the end). Runs in virtual time with a fake clock and transport. Closed loads stop sending when nothing
/// was answered for one request deadline, so that a dead server ends the run.
///
/// Burst and staggered: one connection a request; closed: one a client; constant and poisson: the longest
/// idle one of a pool that begins with `kPoolStart` and grows when every one is busy. Fresh ones are opened
/// with their request, the others before the load. Connections are numbered in the order in which the
/// arrivals first need them: servers that deal connections in turn deal them in that order.
class LoadDriver final : public LoadLoop {
 public:
  LoadDriver(const Case& load_case, const LoadTarget& target, const DriverSetup& setup, Clock& clock,
             Transport& transport);

  /// Opens the next `count` connections that are to be open before the load, in their order, and waits until
  /// each is open or failed, at most until `until`. Returns whether more are to be opened.
  bool open_connections(std::size_t count, Nanos until);
  /// This side's ports of the connections opened before the load, in the order of opening.
  const std::vector<std::uint16_t>& opened_ports() const { return opened_ports_; }

  /// Runs the load; its time zero is `began`, in the near future.
  void run(Nanos began);

  /// A closed load stopped because the server answered nothing.
  bool gave_up() const { return gave_up_; }
  /// Slots of workers that were to be killed and were not found.
  const std::vector<int>& missed_kills() const { return missed_kills_; }
  /// The kills that were carried out, each at its real time after the load's time zero, in order.
  const std::vector<Kill>& killed() const { return killed_; }
  /// One per planned request, and behind them one per follow-up that was asked, ordered by id.
  std::vector<RequestRecord>& records() { return records_; }
  /// What the replies of a stamped target reported. apply() it when the load is over.
  HeaderTimings& stamps() { return stamps_; }
  /// This side's port of each record's connection; 0: never connected.
  const std::vector<std::uint16_t>& ports() const { return ports_; }

 private:
  static constexpr std::uint32_t kNone = DueList::kNone, kNoRequest = kNone;

  /// What a connection is for, beside its state among Connections.
  struct ClientSlot {
    std::uint32_t load = 0;
    std::uint32_t request = kNoRequest;  // index of the record
    std::uint16_t port = 0;
    std::uint16_t failures = 0;  // in a row; closed loads back off
    bool preopened = false;
    // The first request that is being followed up on it: what its reply said, and how long it is asked about.
    std::uint32_t first = kNoRequest;
    std::int64_t value = 0;
    Nanos ask_until = 0;
  };
  struct LoadState {
    RequestText text;
    std::optional<RequestText> follow_text;
    ConnectionKind kind = ConnectionKind::plain;
    std::int64_t to_issue = 0;  // closed: requests without an id yet
    DueList idle{};             // of a pool; closed: those that asked about replies while
                                // their clients went on
  };

  // issuing
  std::uint32_t take_planned(std::uint32_t load);
  std::uint32_t add_connection(std::uint32_t load);
  std::uint32_t take_idle(std::uint32_t load);
  void issue(std::uint32_t request, std::uint32_t connection, Nanos intended);
  void issue_due(Nanos now) override;
  void go_on(std::uint32_t connection, Nanos intended) override;
  bool has_more() const override;
  Nanos next_due() const override;
  Nanos next_other() const override;
  void look_after(Nanos now) override;
  // what its connections ask and report
  OutgoingRequest request_on(std::uint32_t connection) override;
  std::string_view body_piece(std::uint32_t connection, std::int64_t offset) override;
  std::int64_t body_due(std::uint32_t connection) const;
  void on_pause(std::uint32_t connection, std::int64_t body_sent) override;
  ConnectionKind kind_of(std::uint32_t connection) override { return loads_[slots_[connection].load].kind; }
  WebSocketHandshake handshake_of(std::uint32_t connection) override;
  void on_opened(std::uint32_t connection) override {
    slots_[connection].port = transport_.local_port(connection);
  }
  void on_sent(std::uint32_t connection, bool begins, std::int64_t bytes) override;
  void on_received(std::uint32_t connection, Nanos now, std::int64_t bytes) override;
  void on_reply(std::uint32_t connection, const IncomingReply& reply) override;
  void on_failure(std::uint32_t connection, LoadError error) override { fail(connection, outcome_of(error)); }
  void fail(std::uint32_t connection, Outcome outcome);
  void release(std::uint32_t connection);
  void make_idle(std::uint32_t connection) { loads_[slots_[connection].load].idle.put(connection); }
  void settle();
  // following up and killing
  bool begin_questions(std::uint32_t connection, std::uint32_t request, const IncomingReply& reply);
  void ask_again(std::uint32_t connection, Nanos now);
  void end_questions(std::uint32_t connection);
  void issue_follow_up(std::uint32_t connection, Nanos intended);
  void kill_due(Nanos now);
  Nanos next_kill() const;

  const Case& case_;  // outlives this
  const LoadTarget target_;
  const DriverSetup setup_;
  Transport& transport_;
  std::vector<Arrival> arrivals_;
  std::vector<std::uint32_t> connection_of_;  // by arrival; kNone: one of its load's pool
  HeaderTimings stamps_;
  std::vector<ClientSlot> slots_;  // by connection
  std::vector<LoadState> loads_;
  std::vector<RequestRecord> records_;
  std::vector<std::uint16_t> ports_;
  std::vector<std::uint16_t> opened_ports_;
  DueHeap follow_ups_;       // `what` is the connection that asks
  DueHeap pieces_;           // `what` is a connection whose body goes on
  DueList hang_ups_;         // by connection
  std::vector<Kill> kills_;  // in order of time
  std::vector<int> missed_kills_;
  std::vector<Kill> killed_;
  std::size_t next_kill_ = 0;
  Nanos retry_kill_ = 0;   // 0: the next kill was not tried yet
  std::size_t taken_ = 0;  // of the planned records
  std::size_t next_arrival_ = 0;
  std::uint32_t next_open_ = 0;
  std::size_t to_open_ = 0;  // of those that are to be open before the load
  Nanos last_housekeeping_ = 0;
  std::string frame_;  // the WebSocket message that is being sent
};

}  // namespace lab
