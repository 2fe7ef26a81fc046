#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lab {

/// A method, or the name of a header field (RFC 9110, 5.6.2).
bool is_token(std::string_view text);

/// Why a message is not accepted. It is true where there is a reason. So small that it is returned in
/// registers: every line of a message has one.
struct Refusal {
  int status = 0;           ///< that a request is answered with
  const char* reason = "";  ///< static text, or as long-lived as the route
  explicit operator bool() const { return status != 0; }
};

/// What the first line and the fields of a message may be.
struct HttpLimits {
  std::string_view begins_with{};  ///< the first line
  std::size_t first_line = 0;      ///< bytes
  std::size_t fields = 0;          ///< bytes: of each field's line, or of all together
  bool together = false;
  bool padded_sizes = false;  ///< of chunks: blanks behind them are let pass
  Refusal long_first_line, long_fields, many_fields;
};

/// Reads HTTP/1 messages from bytes as they come, split anywhere, and keeps nothing of them unless its heir
/// does. Strict (RFC 9112): what a lenient reader would guess at is refused, because servers that guess take
/// part in request smuggling, and a client would count its guess as an answer. Looks at each line once, as
/// soon as it is whole, so a message is the same however its bytes are split; copies a line only where it is
/// split. Refused besides plain garbage: bare LF, obs-fold, space before the colon, control bytes, differing
/// or malformed Content-Length, Content-Length beside Transfer-Encoding, any coding but chunked, chunked in
/// HTTP/1.0, more than 100 fields (trailers included). Not thread-safe.
class HttpReader {
 public:
  virtual ~HttpReader() = default;

  /// Takes what belongs to this message off the front of `bytes`.
  void take(std::string_view& bytes);
  /// All of it has come.
  bool is_whole() const { return part_ == Part::over && !refusal_; }
  /// Why it is of no use any more; the connection isn't either.
  const Refusal& refusal() const { return refusal_; }
  std::uint64_t body_bytes() const { return body_bytes_; }

 protected:
  explicit HttpReader(const HttpLimits& limits) : limits_(&limits), room_(limits.first_line) {}

  /// Forgets the message; the next bytes begin another.
  void begin();
  /// The same, but for what was refused and for the size of a body.
  void begin_head();

  virtual Refusal on_first_line(std::string_view line) = 0;
  /// Every field of the head, those that frame the message too.
  virtual Refusal on_field(std::string_view name, std::string_view value) = 0;
  /// Says what body there is, by one of the three below; where it calls none there is none.
  virtual Refusal on_head() = 0;
  virtual void on_body(std::string_view /*bytes*/) {}

  void expect_body(std::uint64_t bytes);
  /// Chunks, which are refused where they announce more than so many bytes in all.
  void expect_chunks(std::uint64_t limit, Refusal too_big);
  void expect_until_close() { part_ = Part::until_close; }
  bool is_until_close() const { return part_ == Part::until_close; }

  /// Those of the field Connection. False: one is no token.
  bool take_options(std::string_view value);

  // Of the head so far.
  bool http_1_0_ = false;
  bool has_length_ = false, chunked_ = false;
  bool close_ = false, keep_alive_ = false, upgrades_ = false;
  std::uint64_t length_ = 0;
  std::string partial_;  // a line whose end has not come yet

 private:
  enum class Part : std::uint8_t {
    first_line,
    field,
    body,
    chunk_size,
    chunk,
    chunk_end,
    trailer,
    until_close,
    over
  };

  bool is_foreign(std::string_view more) const;
  void take_line(std::string_view& bytes);
  void take_body(std::string_view& bytes);
  Refusal on_line(std::string_view line);
  Refusal on_field_line(std::string_view line);
  Refusal on_length(std::string_view value);
  Refusal on_coding(std::string_view value);
  Refusal on_chunk_size(std::string_view line);
  Refusal too_long() const;

  const HttpLimits* limits_;
  std::size_t room_;  // bytes that the line may have
  std::uint64_t body_bytes_ = 0;
  std::uint64_t left_ = 0;  // of the body, or of the chunk
  std::uint64_t body_limit_ = 0;
  Refusal refusal_{}, too_big_{};
  int fields_ = 0;
  Part part_ = Part::first_line;
};

/// Reads one reply after another.
class ReplyReader : public HttpReader {
 public:
  ReplyReader();

  /// Forgets the last reply. `to_head`: the reply to a HEAD request has no body.
  void start(bool to_head);
  /// Forgets the last reply, too. The next one is to accept an upgrade to a WebSocket for this key: with any
  /// other one it is over when its head is.
  void start_upgrade(std::string_view key);

  /// The peer closed its side. Whether the reply is whole: its body may run until then.
  bool end() { return is_whole() || (is_until_close() && !refusal()); }
  int status() const { return status_; }
  /// May another request follow on this connection? Known once it is whole.
  bool keeps_alive() const { return keeps_alive_; }
  /// It may be HTTP, with a line of its head over 8 KB.
  bool is_too_long() const;

 protected:
  /// An interim reply (1xx) was read: nothing of it counts.
  virtual void on_interim() {}
  Refusal on_field(std::string_view name, std::string_view value) override;

 private:
  Refusal on_first_line(std::string_view line) override;
  Refusal on_head() override;

  std::string accept_;  // that an upgrade is to be answered with; empty: none was asked for
  int status_ = 0;
  std::uint8_t interim_ = 0;
  bool to_head_ = false, keeps_alive_ = false;
  bool to_websocket_ = false, accepted_ = false;  // what it says of the upgrade
};

}  // namespace lab
