#pragma once

#include <array>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <string>
#include <string_view>

#include "lab/servers/connection_source.hpp"
#include "lab/servers/limits.hpp"
#include "lab/servers/loop.hpp"
#include "lab/servers/request_reader.hpp"
#include "lab/servers/worker.hpp"

namespace lab {

/// What the sessions of one loop share. Only the loop's thread touches it.
struct SessionContext {
  Worker& worker;
  Loop& loop;
  std::array<char, 65536> scratch;  ///< where big reads go; valid until a session suspends
  std::string reply;                ///< the reply that is being made
  bool stopping = false;
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
  using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;
  using InputTask = boost::asio::awaitable<Input, Executor>;
  using BoolTask = boost::asio::awaitable<bool, Executor>;

  BoolTask input();
  InputTask read();
  BoolTask answer();
  BoolTask refuse(Refusal refusal);
  BoolTask send_rest(std::string rest);
  BoolTask send(std::string_view bytes);
  Task linger();

  bool receive_now(Input& input);
  void keep_leftover();
  void set_deadline(Nanos span);
  void clear_deadline();

  SessionContext& context_;
  Socket socket_;
  RequestReader reader_;
  std::string_view input_;        // what came and was not parsed yet; in small_, held_ or the scratch
  std::string held_;              // input_ that had to outlive the scratch
  std::array<char, 1024> small_;  // most requests fit, so that no other connection's buffer is in play
  Nanos begun_ = 0;               // since when the loop works for this connection
  Nanos deadline_ = 0;            // 0: none
  int streak_ = 0;                // requests answered without a look at the loop
  bool waiting_ = false;          // in an operation that cancel() ends
  bool expired_ = false;
  bool body_deadline_ = false;  // deadline_ is that of the body
  bool more_likely_ = false;    // the last read filled its buffer
};

}  // namespace lab
