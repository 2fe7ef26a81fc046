#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace lab {

/// A fixed set of threads that take jobs first come, first served. The constructor starts them all, so the
/// first burst is as quick as the next. Jobs belong to the submitter and must live until run() has been
/// called. Thread safety: submit() from any thread.
class JobPool {
 public:
  class Job {
   public:
    virtual ~Job() = default;
    /// `unit`: which thread of the pool this is. The job may be gone when it returns.
    virtual void run(std::uint16_t unit) = 0;

   private:
    friend class JobPool;
    Job* next_ = nullptr;
  };

  /// Throws std::system_error where the machine gives no more threads.
  explicit JobPool(int threads);
  /// Runs what was submitted, then joins.
  ~JobPool();

  void submit(Job& job);

 private:
  void work(std::uint16_t unit);
  void close();

  std::mutex mutex_;
  std::condition_variable more_;
  Job* first_ = nullptr;
  Job* last_ = nullptr;
  bool closing_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace lab
