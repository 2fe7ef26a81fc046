#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <list>

#include "lab/servers/event_loop/loop_watch.hpp"
#include "lab/servers/event_loop/session.hpp"
#include "lab/servers/mode.hpp"
#include "lab/servers/worker/worker.hpp"

namespace lab {

namespace asio = boost::asio;

namespace {

using Descriptor = asio::posix::basic_stream_descriptor<Executor>;
// So many handed connections are taken over before their requests get a turn.
constexpr int kHandedBatch = 256;
constexpr Nanos kDeadlineCheck = 100 * kMillisecond;

/// What the loop does with an exception that no handler caught: the connection is lost, the server is not.
void report(const std::exception_ptr& fault) {
  try {
    if (fault != nullptr) std::rethrow_exception(fault);
  } catch (const std::exception& error) {
    fmt::print(stderr, "lab: a connection failed: {}\n", error.what());
  }
}

/// Waits until something is ready and runs it. What comes after a silence, or after a handler that kept the
/// loop as long, may be the beginning of a burst: the loop then stays awake between its requests for a while.
/// With a steady stream of them this would only burn its core.
class BusyPoll {
 public:
  std::int64_t run_some(asio::io_context& context) {
    if (monotonic_now() < awake_until_) {
      if (const std::int64_t ran = poll_a_moment(context); ran > 0) return ran;
    }
    const Nanos asleep = monotonic_now();
    const std::size_t ran = context.run_one();
    const Nanos now = monotonic_now();
    if (now - asleep > kSilence) awake_until_ = now + kAwake;
    return static_cast<std::int64_t>(ran);
  }

 private:
  static constexpr Nanos kSilence = kMillisecond;
  static constexpr Nanos kAwake = kMillisecond;
  Nanos awake_until_ = 0;
};

/// One loop, its listener and its sessions. Only the loop's thread touches it.
class LoopServer {
 public:
  explicit LoopServer(Worker& worker)
      : worker_(worker),
        source_(loop_.executor(), worker.connections_fd()),
        stop_(loop_.executor(), worker.stop_fd()),
        deadline_timer_(loop_.executor()),
        room_(loop_.executor(), std::chrono::steady_clock::time_point::max()),
        accept_(worker.setup().arm.accept),
        context_{.worker = worker, .loop = loop_, .scratch = {}, .reply = {}, .watch_deadlines = [this] {
                   watch_deadlines();
                 }} {
    context_.close_after_reply = accept_ == Accept::one;
  }

  void run() {
    const Arm& arm = worker_.setup().arm;
    if (needs_pool(worker_.setup().routes, arm)) loop_.start_pool(arm.threads);
    asio::co_spawn(loop_.executor(), accept_connections(), report);
    asio::co_spawn(loop_.executor(), stop_when_asked(), report);
    const inside::LoopWatch watch(loop_.context());  // while a diagnosis looks inside
    worker_.ready();
    if (worker_.events().on()) {
      run_turns();
    } else {
      loop_.context().run();
    }
    // Both belong to the worker.
    source_.release();
    stop_.release();
  }

 private:
  Task accept_connections() {
    while (!context_.stopping) {
      if (full()) {
        co_await room_.async_wait(kAwaitTuple);
        continue;
      }
      const auto [problem] = co_await source_.async_wait(Descriptor::wait_read, kAwaitTuple);
      if (problem) break;
      if ((accept_ == Accept::one ? take_one() : take_connections()) == AcceptResult::exhausted) {
        Timer pause(loop_.executor(), std::chrono::nanoseconds(kAcceptPause));
        co_await pause.async_wait(kAwaitTuple);
      }
    }
  }

  Task stop_when_asked() {
    co_await stop_.async_wait(Descriptor::wait_read, kAwaitTuple);
    context_.stopping = true;
    // Who has connected already may have asked already. Nobody comes after them, so no limit holds any more.
    while (take_connections() == AcceptResult::taken) {
    }
    source_.cancel();
    room_.cancel();
    for (Session& session : sessions_) session.stop();
    end_if_done();
  }

  /// What a new session reads comes to it in a later turn, so none of them runs before all have been taken.
  AcceptResult take_connections() {
    AcceptResult result = AcceptResult::taken;
    const bool greedy = accept_ != Accept::handoff;
    for (int i = 0; (greedy || i < kHandedBatch) && result == AcceptResult::taken; ++i) result = take_one();
    return result;
  }

  AcceptResult take_one() {
    Accepted accepted;
    const AcceptResult result = worker_.accept(accepted);
    if (result == AcceptResult::taken) spawn(std::move(accepted));
    return result;
  }

  bool full() const {
    const int limit = worker_.setup().arm.accept_limit;
    return accept_ == Accept::one && limit > 0 && sessions_.size() >= static_cast<std::size_t>(limit);
  }

  void watch_deadlines() {
    if (watching_deadlines_) return;
    watching_deadlines_ = true;
    deadline_timer_.expires_after(std::chrono::nanoseconds(kDeadlineCheck));
    deadline_timer_.async_wait([this](const boost::system::error_code&) {
      watching_deadlines_ = false;
      const Nanos now = monotonic_now();
      for (Session& session : sessions_) session.enforce_deadline(now);
      if (context_.deadlines > 0) watch_deadlines();
    });
  }

  void spawn(Accepted accepted) {
    const auto session = sessions_.emplace(sessions_.end(), context_, std::move(accepted));
    asio::co_spawn(loop_.executor(), session->run(), [this, session](const std::exception_ptr& fault) {
      report(fault);
      sessions_.erase(session);
      if (accept_ == Accept::one) room_.cancel();
      end_if_done();
    });
  }

  void end_if_done() {
    if (context_.stopping && sessions_.empty()) loop_.context().stop();
  }

  /// Runs the loop so that each batch of ready handlers ends in a `turn` event: a marker is queued behind
  /// them, and when it runs they all have. An idle loop waits in run_one() and reports nothing.
  void run_turns() {
    asio::io_context& context = loop_.context();
    BusyPoll poll;
    while (!context.stopped()) {
      std::int64_t handlers = poll.run_some(context);
      bool marked = false;
      asio::post(context, [&marked] { marked = true; });
      while (!marked && !context.stopped()) handlers += static_cast<std::int64_t>(context.run_one());
      if (marked) --handlers;
      if (handlers > 0) worker_.events().add(EventKind::turn, 0, monotonic_now(), handlers);
    }
  }

  Worker& worker_;
  Loop loop_;
  Descriptor source_;
  Descriptor stop_;
  Timer deadline_timer_;
  Timer room_;  // never expires; its cancellation says that a place has become free
  Accept accept_;
  SessionContext context_;
  std::list<Session> sessions_;
  bool watching_deadlines_ = false;
};

}  // namespace

void serve_with_loop(Worker& worker) {
  LoopServer server(worker);
  server.run();
}

}  // namespace lab
