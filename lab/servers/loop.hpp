#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <optional>

#include "lab/core/clock.hpp"
#include "lab/servers/job_pool.hpp"

namespace lab {

class Call;

// The loop's own executor type instead of any_io_executor: no type erasure on the way of a request.
using Executor = boost::asio::io_context::executor_type;
using Task = boost::asio::awaitable<void, Executor>;
constexpr boost::asio::use_awaitable_t<Executor> kAwait;
/// Awaiting with it gives the error as a value.
constexpr auto kAwaitTuple = boost::asio::as_tuple(kAwait);
using Timer =
    boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                      boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;

/// A moment of CLOCK_MONOTONIC, which is libstdc++'s steady_clock, as Asio wants it.
inline std::chrono::steady_clock::time_point asio_time(Nanos at) {
  return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(at));
}

/// One worker's event loop: a single thread that runs what is ready, and the pool beside it.
/// Thread safety: none, but the pool's threads come back through the loop's own queue.
class Loop {
 public:
  Executor executor() { return context_.get_executor(); }
  boost::asio::io_context& context() { return context_; }
  void start_pool(int threads) { pool_.emplace(threads); }

  /// Sends `work` to the pool and suspends the caller until it is done; `unit` is the pool thread that it
  /// got.
  using Work = void (*)(Call& call, std::size_t step, std::uint16_t unit);
  Task in_pool(Work work, Call& call, std::size_t step = 0);

 private:
  boost::asio::io_context context_{1};
  // While every request is in the pool, the loop has nothing of its own to wait for.
  boost::asio::executor_work_guard<Executor> stay_{context_.get_executor()};
  std::optional<JobPool> pool_;
};

/// How a handler is executed in the loop's process. `handle` runs the call's plan: it is entered and left
/// with the loop held, and says so through the call whenever it lets go of it between.
struct LoopMode {
  Task (*handle)(Call& call, Loop& loop) = nullptr;
  bool needs_pool = false;
};

}  // namespace lab
