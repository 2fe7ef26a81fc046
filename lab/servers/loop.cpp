#include "lab/servers/loop.hpp"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/post.hpp>
#include <memory>
#include <utility>

#include "lab/servers/upstream_pool.hpp"

namespace lab {

namespace asio = boost::asio;

namespace {

template <class Resume>
class PoolJob final : public JobPool::Job {
 public:
  PoolJob(const PoolTask& task, Resume resume) : task_(task), resume_(std::move(resume)) {}

  void run(std::uint16_t unit) override {
    const std::unique_ptr<PoolJob> self(this);
    task_.run(task_, unit);
    // From here on the loop may finish the request, so nothing of it may be touched.
    asio::post(std::move(resume_));
  }

 private:
  PoolTask task_;
  Resume resume_;
};

struct Submit {
  JobPool* pool;
  template <class Resume>
  void operator()(Resume&& resume, const PoolTask& task) const {
    auto job = std::make_unique<PoolJob<std::decay_t<Resume>>>(task, std::forward<Resume>(resume));
    pool->submit(*job.release());
  }
};

/// A coroutine in the line for a connection.
template <class Resume>
class LoopWaiter final : public ConnectionGate::Waiter {
 public:
  explicit LoopWaiter(Resume resume) : resume_(std::move(resume)) {}

  void granted(std::uint16_t unit) override {
    const std::unique_ptr<LoopWaiter> self(this);
    const auto executor = asio::get_associated_executor(resume_);
    asio::post(executor, [resume = std::move(resume_), unit]() mutable { std::move(resume)(unit); });
  }

 private:
  Resume resume_;
};

struct StandInLine {
  ConnectionGate* gate;
  template <class Resume>
  void operator()(Resume&& resume) const {
    auto waiter = std::make_unique<LoopWaiter<std::decay_t<Resume>>>(std::forward<Resume>(resume));
    LoopWaiter<std::decay_t<Resume>>& waits = *waiter.release();
    if (const auto unit = gate->take(waits)) waits.granted(*unit);
  }
};

}  // namespace

Loop::Loop() = default;
Loop::~Loop() = default;

Task Loop::in_pool(PoolTask task) {
  return asio::async_initiate<const asio::use_awaitable_t<Executor>, void()>(Submit{&*pool_}, kAwait, task);
}

asio::awaitable<std::uint16_t, Executor> Loop::connection(ConnectionGate& gate) {
  if (const auto unit = gate.try_take()) co_return *unit;
  const std::uint16_t unit =
      co_await asio::async_initiate<const asio::use_awaitable_t<Executor>, void(std::uint16_t)>(
          StandInLine{&gate}, kAwait);
  co_return unit;
}

UpstreamPool& Loop::upstream() {
  if (upstream_ == nullptr) upstream_ = std::make_unique<UpstreamPool>();
  return *upstream_;
}

}  // namespace lab
