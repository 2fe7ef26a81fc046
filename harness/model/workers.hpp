#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "harness/model/kernel.hpp"

namespace lab {

class Clients;
class JobQueues;

/// Which worker of the simulation a connection comes to, by the arm's accept policy, and workers that die.
class Workers {
 public:
  Workers(Kernel& kernel, const ModelInput& input, Clients& clients, JobQueues& jobs);

  /// Connections that are there before the load, and that nobody has yet.
  void open(std::uint64_t connections);
  /// Numbers for so many connections, the first of which is returned: opened ones, or new ones.
  std::uint64_t number(bool fresh, std::uint64_t count = 1);
  /// The connection has a worker.
  bool has_worker(std::uint64_t connection) const {
    return !k_.workers_accept() || connections_[connection].worker >= 0;
  }
  std::uint32_t worker_of(std::uint64_t connection) const;
  /// The request comes on this connection; false: it waits until a worker accepts it.
  bool connect(std::uint32_t task, std::uint64_t connection);
  /// The request has its reply, or is none any more.
  void leave(std::uint32_t worker);
  void accept_waiting();
  void kill(std::uint32_t worker);

 private:
  /// A connection that no policy has dealt beforehand.
  struct Connection {
    std::int32_t worker = -1;
    std::uint32_t task = Kernel::kNone;
    std::uint32_t epoch = 0;  // of the worker when it took it
  };
  bool is_full(std::uint32_t worker) const {
    return k_.arm.accept == Accept::one && k_.arm.accept_limit > 0 && serving_[worker] >= k_.arm.accept_limit;
  }
  bool may_accept(std::uint32_t worker);
  void accept_one(std::uint32_t worker);
  void give(std::uint32_t task, std::uint32_t worker);
  void stop(std::uint32_t task, std::vector<std::uint32_t>& orphans);

  Kernel& k_;
  Clients& clients_;
  JobQueues& jobs_;
  const std::uint64_t seed_;  // of what the kernel draws
  const std::uint32_t first_worker_;
  std::uint64_t opened_ = 0, next_opened_ = 0, next_fresh_ = 0;
  std::vector<Connection> connections_;
  std::deque<std::uint64_t> backlog_;  // connections
  std::vector<int> serving_;           // connections, by worker
  std::uint32_t next_acceptor_;
};

}  // namespace lab
