#pragma once

#include <array>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "lab/core/websocket.hpp"
#include "lab/servers/event_loop/loop.hpp"
#include "lab/servers/http/request_reader.hpp"
#include "lab/servers/worker/connection_source.hpp"
#include "lab/servers/worker/worker.hpp"

namespace lab {

using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;

/// Interrupts a call whose client has gone, while it lives. Whoever makes it must have no other operation on
/// the socket meanwhile. The loop's thread only.
class ClientWatch {
 public:
  /// Watches nothing.
  ClientWatch() = default;
  /// A client that has only closed its sending side looks the same until something is sent to it, so it
  /// counts as gone. One that has sent more bytes is there, and is watched no further.
  ClientWatch(Socket& socket, Call& call);
  ClientWatch(const ClientWatch&) = delete;
  ClientWatch& operator=(const ClientWatch&) = delete;
  ~ClientWatch();

 private:
  Socket* socket_ = nullptr;
  std::shared_ptr<Call*> watched_;  // what the socket's operation knows of; it may end after the watch
};

/// What the sessions of one loop share. Only the loop's thread touches it.
struct SessionContext {
  Worker& worker;
  Loop& loop;
  std::array<char, 65536> scratch;  ///< where bytes are read to; valid until a session suspends
  std::string reply;                ///< the reply that is being made
  bool stopping = false;
  bool close_after_reply = false;
  int deadlines = 0;                      ///< sessions that have one
  std::function<void()> watch_deadlines;  ///< called when the first session gets one
};

/// One connection: reads requests, has them handled, writes replies, in order.
class Session {
 public:
  Session(SessionContext& context, Accepted accepted);
  ~Session() { clear_deadline(); }

  /// Until either side closes.
  Task run();
  /// The server is to end: an idle connection closes, a request under way is answered.
  void stop();
  /// Gives up where the deadline has passed.
  void enforce_deadline(Nanos now);

 private:
  enum class Input : std::uint8_t { bytes, end, expired };
  /// What one upgraded connection has: what each message asks, and what came of them so far.
  struct WebSocket {
    const RouteTable::Match& match;
    Request request;
    WebSocketReader messages{true};
  };
  using InputTask = boost::asio::awaitable<Input, Executor>;
  using BoolTask = boost::asio::awaitable<bool, Executor>;

  InputTask read();
  /// A request, or where there is a `peer`, its message.
  BoolTask answer(WebSocket* peer);
  Task serve_websocket(const RouteTable::Match& match);
  BoolTask next_message(WebSocket& peer);
  /// After so many requests or frames in a row the others get their turn, and a stop is seen.
  Task let_others();
  ClientWatch watch_client(Call& call, const RouteTable::Match& match);
  Task refuse(Refusal refusal);
  BoolTask send_rest(std::string rest);
  BoolTask send(std::string_view bytes);
  /// Sends what the socket takes at once; `bytes` is then what is left. False: the connection is lost.
  bool send_now(std::string_view& bytes);
  Task linger();

  bool receive_now(Input& input);
  void keep_leftover();
  void set_deadline(Nanos span);
  void clear_deadline();

  SessionContext& context_;
  Socket socket_;
  RequestReader reader_;
  static constexpr std::size_t kSmallRequest = 256;

  std::array<char, kSmallRequest> small_{};
  std::string_view input_;  // what came and was not parsed yet; in small_, held_ or the scratch
  std::string held_;        // input_ that had to outlive the scratch
  Nanos begun_ = 0;         // since when the loop works for this connection
  Nanos deadline_ = 0;      // 0: none
  int streak_ = 0;          // requests answered without a look at the loop
  bool first_read_ = true;
  bool waiting_ = false;  // in an operation that cancel() ends
  bool expired_ = false;
  bool body_deadline_ = false;  // deadline_ is that of the body
  bool more_likely_ = false;    // the last read filled its buffer
};

}  // namespace lab
