#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

#include "lab/core/clock.hpp"

namespace lab {

/// Hands out a worker's database connections, first come, first served, to threads and to loops alike.
/// Thread safety: all of it, from any thread.
class ConnectionPool {
 public:
  /// Who stands in the line. granted() is called once, by whoever gives a connection back, outside any lock.
  class Waiter {
   public:
    virtual ~Waiter() = default;
    virtual void granted(std::uint16_t unit) = 0;
  };

  explicit ConnectionPool(int connections);

  /// Takes a connection where one is free; else puts the waiter, if any, into the line. It must live until it
  /// was granted one.
  std::optional<std::uint16_t> take(Waiter* waiter = nullptr);
  /// Waits in the calling thread, at most that long; 0: as long as it takes.
  std::optional<std::uint16_t> take_blocking(Nanos at_most);
  void give(std::uint16_t unit);
  std::size_t waiting() const;

 private:
  struct ThreadWaiter;
  std::optional<std::uint16_t> take_locked(Waiter* waiter);

  mutable std::mutex mutex_;
  std::vector<std::uint16_t> free_;  // the lowest number last
  std::deque<Waiter*> line_;
};

}  // namespace lab
