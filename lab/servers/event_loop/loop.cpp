#include "lab/servers/event_loop/loop.hpp"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/post.hpp>
#include <cstddef>
#include <memory>
#include <utility>

namespace lab {

namespace asio = boost::asio;

namespace {

/// Goes to the pool and comes back through the loop's queue in memory of its own. A thread that allocates or
/// frees for the first time gets an arena of malloc's, and the first burst would wait while each makes one.
template <class Resume>
class PoolJob final : public JobPool::Job {
 public:
  PoolJob(const PoolTask& task, Resume resume) : task_(task), resume_(std::move(resume)) {}

  void run(std::uint16_t unit) override {
    task_.run(task_, unit);
    // From here on the loop may finish the request, so nothing of it may be touched.
    asio::post(asio::get_associated_executor(resume_), Done{std::unique_ptr<PoolJob>(this)});
  }

 private:
  template <class T>
  struct Memory {
    using value_type = T;  // NOLINT(readability-identifier-naming): the allocator requirements name it
    explicit Memory(PoolJob* of) : job(of) {}
    template <class Other>
    Memory(const Memory<Other>& other) : job(other.job) {}
    T* allocate(std::size_t) const {
      static_assert(sizeof(T) <= sizeof(memory_));
      return reinterpret_cast<T*>(job->memory_);
    }
    void deallocate(T*, std::size_t) const {}
    bool operator==(const Memory&) const = default;
    PoolJob* job;
  };

  struct Done {
    using allocator_type = Memory<Done>;  // NOLINT(readability-identifier-naming): Asio looks for it
    allocator_type get_allocator() const { return allocator_type(job.get()); }
    void operator()() {
      Resume resume = std::move(job->resume_);
      job.reset();
      std::move(resume)();
    }
    std::unique_ptr<PoolJob> job;
  };

  PoolTask task_;
  Resume resume_;
  alignas(std::max_align_t) std::byte memory_[96];
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
class LoopWaiter final : public ConnectionPool::Waiter {
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

struct AsyncAcquire {
  ConnectionPool* pool;
  template <class Resume>
  void operator()(Resume&& resume) const {
    auto waiter = std::make_unique<LoopWaiter<std::decay_t<Resume>>>(std::forward<Resume>(resume));
    LoopWaiter<std::decay_t<Resume>>& waits = *waiter.release();
    if (const auto unit = pool->take(&waits)) waits.granted(*unit);
  }
};

}  // namespace

Task Loop::in_pool(PoolTask task) {
  return asio::async_initiate<const asio::use_awaitable_t<Executor>, void()>(Submit{&*pool_}, kAwait, task);
}

asio::awaitable<std::uint16_t, Executor> Loop::connection(ConnectionPool& pool) {
  if (const auto unit = pool.take()) co_return *unit;
  const std::uint16_t unit =
      co_await asio::async_initiate<const asio::use_awaitable_t<Executor>, void(std::uint16_t)>(
          AsyncAcquire{&pool}, kAwait);
  co_return unit;
}

std::int64_t poll_a_moment(asio::io_context& context) {
  constexpr Nanos kMoment = 20 * kMicrosecond;
  const Nanos end = monotonic_now() + kMoment;
  do {
    if (const std::size_t ran = context.poll_one(); ran > 0) return static_cast<std::int64_t>(ran);
  } while (!context.stopped() && monotonic_now() < end);
  return 0;
}

}  // namespace lab
