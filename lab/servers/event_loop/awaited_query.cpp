#include "lab/servers/event_loop/awaited.hpp"

#include <libpq-fe.h>

#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include "lab/servers/steps/call.hpp"
#include "lab/servers/steps/services.hpp"

namespace lab {

namespace asio = boost::asio;

namespace {

using Descriptor = asio::posix::basic_stream_descriptor<Executor>;
using BoolTask = asio::awaitable<bool, Executor>;

/// libpq's socket while the loop watches it; libpq keeps it.
class Watched {
 public:
  Watched(Call& call, Loop& loop, const PgConnection& connection)
      : descriptor_(loop.executor(), PQsocket(connection.get())), interruption_(call, end, &descriptor_) {}
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;
  ~Watched() { descriptor_.release(); }

  /// False: cancelled.
  BoolTask ready(Descriptor::wait_type what) {
    const auto [problem] = co_await descriptor_.async_wait(what, kAwaitTuple);
    co_return !problem;
  }

 private:
  static void end(void* descriptor) { static_cast<Descriptor*>(descriptor)->cancel(); }

  Descriptor descriptor_;
  Call::Interruption interruption_;
};

LeafFault fault_of(const PgConnection& connection) {
  return {kUnavailable, database_error(connection.get()).message};
}

asio::awaitable<LeafFault, Executor> open(Call& call, Loop& loop, PgConnection& connection) {
  connection.reset(PQconnectStart(call.services().postgres().c_str()));
  if (PQstatus(connection.get()) == CONNECTION_BAD) co_return fault_of(connection);
  PostgresPollingStatusType next = PGRES_POLLING_WRITING;
  while (next != PGRES_POLLING_OK) {
    if (next == PGRES_POLLING_FAILED) co_return fault_of(connection);
    if (PQsocket(connection.get()) < 0) co_return fault_of(connection);
    // libpq may take another socket from one poll to the next.
    Watched socket(call, loop, connection);
    const bool ready =
        co_await socket.ready(next == PGRES_POLLING_READING ? Descriptor::wait_read : Descriptor::wait_write);
    if (!ready) co_return fault_of(connection);
    next = PQconnectPoll(connection.get());
  }
  co_return LeafFault{};
}

bool copies(ExecStatusType status) {
  return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
}

/// The first error among the results; all of them are read.
LeafFault read_results(PgConnection& connection) {
  LeafFault fault;
  while (PGresult* const result = PQgetResult(connection.get())) {
    const ExecStatusType status = PQresultStatus(result);
    if (copies(status)) {  // libpq would go on saying so until somebody had copied
      PQclear(result);
      connection.reset();
      return {kUnavailable, "COPY is no query: there is nothing to copy from or to"};
    }
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && fault.none()) fault = fault_of(connection);
    PQclear(result);
  }
  return fault;
}

}  // namespace

asio::awaitable<LeafFault, Executor> await_query(Call& call, Loop& loop, PgConnection& connection,
                                                 const Query& query) {
  if (connection == nullptr || PQstatus(connection.get()) != CONNECTION_OK) {
    LeafFault fault = co_await open(call, loop, connection);
    if (!fault.none()) co_return fault;
  }
  const std::string text = text_of(query);
  // A query is shorter than the socket's buffer, so sending it does not wait.
  if (PQsendQueryParams(connection.get(), text.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0) == 0)
    co_return fault_of(connection);
  bool whole = true;
  bool cancelled = false;
  {
    Watched socket(call, loop, connection);
    while (whole && PQisBusy(connection.get()) != 0) {
      const bool ready = co_await socket.ready(Descriptor::wait_read);
      cancelled = !ready;
      whole = ready && PQconsumeInput(connection.get()) != 0;
    }
  }
  if (whole) co_return read_results(connection);
  LeafFault fault = fault_of(connection);
  // Whatever is still under way must not meet the next query; and nobody watches the descriptor any more.
  if (cancelled) connection.reset();
  co_return fault;
}

}  // namespace lab
