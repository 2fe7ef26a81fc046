// The room http: what is said on the wire. Requests are read strictly, routes found, replies written. It
// knows a server's setup and none of the rooms that run handlers; those use it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "lab/core/clock.hpp"
#include "lab/core/http_message.hpp"
#include "lab/servers/http/front_page.hpp"

namespace lab {

class RouteTable;

/// How long a connection that was refused is still read, so that the reply is not lost to a reset.
constexpr Nanos kLinger = kSecond;
/// What is left to a client in the middle of its request, or of our reply, when the server is to end.
constexpr Nanos kStopGrace = kSecond;
/// Who has connected just before the server is to end may have asked already: so long its first bytes may
/// take.
constexpr Nanos kFirstBytes = 200 * kMillisecond;
/// A refused client may send so many bytes more before it is cut off.
constexpr std::size_t kMaxDiscarded = 32 << 20;

constexpr std::size_t kMaxTarget = 8192;  ///< bytes; above: 414
constexpr std::size_t kMaxFields = 8192;  ///< bytes of all field lines; above, or over 100 of them: 431
/// Bytes; above: 413, where the route says nothing else.
constexpr std::uint64_t kMaxBody = 1'000'000;

/// What a handler's caller needs of one request.
struct Request {
  std::string method;
  std::string target;    ///< in origin form: `/delay?ms=100`
  std::uint32_t id = 0;  ///< the header `Lab-Request`; 0: none
  bool http_1_0 = false;
  bool keep_alive = true;
  bool wants_page = false;      ///< a browser, by its Accept fields
  std::string websocket_key{};  ///< of one that asks for a WebSocket as RFC 6455, 4.1 wants it; empty: not

  std::string_view path() const { return std::string_view(target).substr(0, target.find('?')); }
  std::string_view query() const;
  bool head() const { return method == "HEAD"; }
};

/// The number that `Lab-Request` has as its value; 0: it is none.
std::uint32_t request_number(std::string_view value);

/// What the body of one request may be.
struct BodyRule {
  std::uint64_t limit = kMaxBody;           ///< bytes; more is refused with 413
  const char* too_big = "body above 1 MB";  ///< why; as long-lived as the route
  Nanos deadline = 0;                       ///< how long it may take to arrive; 0: the server's own limit
};

/// Turns the bytes of one connection into requests. Bodies are counted and let go, a header is kept as far
/// as a Request has it. Not thread-safe.
class RequestReader final : public HttpReader {
 public:
  enum class State : std::uint8_t {
    more,     ///< needs bytes that have not come
    proceed,  ///< once a request: the client waits for `100 Continue` before it sends the body
    whole,    ///< request() is complete
    refused,  ///< refusal() says why; the connection is of no more use
  };

  /// `routes` may be null: the server's own limit holds for every body; else they must outlive the reader.
  explicit RequestReader(const RouteTable* routes = nullptr);

  /// Takes what belongs to this request off the front of `bytes`.
  State parse(std::string_view& bytes);
  /// Forgets the request; the next bytes begin another.
  void next();

  /// Nothing of a request has come.
  bool idle() const { return !begun_; }
  bool in_body() const { return in_body_; }
  const Request& request() const { return request_; }
  /// How long the body may take to arrive; 0: the server's own limit.
  Nanos body_deadline() const { return rule_.deadline; }

 private:
  Refusal on_first_line(std::string_view line) override;
  Refusal on_field(std::string_view name, std::string_view value) override;
  Refusal on_head() override;
  Refusal on_target(std::string_view text);

  BodyRule rule_;
  Request request_;
  Preference preference_;
  const RouteTable* routes_;
  bool begun_ = false, in_body_ = false;
  bool skipped_ = false;  // an empty line before the request's
  bool has_host_ = false, has_type_ = false, expects_continue_ = false;
  bool to_websocket_ = false, knows_version_ = false;  // what an upgrade asks for
};

}  // namespace lab
