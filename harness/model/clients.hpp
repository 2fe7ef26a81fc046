#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "harness/model/kernel.hpp"
#include "lab/core/schedule.hpp"

namespace lab {

class Workers;

/// The simulation's clients: when they send, what they do after a reply, before it, and instead of waiting
/// for it.
class Clients {
 public:
  Clients(Kernel& kernel, const ModelInput& input, Workers& workers, std::vector<RequestRecord>* records,
          Histogram* latencies);

  /// The connections that are there before the load; events of those that a worker has.
  void open_connections(const ModelInput& input);
  /// When the next of the schedule come.
  Nanos next_arrival() const { return next_ ? later(kModelStart, next_->at) : kNever; }
  void arrive();
  void keep(const Kernel::ScheduledEvent& event);
  Prediction prediction();

  const Load& load_of(std::uint32_t task) const { return k_.load_case.loads[k_.tasks[task].load]; }
  void count_split(std::uint32_t task) { splits_[k_.tasks[task].worker] += k_.tasks[task].count; }

  /// Until the last byte of the body has come.
  void wait_for_body(std::uint32_t task);
  void answer(std::uint32_t task);
  /// The connection ends, or goes on: with its client's next request, or kept by a client that asks no more.
  /// False: the task runs no further now.
  bool close(std::uint32_t task, Resource held);
  /// Ends the task where its client has gone and the handler may be cancelled.
  bool cancel_if_gone(std::uint32_t task);
  /// The same before the handler begins.
  bool end_unbegun(std::uint32_t task);

  /// Its client has lost the connection, with the reply or with what it would have asked next.
  bool has_lost(std::uint32_t task) const;
  /// The client gets no reply.
  void fail(std::uint32_t task, Outcome outcome);
  /// A client of this load, if any has something left to ask, does so on a new connection.
  void begin_next(std::uint32_t load);

 private:
  struct LoadState {
    std::int64_t left = 0;  // closed: requests that are not issued yet
    // An idle connection holds the handler's resource. It is taken with the connection's first request: those
    // come in the order of the connections, so taking it earlier would make no request wait longer or
    // shorter.
    bool keeps = false;
    bool reconnects = false;  // for every later request
  };
  enum class Next : std::uint8_t { none, now, paused };

  bool begin(std::uint32_t task, std::uint64_t connection);  // false: it waits to be accepted
  /// A request that is about to begin, in the slot of another one or in a new one.
  void reset(std::uint32_t task, Nanos sent, const Kernel::Stamps& stamps);
  void begin_on_connection(std::uint32_t task, Nanos sent);
  Next plan_next(std::uint32_t task);
  bool plan_follow_up(std::uint32_t task);
  bool stays_connected(std::uint32_t task, Resource held);
  void hang_up(std::uint32_t task);
  bool may_cancel(std::uint32_t task) const;
  void cancel(std::uint32_t task);
  void deliver(std::uint32_t task, Outcome outcome, Nanos received);
  LoadState& state_of(std::uint32_t task) { return loads_[k_.tasks[task].load]; }

  Kernel& k_;
  Workers& workers_;
  std::vector<RequestRecord>* records_;
  Histogram* latencies_;
  ArrivalStream arrivals_;
  std::optional<ArrivalStream::Run> next_;
  std::int64_t most_parts_;  // in which the arrivals of one moment are dealt
  std::vector<LoadState> loads_;
  std::vector<std::int64_t> splits_;
  Nanos first_sent_ = kNever;
  Nanos last_received_ = 0;
  std::int64_t finished_ = 0;
  std::uint32_t last_id_ = 0;        // of the schedule
  std::uint32_t last_later_id_ = 0;  // of the requests that follow replies
  std::uint32_t last_follow_id_ = 0;
  std::uint64_t tickets_ = 0;
};

}  // namespace lab
