#include "lab/servers/steps/database.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <string_view>
#include <utility>

namespace lab {

namespace {

struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};

}  // namespace

void CloseConnection::operator()(pg_conn* connection) const {
  PQfinish(connection);
}

std::string text_of(const Query& query) {
  return query.sql.empty() ? fmt::format("select pg_sleep({:.6f})", seconds(query.duration)) : query.sql;
}

Error database_error(const pg_conn* connection) {
  const std::string_view text = connection == nullptr ? "out of memory" : PQerrorMessage(connection);
  const std::string_view line = text.substr(0, text.find('\n'));
  return environment_error("PostgreSQL: {}", line.empty() ? "the connection was lost" : line);
}

Result<PgConnection> open_connection(const std::string& url) {
  PgConnection connection(PQconnectdb(url.c_str()));
  if (PQstatus(connection.get()) != CONNECTION_OK) return database_error(connection.get());
  return connection;
}

Result<void> query_blocking(PgConnection& connection, const std::string& url, const Query& query) {
  if (connection == nullptr || PQstatus(connection.get()) != CONNECTION_OK) {
    auto opened = open_connection(url);
    if (!opened) return opened.error();
    connection = std::move(*opened);
  }
  const std::unique_ptr<PGresult, ClearResult> result(PQexecParams(
      connection.get(), text_of(query).c_str(), 0, nullptr, nullptr, nullptr, nullptr, /*resultFormat=*/0));
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) return database_error(connection.get());
  return {};
}

Database::Database(std::string url, int connections) : url_(std::move(url)) {
  for (int i = 0; i < connections; ++i) {
    auto opened = open_connection(url_);
    connections_.push_back(opened ? std::move(*opened) : PgConnection());
  }
}

}  // namespace lab
