#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>

#include "lab/servers/event_loop/client_watch.hpp"
#include "lab/servers/event_loop/loop.hpp"
#include "lab/servers/http/limits.hpp"
#include "lab/servers/http/request_reader.hpp"
#include "lab/servers/worker/connection_source.hpp"
#include "lab/servers/worker/worker.hpp"

namespace lab {

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
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() { clear_deadline(); }

  /// Until either side closes.
  Task run();
  /// The server is to end: an idle connection closes, a request under way is answered.
  void stop();
  /// Gives up where the deadline has passed.
  void enforce_deadline(Nanos now);

 private:
  enum class Input : std::uint8_t { bytes, end, expired };
  struct WebSocket;
  using InputTask = boost::asio::awaitable<Input, Executor>;
  using BoolTask = boost::asio::awaitable<bool, Executor>;

  BoolTask end_of_input(Input got);
  InputTask read();
  BoolTask answer();
  BoolTask serve_websocket(const RouteTable::Match& match);
  BoolTask next_message(WebSocket& peer);
  BoolTask answer_message(WebSocket& peer, const Request& request, const RouteTable::Match& match);
  ClientWatch watch_client(Call& call, const RouteTable::Match& match);
  BoolTask refuse(Refusal refusal);
  BoolTask send_rest(std::string rest);
  BoolTask send(std::string_view bytes);
  /// Sends what the socket takes at once; `bytes` is then what is left. False: the connection is lost.
  bool send_now(std::string_view& bytes);
  Task linger();

  bool receive_now(Input& input);
  void keep_leftover();
  Nanos body_span() const;
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
  bool upgraded_ = false;       // a WebSocket, whose operations do not end by being cancelled
  bool body_deadline_ = false;  // deadline_ is that of the body
  bool more_likely_ = false;    // the last read filled its buffer
};

}  // namespace lab
