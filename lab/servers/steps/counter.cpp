#include "lab/servers/steps/counter.hpp"

#include <sqlite3.h>

#include "lab/core/clock.hpp"

namespace lab {

namespace {

constexpr int kBusyMilliseconds = 5000;
// One statement: SQLite's lock is held for it alone, and nobody reads a value that another is changing.
constexpr const char* kAdd =
    "INSERT INTO counters (name, value) VALUES ('requests', 1) "
    "ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value";
// In WAL mode a process that dies loses nothing, which is all that a counter of one run needs.
constexpr const char* kPrepare =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; "
    "CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL)";

}  // namespace

Counter::~Counter() {
  sqlite3_finalize(add_);
  sqlite3_close(file_);
}

Result<void> Counter::open() {
  if (store_.empty() || add_ != nullptr) return {};
  const auto problem = [this](const char* what) {
    return environment_error("{}: {}: {}", store_, what,
                             file_ == nullptr ? "out of memory" : sqlite3_errmsg(file_));
  };
  if (file_ == nullptr && sqlite3_open(store_.c_str(), &file_) != SQLITE_OK) {
    const Error error = problem("cannot open the store of shared counters");
    sqlite3_close(file_);
    file_ = nullptr;
    return error;
  }
  sqlite3_busy_timeout(file_, kBusyMilliseconds);
  // Changing to WAL does not wait for another process that does the same.
  const Nanos end = monotonic_now() + kBusyMilliseconds * kMillisecond;
  int outcome = SQLITE_BUSY;
  while ((outcome = sqlite3_exec(file_, kPrepare, nullptr, nullptr, nullptr)) == SQLITE_BUSY &&
         monotonic_now() < end)
    sleep_until(monotonic_now() + kMillisecond);
  if (outcome != SQLITE_OK || sqlite3_prepare_v2(file_, kAdd, -1, &add_, nullptr) != SQLITE_OK)
    return problem("cannot prepare the store of shared counters");
  return {};
}

Result<std::int64_t> Counter::increment() {
  if (store_.empty()) return own_.fetch_add(1, std::memory_order_relaxed) + 1;
  const std::lock_guard lock(mutex_);
  LAB_CHECK(open());
  const bool row = sqlite3_step(add_) == SQLITE_ROW;
  const std::int64_t value = row ? sqlite3_column_int64(add_, 0) : 0;
  const bool done = row && sqlite3_step(add_) == SQLITE_DONE;
  const Error error = environment_error("{}: cannot count: {}", store_, sqlite3_errmsg(file_));
  sqlite3_reset(add_);
  if (!done) return error;
  return value;
}

}  // namespace lab
