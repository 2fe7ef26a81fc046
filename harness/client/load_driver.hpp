#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/client/connection_plan.hpp"
#include "harness/client/connections.hpp"
#include "harness/client/load.hpp"
#include "harness/client/load_pace.hpp"
#include "harness/client/request_text.hpp"
#include "harness/client/transport.hpp"
#include "harness/trace/stamps.hpp"

namespace lab {

struct DriverSetup {
  std::uint64_t seed = 0;
  Nanos request_deadline = 30 * kSecond;  ///< from the intended time
  bool identify = true;                   ///< send Lab-Request
  bool close_after_reply = false;         ///< but for the clients of closed loads
  /// Called about every 10 ms while no send is near, with the time until the next one; may be empty.
  std::function<void(Nanos room)> housekeeping{};
  /// Kills the worker in that slot; false: there is none just now, so it is tried again for a while. Must be
  /// there where the case kills.
  std::function<bool(int worker)> kill{};
};

/// Sends a case's loads over a transport and records every request: when, on which connection, how it ended.
/// All of the load generator but sockets, events and the warm-up. A composition over Connections: the case's
/// schedule and connection plan (when), its routes and what follows a reply (what), a record of every
/// request, the last deadline (the end). Runs in virtual time with a fake clock and transport. Closed loads
/// stop sending when nothing was answered for one request deadline, so that a dead server ends the run.
class LoadDriver final : private ConnectionUser {
 public:
  LoadDriver(const Case& load_case, const LoadTarget& target, const DriverSetup& setup, Clock& clock,
             Transport& transport);

  /// Opens the next `count` connections of the plan in its order, and waits until each is open or failed, at
  /// most until `until`. Returns whether more are to be opened.
  bool open_connections(std::size_t count, Nanos until);
  /// errno of the first connection that could not be opened before the load; 0: none.
  int open_error() const { return connections_.open_error(); }
  /// This side's ports of the connections opened before the load, in the order of opening.
  const std::vector<std::uint16_t>& opened_ports() const { return opened_ports_; }

  /// Runs the load; its time zero is `began`, in the near future.
  void run(Nanos began);

  bool interrupted() const { return connections_.interrupted(); }
  /// A closed load stopped because the server answered nothing.
  bool gave_up() const { return gave_up_; }
  /// Slots of workers that were to be killed and were not found.
  const std::vector<int>& missed_kills() const { return missed_kills_; }
  /// The kills that were carried out, each at its real time after the load's time zero, in order.
  const std::vector<Kill>& killed() const { return killed_; }
  /// One per planned request, and behind them one per follow-up that was asked, ordered by id.
  std::vector<RequestRecord>& records() { return records_; }
  /// What the replies of a stamped target told. apply() it when the load is over.
  HeaderTimings& stamps() { return stamps_; }
  /// This side's port of each record's connection; 0: never connected.
  const std::vector<std::uint16_t>& ports() const { return ports_; }

 private:
  static constexpr std::uint32_t kNoRequest = ~std::uint32_t{0};

  /// What a connection is for, beside its state among Connections.
  struct ClientSlot {
    std::uint32_t load = 0;
    std::uint32_t request = kNoRequest;  // index of the record
    std::uint16_t port = 0;
    std::uint16_t failures = 0;  // in a row; closed loads back off
    bool spare = false;          // of a closed load: asks about replies while its client goes on
  };
  // A first request that is being followed up, by connection.
  struct Chain {
    std::uint32_t first = kNoRequest;  // its record; kNoRequest: none
    std::int64_t value = 0;
    Nanos until = 0;
  };
  struct LoadState {
    RequestText text;
    std::optional<RequestText> follow_text;
    std::int64_t body_bytes = 0;
    bool websocket = false;
    std::int64_t to_issue = 0;  // closed: requests without an id yet
    IdleQueue idle{};           // of a pool
  };

