#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

#include "lab/core/error.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace lab {

/// What `increment` counts in: this worker's own number, or a row that all workers share in an SQLite file.
/// Thread safety: increment() from any thread.
class Counter {
 public:
  /// An empty path: the worker's own.
  explicit Counter(std::string store) : store_(std::move(store)) {}
  ~Counter();

  /// Opens the store, so that the first request does not wait for it. Errors: SQLite's words.
  Result<void> open();
  /// The new value. Errors: SQLite's words.
  Result<std::int64_t> increment();

 private:
  std::string store_;
  std::atomic<std::int64_t> own_{0};
  std::mutex mutex_;
  sqlite3* file_ = nullptr;
  sqlite3_stmt* add_ = nullptr;
};

}  // namespace lab
