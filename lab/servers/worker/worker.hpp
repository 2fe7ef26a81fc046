// The room worker: what a worker process has, and where its connections come from. For the servers that run
// in it and for the master that starts it.
#pragma once

#include <atomic>
#include <csignal>
#include <initializer_list>
#include <memory>

#include "lab/servers/http/route_table.hpp"
#include "lab/servers/server_setup.hpp"
#include "lab/servers/steps/execution.hpp"
#include "lab/servers/steps/services.hpp"
#include "lab/servers/worker/connection_source.hpp"

namespace lab {

class SharedJobQueue;

/// What a worker reports to its master through shared memory. Outlives the worker. On lines of its own: its
/// neighbours write theirs at each step.
struct alignas(64) WorkerStatus {
  std::atomic<bool> ready{false};    ///< can answer
  std::atomic<bool> replied{false};  ///< has answered a request
  Progress progress{};
  // Written before the worker ends, read after its death was reaped: needs no ordering of its own.
  char last_words[240] = {};
};

/// These signals as something to read or poll for; blocked from now on in this thread and those that it
/// starts. `before`: what was blocked until now, where somebody asks.
UniqueFd watch_signals(std::initializer_list<int> numbers, sigset_t* before = nullptr);

/// What a worker process has: its slot, its connections, its events.
/// Thread safety: events(), log_number() and replied() from any thread, the rest from the main thread.
class Worker {
 public:
  struct Wiring {
    int slot = 0;
    int connections = -1;   ///< a listening socket, or the master's channel
    bool handed = false;    ///< it is the channel
    int ready_signal = -1;  ///< an eventfd of the master's
    WorkerStatus* status = nullptr;
    bool second = false;                   ///< of the two processes that a slot has in a reload
    SharedJobQueue* job_queues = nullptr;  ///< the server's task queues
  };

  Worker(const ServerSetup& setup, EventRings* rings, const Wiring& wiring);

  const Wiring& wiring() const { return wiring_; }
  const ServerSetup& setup() const { return setup_; }
  const RouteTable& routes() const { return routes_; }
  const EventLog& events() const { return events_; }
  /// What the steps of handlers share.
  Services& services() const { return *services_; }
  /// What the log calls this request: its id, else which one without an id it is in this worker; 0: no log.
  std::uint32_t log_number(const Request& request) const;
  /// Readable when a connection waits.
  int connections_fd() const { return connections_.fd(); }
  /// Takes over a connection that waits, and says so in the events.
  AcceptResult accept(Accepted& accepted);
  /// Readable from the moment that the worker is to finish what is in flight and end.
  int stop_fd() const { return stop_fd_.get(); }

  /// The mode calls it when it can answer.
  void ready();
  /// A reply has left: this worker does not count as one that cannot start.
  void replied() {
    if (!replied_.load(std::memory_order_relaxed)) note_first_reply();
  }

 private:
  void note_first_reply();

  const ServerSetup& setup_;
  RouteTable routes_;
  EventLog events_;
  std::unique_ptr<Services> services_;
  ConnectionSource connections_;
  UniqueFd stop_fd_;
  Wiring wiring_;
  mutable std::atomic<std::uint32_t> logged_{0};
  // This process's own copy: the shared one is on a line that others write.
  std::atomic<bool> replied_{false};
};

}  // namespace lab
