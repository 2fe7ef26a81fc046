#pragma once

#include <memory>
#include <vector>

#include "lab/core/plan.hpp"
#include "lab/servers/event_loop/loop.hpp"
#include "lab/servers/steps/leaf.hpp"

namespace lab {

class Call;

/// A loop's idle connections to the upstream server. The loop's thread only.
class UpstreamPool {
 public:
  struct Connection;  // Beast's, and costly to include

  UpstreamPool();
  UpstreamPool(const UpstreamPool&) = delete;
  UpstreamPool& operator=(const UpstreamPool&) = delete;
  ~UpstreamPool();

  /// Null where none is idle.
  std::unique_ptr<Connection> take();
  void give(std::unique_ptr<Connection> connection);

 private:
  std::vector<std::unique_ptr<Connection>> idle_;
};

/// Asks the upstream server and suspends the caller until it has answered (Beast).
boost::asio::awaitable<LeafFault, Executor> await_upstream(Call& call, Loop& loop, CallUpstream question);

}  // namespace lab
