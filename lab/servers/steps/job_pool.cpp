#include "lab/servers/steps/job_pool.hpp"

#include <fmt/format.h>
#include <pthread.h>

#include <system_error>
#include <utility>

#include "lab/core/error.hpp"

namespace lab {

JobPool::JobPool(int threads) {
  threads_.reserve(static_cast<std::size_t>(threads));
  for (int unit = 0; unit < threads; ++unit) {
    try {
      threads_.emplace_back([this, unit] { work(static_cast<std::uint16_t>(unit)); });
    } catch (const std::system_error& refused) {
      close();
      throw Failure(environment_error("cannot start pool thread {} of {}: {}; use fewer with --threads",
                                      unit + 1, threads, refused.code().message()));
    }
  }
}

JobPool::~JobPool() {
  close();
}

void JobPool::close() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  more_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void JobPool::submit(Job& job) {
  {
    const std::lock_guard lock(mutex_);
    job.next_ = nullptr;
    (first_ == nullptr ? first_ : last_->next_) = &job;
    last_ = &job;
  }
  more_.notify_one();
}

void JobPool::work(std::uint16_t unit) {
  pthread_setname_np(pthread_self(), fmt::format("pool-{}", unit).c_str());
  std::unique_lock lock(mutex_);
  for (;;) {
    more_.wait(lock, [this] { return first_ != nullptr || closing_; });
    if (first_ == nullptr) return;
    Job& job = *std::exchange(first_, first_->next_);
    lock.unlock();
    job.run(unit);
    lock.lock();
  }
}

}  // namespace lab
