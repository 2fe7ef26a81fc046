#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lab/core/error.hpp"
#include "lab/core/process.hpp"
#include "lab/core/temporary.hpp"

namespace lab {

/// A private PostgreSQL server from the system's packages: a cluster in a temporary folder, a Unix socket
/// and no port. Stopped, reaped and removed with this object; it also ends when this process is killed, and
/// its folder is then removed by the next one. Not thread-safe; start it while the process has one thread.
class LocalPostgres {
 public:
  /// Takes 1 to 3 s. Errors (exit 3): not installed, its programs failed (their last line), interrupted.
  static Result<LocalPostgres> start();

  LocalPostgres() = default;
  LocalPostgres(LocalPostgres&& other) noexcept = default;
  /// Of one that was not started.
  LocalPostgres& operator=(LocalPostgres&& other) noexcept = default;
  LocalPostgres(const LocalPostgres&) = delete;
  LocalPostgres& operator=(const LocalPostgres&) = delete;
  ~LocalPostgres();

  /// A libpq connection string.
  const std::string& url() const { return url_; }

 private:
  TemporaryFolder folder_;
  ChildProcess server_;
  std::string url_;
};

/// The folder of PostgreSQL's server programs, newest version first; empty where there is none.
std::filesystem::path postgres_programs();

/// Whether a server answers there; the error is libpq's first line.
Result<void> try_postgres(const std::string& url);

/// Whether that server understands each of the statements; the error (exit 2) quotes what it says.
Result<void> check_sql(const std::string& url, const std::vector<std::string>& statements);

}  // namespace lab
