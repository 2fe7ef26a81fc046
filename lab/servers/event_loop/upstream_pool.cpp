#include "lab/servers/event_loop/upstream_pool.hpp"

#include <fmt/format.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <utility>

#include "lab/servers/steps/call.hpp"
#include "lab/servers/steps/services.hpp"
#include "lab/servers/steps/upstream.hpp"

namespace lab {

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

using UpstreamStream = boost::beast::basic_stream<asio::ip::tcp, Executor>;

struct Exchange {
  boost::system::error_code problem;
  int status = 0;
  bool stays_open = false;
};

using ExchangeTask = asio::awaitable<Exchange, Executor>;

// GCC 12 miscompiles braced temporaries inside a co_await operand: named values only.
ExchangeTask converse(UpstreamStream& stream, const http::request<http::empty_body>& request) {
  Exchange result;
  const auto [unsent, sent] = co_await http::async_write(stream, request, kAwaitTuple);
  result.problem = unsent;
  if (unsent) co_return result;
  boost::beast::flat_buffer buffer;
  http::response<http::string_body> response;
  const auto [unread, size] = co_await http::async_read(stream, buffer, response, kAwaitTuple);
  result.problem = unread;
  result.status = response.result_int();
  result.stays_open = !unread && response.keep_alive();
  co_return result;
}

ExchangeTask connect(UpstreamStream& stream, std::uint16_t port) {
  const asio::ip::tcp::endpoint endpoint(asio::ip::address_v4::loopback(), port);
  Exchange result;
  const auto [problem] = co_await stream.async_connect(endpoint, kAwaitTuple);
  result.problem = problem;
  boost::system::error_code ignored;
  stream.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
  co_return result;
}

void end(void* stream) {
  static_cast<UpstreamStream*>(stream)->cancel();
}

}  // namespace

struct UpstreamPool::Connection {
  explicit Connection(const Executor& executor) : stream(executor) {}
  UpstreamStream stream;
};

UpstreamPool::UpstreamPool() = default;
UpstreamPool::~UpstreamPool() = default;

std::unique_ptr<UpstreamPool::Connection> UpstreamPool::take() {
  if (idle_.empty()) return nullptr;
  std::unique_ptr<Connection> connection = std::move(idle_.back());
  idle_.pop_back();
  return connection;
}

void UpstreamPool::give(std::unique_ptr<Connection> connection) {
  idle_.push_back(std::move(connection));
}

asio::awaitable<LeafFault, Executor> await_upstream(Call& call, Loop& loop, CallUpstream question) {
  const std::uint16_t port = call.services().upstream_port();
  http::request<http::empty_body> request(http::verb::get, upstream_target(question), 11);
  request.set(http::field::host, "127.0.0.1");
  request.keep_alive(question.keep_connection);
  const std::chrono::nanoseconds patience(question.duration + kUpstreamPatience);

  std::unique_ptr<UpstreamPool::Connection> connection;
  if (question.keep_connection) connection = loop.upstream().take();
  Exchange outcome;
  // A kept connection may have been closed by the other side; then the question goes out once more.
  for (bool kept = connection != nullptr;; kept = false) {
    outcome = Exchange();
    if (!kept) connection = std::make_unique<UpstreamPool::Connection>(loop.executor());
    UpstreamStream& stream = connection->stream;
    const Call::Interruption interruption(call, end, &stream);
    stream.expires_after(patience);
    if (!kept) outcome = co_await connect(stream, port);
    if (!outcome.problem) outcome = co_await converse(stream, request);
    if (!kept || !outcome.problem || call.ended() || outcome.problem == boost::beast::error::timeout) break;
  }
  LeafFault fault;
  if (call.ended()) co_return fault;
  if (outcome.problem) {
    fault.reason = upstream_error(port, outcome.problem.message()).message;
  } else if (outcome.status != 200) {
    fault.reason = upstream_error(port, fmt::format("status {}", outcome.status)).message;
  }
  if (!fault.reason.empty()) fault.status = kBadGateway;
  if (question.keep_connection && outcome.stays_open) {
    connection->stream.expires_never();
    loop.upstream().give(std::move(connection));
  }
  co_return fault;
}

}  // namespace lab
