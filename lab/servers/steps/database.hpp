#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lab/core/error.hpp"
#include "lab/core/plan.hpp"

struct pg_conn;

namespace lab {

struct CloseConnection {
  void operator()(pg_conn* connection) const;
};
/// A libpq connection. One thread at a time.
using PgConnection = std::unique_ptr<pg_conn, CloseConnection>;

/// The text that a Query sends: its own, or one that sleeps for its duration.
std::string text_of(const Query& query);

/// libpq's first line of what is wrong.
Error database_error(const pg_conn* connection);

/// Opens a connection in the calling thread. Errors: libpq's first line.
Result<PgConnection> open_connection(const std::string& url);

/// Sends the query and waits for its result in the calling thread. A connection that has broken is opened
/// again first. Errors: libpq's first line.
Result<void> query_blocking(PgConnection& connection, const std::string& url, const Query& query);

/// A worker's kept connections, one for each unit of its ConnectionPool. Thread safety: who holds a unit may
/// use its connection.
class Database {
 public:
  /// Opens `connections` at once, so that the first burst does not pay for them. One that cannot be opened is
  /// tried again when it is used.
  Database(std::string url, int connections);

  const std::string& url() const { return url_; }
  PgConnection& connection(std::uint16_t unit) { return connections_[unit]; }

 private:
  std::string url_;
  std::vector<PgConnection> connections_;
};

}  // namespace lab
