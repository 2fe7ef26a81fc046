#include <fmt/format.h>
#include <libpq-fe.h>

#include <string_view>
#include <utility>

#include "lab/servers/steps/leaf.hpp"

namespace lab {

namespace {

/// libpq's first line of what is wrong.
std::string first_line(const PgConnection& connection) {
  const std::string_view text = connection == nullptr ? "out of memory" : PQerrorMessage(connection.get());
  const std::string_view line = text.substr(0, text.find('\n'));
  return fmt::format("PostgreSQL: {}", line.empty() ? "the connection was lost" : line);
}

/// One query, and before it the opening of the connection where that is necessary (libpq without blocking).
class DatabaseQuery final : public Conversation {
 public:
  DatabaseQuery(PgConnection* kept, const std::string& url, const Query& query, bool may_block)
      : connection_(kept == nullptr ? fresh_ : *kept), url_(url), query_(query), may_block_(may_block) {}

  std::optional<Need> go_on() override {
    switch (state_) {
      case State::begins: return begin();
      case State::opens: return open();
      case State::asks: return read();
      case State::over: break;
    }
    return std::nullopt;
  }

  /// Whatever is still under way must not meet the next query.
  void give_up() override {
    connection_.reset();
    state_ = State::over;
  }

 private:
  enum class State : std::uint8_t { begins, opens, asks, over };

  std::optional<Need> begin() {
    if (PQstatus(connection_.get()) == CONNECTION_OK) return ask();
    connection_.reset(may_block_ ? PQconnectdb(url_.c_str()) : PQconnectStart(url_.c_str()));
    if (PQstatus(connection_.get()) == CONNECTION_OK) return ask();
    if (PQstatus(connection_.get()) == CONNECTION_BAD) return lose();
    state_ = State::opens;
    return need(PGRES_POLLING_WRITING);
  }

  std::optional<Need> open() {
    const PostgresPollingStatusType next = PQconnectPoll(connection_.get());
    if (next == PGRES_POLLING_FAILED) return lose();
    return next == PGRES_POLLING_OK ? ask() : need(next);
  }

  /// libpq may take another socket from one poll to the next.
  std::optional<Need> need(PostgresPollingStatusType what) {
    const int fd = PQsocket(connection_.get());
    if (fd < 0) return lose();
    return Need{fd, what != PGRES_POLLING_READING};
  }

  std::optional<Need> ask() {
    const std::string text =
        query_.sql.empty() ? fmt::format("select pg_sleep({:.6f})", seconds(query_.duration)) : query_.sql;
    // A query is shorter than the socket's buffer, so sending it does not wait.
    if (PQsendQueryParams(connection_.get(), text.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0) == 0)
      return lose();
    state_ = State::asks;
    return need(PGRES_POLLING_READING);
  }

  std::optional<Need> read() {
    if (PQconsumeInput(connection_.get()) == 0) return lose();
    if (PQisBusy(connection_.get()) != 0) return need(PGRES_POLLING_READING);
    state_ = State::over;
    bool failed = false;
    while (PGresult* const result = PQgetResult(connection_.get())) {
      const ExecStatusType status = PQresultStatus(result);
      PQclear(result);
      if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) {
        connection_.reset();  // libpq would go on saying so until somebody had copied
        return fail(kUnavailable, "COPY is not supported: there is nothing to copy from or to");
      }
      const bool good = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
      if (!good && !std::exchange(failed, true)) fail(kUnavailable, first_line(connection_));
    }
    return std::nullopt;
  }

  std::nullopt_t lose() {
    state_ = State::over;
    return fail(kUnavailable, first_line(connection_));
  }

  PgConnection fresh_;
  PgConnection& connection_;
  const std::string& url_;
  const Query& query_;
  bool may_block_;
  State state_ = State::begins;
};

}  // namespace

void CloseConnection::operator()(pg_conn* connection) const {
  PQfinish(connection);
}

PgConnection open_connection(const std::string& url) {
  return PgConnection(PQconnectdb(url.c_str()));
}

std::unique_ptr<Conversation> ask_database(PgConnection* kept, const std::string& url, const Query& query,
                                           bool may_block) {
  return std::make_unique<DatabaseQuery>(kept, url, query, may_block);
}

}  // namespace lab
