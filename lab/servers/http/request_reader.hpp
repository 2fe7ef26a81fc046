// The room http: what is said on the wire. Requests are read strictly, routes found, replies written. It
// knows a server's setup and none of the rooms that run handlers; those use it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "lab/core/clock.hpp"

namespace lab {

class RouteTable;

/// Why a request is not served: the reply's status and one reason for a person. It is true where there is
/// one.
struct Refusal {
  int status = 0;
  std::string_view reason;  ///< static text
  explicit operator bool() const { return status != 0; }
};

// Absolute, from the first byte of what they limit: a deadline per read would let a slow client stay for
// ever.
constexpr Nanos kHeaderDeadline = 10 * kSecond;
constexpr Nanos kBodyDeadline = 30 * kSecond;
constexpr Nanos kWriteDeadline = 30 * kSecond;
/// How long a connection that was refused is still read, so that the reply is not lost to a reset.
constexpr Nanos kLinger = kSecond;
/// What is left to a client in the middle of its request, or of our reply, when the server is to end.
constexpr Nanos kStopGrace = kSecond;
/// A refused client may send so many bytes more before it is cut off.
constexpr std::size_t kMaxDiscarded = 32 << 20;

constexpr std::size_t kMaxTarget = 8192;  ///< bytes; above: 414
constexpr std::size_t kMaxFields = 8192;  ///< bytes of all field lines; above: 431
constexpr int kMaxFieldCount = 100;       ///< above: 431
/// Bytes; above: 413, where the route says nothing else.
constexpr std::uint64_t kMaxBody = 1'000'000;

/// What a handler's caller needs of one request.
struct Request {
  std::string method;
  std::string target;    ///< in origin form: `/delay?ms=100`
  std::uint32_t id = 0;  ///< the header `Lab-Request`; 0: none
  bool http_1_0 = false;
  bool keep_alive = true;
  bool upgrade = false;  ///< it asks for another protocol; the reader keeps its header block

  std::string_view path() const { return std::string_view(target).substr(0, target.find('?')); }
  std::string_view query() const;
  bool head() const { return method == "HEAD"; }
};

/// The number that `Lab-Request` has as its value; 0: it is none.
std::uint32_t request_number(std::string_view value);

/// What the body of one request may be.
struct BodyRule {
  std::uint64_t limit = kMaxBody;                ///< bytes; more is refused with 413
  std::string_view too_big = "body above 1 MB";  ///< why; as long-lived as the route
  Nanos deadline = 0;  ///< how long it may take to arrive; 0: the server's own limit
};

/// Finds the end of a request's body, strictly (RFC 9112, 6 and 7.1), in constant memory. Not thread-safe.
class BodyReader {
 public:
  /// Of so many bytes.
  explicit BodyReader(std::uint64_t bytes = 0)
      : left_(bytes), state_(bytes == 0 ? State::done : State::data), chunked_(false) {}
  /// Of chunks, which are refused with 413 where they announce more than the rule's limit in all.
  explicit BodyReader(const BodyRule& rule) : left_(0), rule_(rule), state_(State::size), chunked_(true) {}

  /// Takes the body's bytes off the front of `bytes`. Nobody reads them, so they are not kept.
  Refusal read(std::string_view& bytes);
  bool whole() const { return state_ == State::done; }

 private:
  enum class State : std::uint8_t { size, extension, data, data_end, trailer, done };

  void take_data(std::string_view& bytes);
  Refusal line_byte(char c);
  Refusal end_of_line();
  Refusal end_of_size();
  Refusal end_of_trailer();

  std::uint64_t left_;  // of the body or of the chunk
  std::uint64_t total_ = 0;
  BodyRule rule_;
  std::string line_;            // a trailer line so far
  std::size_t line_bytes_ = 0;  // of the size line, or of all trailers
  int digits_ = 0;
  State state_;
  bool chunked_;
  bool after_cr_ = false;
};

/// Turns the bytes of one connection into requests, strictly (RFC 9112): what a server that takes part in
/// request smuggling would let through is refused. Looks at each line once, as soon as it is whole, so a
/// request gets the same answer however its bytes are split. Holds no more than one header (16 KB); bodies
/// are counted and let go. Not thread-safe.
class RequestReader {
 public:
  enum class State : std::uint8_t {
    more,     ///< needs bytes that have not come
    proceed,  ///< once a request: the client waits for `100 Continue` before it sends the body
    whole,    ///< request() is complete
    refused,  ///< refusal() says why; the connection is of no more use
  };

  /// `routes` may be null: the server's own limit holds for every body; else they must outlive the reader.
  explicit RequestReader(const RouteTable* routes = nullptr) : routes_(routes) {}

  /// Takes what belongs to this request off the front of `bytes`.
  State parse(std::string_view& bytes);
  /// Forgets the request; the next bytes begin another.
  void next();

  /// Nothing of a request has come.
  bool idle() const { return !begun_; }
  bool in_body() const { return in_body_; }
  const Request& request() const { return request_; }
  const Refusal& refusal() const { return refusal_; }
  /// How long the body may take to arrive; 0: the server's own limit.
  Nanos body_deadline() const { return rule_.deadline; }
  /// The whole header of a request for an upgrade, for the parser of that protocol.
  const std::string& header_text() const { return header_; }

 private:
  /// How far the header was read, and what it says of the body.
  struct Head {
    std::size_t begin = 0;     // of the request line: an empty line before it is skipped
    std::size_t position = 0;  // everything before it was accepted
    std::size_t fields_begin = 0;
    std::uint64_t length = 0;
    int fields = 0;
    int hosts = 0;
    bool line_done = false;
    bool done = false;
    bool has_length = false;
    bool has_coding = false;
    bool expects_continue = false;
    bool close = false;
    bool keep_alive = false;
  };

  State parse_head(std::string_view& bytes);
  State begin_body(std::string_view& bytes);
  State parse_body(std::string_view& bytes);
  State refuse(const Refusal& refusal);
  Refusal scan(std::string_view block);
  Refusal request_line(std::string_view line);
  Refusal target(std::string_view text);
  Refusal field(std::string_view line);
  Refusal host(std::string_view value);
  Refusal connection(std::string_view value);
  Refusal content_length(std::string_view value);
  Refusal transfer_encoding(std::string_view value);
  Refusal end_of_head();

  Head head_;
  BodyReader body_;
  BodyRule rule_;
  Request request_;
  Refusal refusal_;
  const RouteTable* routes_;
  std::string header_;  // unfinished header bytes, or what is kept
  bool begun_ = false;
  bool in_body_ = false;
};

}  // namespace lab
