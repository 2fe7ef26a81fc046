// Under sanitizers GCC 12 sees an optional in Beast as perhaps uninitialised, which it is not read as.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <boost/beast/websocket/stream.hpp>
#pragma GCC diagnostic pop

#include <sys/socket.h>

#include <array>
#include <optional>

#include "lab/servers/event_loop/session.hpp"
#include "lab/servers/mode.hpp"
#include "lab/servers/steps/call.hpp"

namespace lab {

namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;

namespace {

// Compression would cost hundreds of kilobytes a connection.
using Stream = websocket::stream<Socket&, false>;
using Upgrade = beast::http::request<beast::http::string_body>;

/// A held connection keeps no more than this for the next message.
constexpr std::size_t kKeptBuffer = 512;

std::optional<Upgrade> upgrade_of(std::string_view header) {
  beast::http::request_parser<beast::http::string_body> parser;
  parser.header_limit(static_cast<std::uint32_t>(kMaxTarget + kMaxFields + 1024));
  boost::system::error_code problem;
  parser.put(boost::asio::buffer(header.data(), header.size()), problem);
  if (problem || !parser.is_header_done() || !websocket::is_upgrade(parser.get())) return std::nullopt;
  return parser.release();
}

/// Tells the client that the server ends (RFC 6455, 5.5.1 and 7.4.1), as far as the kernel takes it now.
void say_going_away(int fd) {
  constexpr std::array<unsigned char, 4> kGoingAway{0x88, 0x02, 0x03, 0xe9};
  [[maybe_unused]] const ssize_t sent =
      ::send(fd, kGoingAway.data(), kGoingAway.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace

/// What one upgraded connection has: the protocol's state, and the message that is being read.
struct Session::WebSocket {
  explicit WebSocket(Socket& socket) : stream(socket), buffer(kMaxBody) {
    websocket::stream_base::timeout limits{};
    limits.handshake_timeout = std::chrono::nanoseconds(kHeaderDeadline);
    limits.idle_timeout = websocket::stream_base::none();
    stream.set_option(limits);
    stream.read_message_max(kMaxBody);
    stream.text(true);
  }
  Stream stream;
  beast::flat_buffer buffer;
};

/// An upgrade (RFC 6455, 4.2), then one request for each message until either side closes.
Session::BoolTask Session::serve_websocket(const RouteTable::Match& match) {
  std::optional<Upgrade> upgrade;
  if (reader_.request().upgrade && input_.empty()) upgrade = upgrade_of(reader_.header_text());
  if (!upgrade) {
    const Refusal refusal{426, "this path is a WebSocket: ask for an upgrade (RFC 6455)"};
    co_await refuse(refusal);
    co_return false;
  }
  Request request = reader_.request();
  reader_.next();
  held_ = std::string();
  upgraded_ = true;
  WebSocket peer(socket_);
  set_deadline(kHeaderDeadline);
  waiting_ = true;
  const auto [problem] = co_await peer.stream.async_accept(*upgrade, kAwaitTuple);
  waiting_ = false;
  clear_deadline();
  upgrade.reset();
  for (bool open = !problem; open;) {
    open = co_await next_message(peer);
    if (!open) break;
    request.id = request_number({static_cast<const char*>(peer.buffer.data().data()), peer.buffer.size()});
    peer.buffer.consume(peer.buffer.size());
    if (peer.buffer.capacity() > kKeptBuffer) peer.buffer.shrink_to_fit();
    open = co_await answer_message(peer, request, match);
  }
  co_return false;
}

Session::BoolTask Session::next_message(WebSocket& peer) {
  boost::system::error_code problem;
  if (!context_.stopping) {
    waiting_ = true;
    const auto [ended, size] = co_await peer.stream.async_read(peer.buffer, kAwaitTuple);
    waiting_ = false;
    problem = ended;
    begun_ = context_.worker.events().stamp();
    if (!problem) co_return true;
  }
  if (context_.stopping) say_going_away(socket_.native_handle());
  co_return false;
}

Session::BoolTask Session::answer_message(WebSocket& peer, const Request& request,
                                          const RouteTable::Match& match) {
  const Worker& worker = context_.worker;
  const EventLog& events = worker.events();
  events.acquire(Resource::loop, 0, request.id, begun_);
  events.add(EventKind::read, request.id, events.stamp());
  Call call(events, worker.services(), worker.log_number(request), request);
  call.set(match);
  const LoopMode& mode = *match.route->mode->loop;
  {
    const ClientWatch watch = watch_client(call, match);
    call.take_gil();
    co_await mode.handle(call, context_.loop, mode);
    call.drop_gil();
  }
  if (call.cancelled()) {
    events.release(Resource::loop, 0, request.id, events.stamp());
    co_return false;
  }
  const std::string body = match.route->fixed_body.empty() ? call.body() : match.route->fixed_body;
  // The bytes go to the kernel while the write is begun; only its completion comes in a later turn.
  std::optional<boost::system::error_code> outcome;
  Timer written(context_.loop.executor(), Timer::time_point::max());
  peer.stream.async_write(boost::asio::buffer(body),
                          [&](const boost::system::error_code& problem, std::size_t /*size*/) {
                            outcome = problem;
                            written.cancel();
                          });
  begun_ = events.stamp();
  events.add(EventKind::replied, request.id, begun_);
  context_.worker.replied();
  call.log_send();
  if (call.has_deferred()) {
    call.take_gil();
    co_await mode.after(call, context_.loop, mode);
    call.drop_gil();
    begun_ = events.stamp();
  }
  events.release(Resource::loop, 0, request.id, begun_);
  set_deadline(kWriteDeadline);
  waiting_ = true;
  while (!outcome) co_await written.async_wait(kAwaitTuple);
  waiting_ = false;
  clear_deadline();
  co_return !*outcome;
}

}  // namespace lab