  // issuing
  void issue_due(Nanos now);
  std::uint32_t take_planned(std::uint32_t load);
  std::uint32_t append_record();
  void issue(std::uint32_t request, std::uint32_t connection);
  void issue_closed(std::uint32_t connection, Nanos intended);
  std::uint32_t take_pooled(std::uint32_t load);
  void make_idle(std::uint32_t connection) { loads_[slots_[connection].load].idle.put(connection); }
  std::uint32_t add_connection(std::uint32_t load);
  // what its connections ask and tell
  OutgoingRequest request_on(std::uint32_t connection) override;
  std::string_view body_piece(std::uint32_t connection, std::int64_t offset) override;
  std::int64_t body_due(std::uint32_t connection) const;
  void on_pause(std::uint32_t connection, std::int64_t body_sent) override;
  ConnectionKind kind_of(std::uint32_t connection) override;
  WebSocketHandshake handshake_of(std::uint32_t connection) override;
  void on_opened(std::uint32_t connection) override;
  void on_sent(std::uint32_t connection, bool begins, std::int64_t bytes) override;
  void on_received(std::uint32_t connection, Nanos now, std::int64_t bytes) override;
  void on_reply(std::uint32_t connection, const IncomingReply& reply) override;
  void on_failure(std::uint32_t connection, LoadError error) override;
  // following up and killing
  bool begin_chain(std::uint32_t connection, Nanos now, std::string_view body);
  void continue_chain(std::uint32_t connection, Nanos now);
  void end_chain(std::uint32_t connection);
  void issue_follow_up(std::uint32_t connection, Nanos intended);
  std::uint32_t take_spare(std::uint32_t load);
  Chain& chain_of(std::uint32_t connection);
  void kill_due(Nanos now);
  Nanos next_kill() const;
  // endings
  void fail(std::uint32_t connection, Outcome outcome);
  void end(std::uint32_t connection, Outcome outcome);
  void release(std::uint32_t connection, bool asks);
  void expire(Nanos now);
  bool finished() const;
  void settle();
  // waiting
  Nanos next_send() const;
  Nanos wait_until(Nanos now) const;
  void keep_house(Nanos now);

  const Case& case_;  // outlives this
  const DriverSetup setup_;
  Clock& clock_;
  Transport& transport_;
  std::vector<Arrival> arrivals_;
  ConnectionPlan plan_;
  const std::string host_;
  const std::uint16_t port_;
  const std::vector<Route> routes_;
  const bool stamped_;
  HeaderTimings stamps_;
  std::vector<ClientSlot> slots_;  // by connection
  Connections connections_;
  std::vector<LoadState> loads_;
  std::vector<RequestRecord> records_;
  std::vector<std::uint16_t> ports_;
  std::vector<std::uint32_t> connection_of_;  // by record
  std::vector<std::uint16_t> opened_ports_;
  DueHeap deadlines_;                  // `what` is a record; finished ones are skipped when they come up
  DueHeap later_;                      // `what` is a closed client's connection
  DueHeap follow_ups_;                 // `what` is the connection that asks
  DueHeap hang_ups_;                   // `what` is a record
  DueHeap pieces_;                     // `what` is a connection whose body goes on
  std::vector<Chain> chains_;          // by connection, as far as there were any
  std::vector<std::uint32_t> spares_;  // connections that ask nothing just now
  std::vector<Kill> kills_;            // in order of time
  std::vector<int> missed_kills_;
  std::vector<Kill> killed_;
  std::size_t next_kill_ = 0;
  Nanos retry_kill_ = 0;  // 0: the next kill was not tried yet
  std::size_t planned_ = 0;
  std::size_t taken_ = 0;  // of the planned records
  std::size_t next_arrival_ = 0;
  std::size_t next_open_ = 0;
  std::size_t outstanding_ = 0;
  Nanos began_ = 0;
  Nanos last_answer_ = 0;
  Nanos last_housekeeping_ = 0;
  bool gave_up_ = false;
  std::string frame_;  // the WebSocket message that is being sent
};

}  // namespace lab
