#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <queue>
#include <span>
#include <string>
#include <vector>

#include "harness/connection_plan.hpp"
#include "harness/load.hpp"
#include "harness/reply_parser.hpp"
#include "harness/request_text.hpp"
#include "harness/transport.hpp"

namespace lab {

struct DriverSetup {
  std::uint64_t seed = 0;
  Nanos request_deadline = 30 * kSecond;  ///< from the intended time
  bool identify = true;                   ///< send Lab-Request
  bool close_after_reply = false;         ///< but for the clients of closed loads
  /// Called about every 10 ms while no send is near; may be empty.
  std::function<void()> housekeeping{};
};

/// Sends a case's loads over a transport and records every request: when, on which connection, how it ended.
/// All of the load generator but sockets, events and the warm-up; runs in virtual time with a fake clock and
/// transport. Closed loads stop sending when nothing was answered for one request deadline, so that a dead
/// server ends the run.
class LoadDriver {
 public:
  LoadDriver(const Case& load_set, const LoadTarget& target, const DriverSetup& setup, Clock& clock,
             Transport& transport);

  /// Opens the next `count` connections of the plan in its order, and waits until each is open or failed, at
  /// most until `until`. Returns whether more are to be opened.
  bool open_connections(std::size_t count, Nanos until);
  /// errno of the first connection that could not be opened before the load; 0: none.
  int open_error() const { return open_error_; }
  /// This side's ports of the connections opened before the load, in the order of opening.
  const std::vector<std::uint16_t>& opened_ports() const { return opened_ports_; }

  /// Runs the load; its time zero is `began`, in the near future.
  void run(Nanos began);

  bool interrupted() const { return interrupted_; }
  /// A closed load stopped because the server answered nothing.
  bool gave_up() const { return gave_up_; }
  /// One per planned request, ordered by id.
  std::vector<RequestRecord>& records() { return records_; }
  /// This side's port of each record's connection; 0: never connected.
  const std::vector<std::uint16_t>& ports() const { return ports_; }

 private:
  enum class Phase : std::uint8_t { closed, opening, idle, sending, awaiting };
  static constexpr std::uint32_t kNoRequest = ~std::uint32_t{0};

  struct Connection {
    ReplyParser parser;
    std::uint32_t load = 0;
    std::uint32_t request = kNoRequest;  // index of the record
    std::uint32_t offset = 0;            // bytes of it that are sent
    std::uint32_t next_idle = kNoConnection;
    std::uint16_t port = 0;
    std::uint16_t failures = 0;  // in a row; closed loads back off
    Phase phase = Phase::closed;
    bool reopened = false;  // for this request: the kept connection was found closed when sending
  };
  struct LoadState {
    std::int64_t to_issue = 0;  // closed: requests without an id yet
    std::uint32_t first_idle = kNoConnection, last_idle = kNoConnection;
  };
  // Something to do at a time: a request's deadline, or a closed client's next request.
  struct Due {
    Nanos at = 0;
    std::uint32_t what = 0;
    bool operator>(const Due& other) const { return at > other.at; }
  };
  class DueHeap : public std::priority_queue<Due, std::vector<Due>, std::greater<>> {
   public:
    void reserve(std::size_t size) { c.reserve(size); }
  };

  // issuing
  void issue_due(Nanos now);
  RequestRecord& add_record(std::uint32_t load);
  void issue(std::uint32_t request, std::uint32_t connection);
  void issue_closed(std::uint32_t connection, Nanos intended);
  std::uint32_t take_pooled(std::uint32_t load);
  void make_idle(std::uint32_t connection);
  // connections
  void start_open(std::uint32_t connection);
  void on_opened(std::uint32_t connection);
  void transmit(std::uint32_t connection);
  void handle(std::span<const Ready> ready);
  void on_readable(std::uint32_t connection, bool ended);
  void drop(std::uint32_t connection);
  // endings
  void complete(std::uint32_t connection, Nanos now, bool keep);
  void fail(std::uint32_t connection, Outcome outcome);
  void release(std::uint32_t connection);
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
  std::vector<RequestText> texts_;  // by route
  std::vector<Connection> connections_;
  std::vector<LoadState> loads_;
  std::vector<RequestRecord> records_;
  std::vector<std::uint16_t> ports_;
  std::vector<std::uint32_t> connection_of_;  // by record
  std::vector<std::uint16_t> opened_ports_;
  DueHeap deadlines_;  // `what` is a record; finished ones are skipped when they come up
  DueHeap later_;      // `what` is a closed client's connection
  std::size_t next_arrival_ = 0;
  std::size_t next_open_ = 0;
  std::size_t outstanding_ = 0;
  Nanos began_ = 0;
  Nanos last_answer_ = 0;
  Nanos last_housekeeping_ = 0;
  int open_error_ = 0;
  bool interrupted_ = false;
  bool gave_up_ = false;
  std::array<char, 65536> buffer_{};
};

}  // namespace lab
