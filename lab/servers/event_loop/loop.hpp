// The room event_loop: the server of every mode that has a loop: one thread, Asio, coroutines. For the modes
// alone, since Asio's 140,000 lines come with it.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <optional>
#include <span>

#include "lab/core/clock.hpp"
#include "lab/servers/steps/connection_pool.hpp"
#include "lab/servers/steps/execution.hpp"
#include "lab/servers/steps/process_pool.hpp"

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

/// A part of a handler for a thread of the pool.
struct PoolTask {
  void (*run)(const PoolTask& task, std::uint16_t unit) = nullptr;
  Call* call = nullptr;
  std::span<const Step> steps{};
  StepPlace place{};
};

/// One worker's event loop: a single thread that runs what is ready, and the pool beside it.
/// Thread safety: none, but the pool's threads come back through the loop's own queue.
class Loop {
 public:
  Executor executor() { return context_.get_executor(); }
  boost::asio::io_context& context() { return context_; }
  void start_pool(int threads) { pool_.emplace(threads); }

  /// Sends the task to the pool and suspends the caller until it is done; the task learns which thread it
  /// got.
  Task in_pool(PoolTask task);
  /// Suspends the caller until a connection is free.
  boost::asio::awaitable<std::uint16_t, Executor> connection(ConnectionPool& pool);

 private:
  // Descriptors belong to the loop's thread alone, so the reactor needs no lock for them; the queue, through
  // which the pool comes back, keeps its own.
  boost::asio::io_context context_{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};
  // While every request is in the pool, the loop has nothing of its own to wait for.
  boost::asio::executor_work_guard<Executor> stay_{context_.get_executor()};
  std::optional<JobPool> pool_;
};

/// Looks for more a moment longer before the loop goes to sleep: in a burst the next bytes are on their way,
/// and to wake a sleeping process costs the sender more than to send. Runs the first handler that is ready
/// within that moment; how many ran: 1 or 0.
std::int64_t poll_a_moment(boost::asio::io_context& context);

/// How a handler is executed in the loop's process. All of these are entered and left with the loop held, and
/// say so through the call whenever they let go of it between.
struct LoopMode {
  using Leaf = Task (*)(Call& call, Loop& loop, const Step& step, StepPlace place);
  /// The whole handler, from start to finish.
  Task (*handle)(Call& call, Loop& loop, const LoopMode& mode) = nullptr;
  /// What it has left for after the reply.
  Task (*after)(Call& call, Loop& loop, const LoopMode& mode) = nullptr;
  /// A step that waits, and one that computes; null: in place, in the loop's own thread.
  Leaf waiting = nullptr;
  Leaf computing = nullptr;
};

/// A waiting step that is awaited: it holds nothing, and the loop is free from the suspension until what it
/// waits for has come and the loop comes back to it.
Task await_step(Call& call, Loop& loop, const Step& step, StepPlace place);

/// Executes steps on the loop: those that wait or compute as the mode says, all others alike in every mode.
/// Ends early where the call fails. Entered and left with the loop held.
Task run_on_loop(Call& call, Loop& loop, const LoopMode& mode, const Plan& plan, StepPlace first);

/// Executes steps as a whole in a thread of the pool, or in the member of the pool of processes that it
/// stands for. Entered and left with the loop held.
Task run_in_pool(Call& call, Loop& loop, std::span<const Step> steps, StepPlace first);
Task run_in_pool(Call& call, Loop& loop, PoolTask task);

/// What must be done before the handler: asynchronous dependencies on the loop, the others in the pool.
Task run_dependencies(Call& call, Loop& loop);

/// A handler whose mode holds the loop, from start to finish.
Task handle_on_loop(Call& call, Loop& loop, const LoopMode& mode);
/// What such a handler has left for after its reply.
Task after_on_loop(Call& call, Loop& loop, const LoopMode& mode);

}  // namespace lab
