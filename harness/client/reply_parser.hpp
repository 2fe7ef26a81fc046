#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "harness/trace/stamps.hpp"

namespace lab {

/// A method, or the name of a header field (RFC 9110, 5.6.2).
bool is_token(std::string_view text);

/// Reads one HTTP/1 reply from bytes as they come, split anywhere, and keeps nothing of the body unless
/// asked. Strict (RFC 9112): what a lenient client would guess at is a bad reply here, because a guess would
/// be counted as an answer. Refused besides plain garbage: bare LF, obs-fold, space before the colon, control
/// bytes, differing or malformed Content-Length, Content-Length beside Transfer-Encoding, any coding but
/// chunked, chunked in HTTP/1.0, 101, lines over 8 KB, more than 100 fields (trailers included).
class ReplyParser {
 public:
  enum class State : std::uint8_t { reading, done, bad };

  /// Forgets the last reply. `to_head`: the reply to a HEAD request has no body. `keep_body`: body() will
  /// have it. `keep_stamps`: stamps() will.
  void start(bool to_head, bool keep_body = false, bool keep_stamps = false);

  /// Takes what belongs to this reply and returns how many bytes that was; the rest is not part of it.
  /// Interim replies (1xx) are skipped. Allocates only where a line is split between two calls, or for what
  /// is to be kept.
  std::size_t feed(std::string_view bytes);

  /// The peer closed its side: done where the body ran until the close, otherwise still reading (truncated).
  State end();

  State state() const { return state_; }
  int status() const { return status_; }
  /// May another request follow on this connection? Known once done.
  bool keep_alive() const { return keep_alive_; }
  std::uint64_t body_bytes() const { return body_bytes_; }
  /// Its first 64 KB, where they were to be kept.
  const std::string& body() const { return body_; }
  /// Its stamps, where they were to be kept; otherwise null.
  const StampFields* stamps() const { return stamps_.get(); }
  /// Why the reply is bad.
  std::string_view problem() const { return problem_; }
  /// It may be HTTP, with a line of its head over 8 KB.
  bool is_too_long() const { return too_long_; }

 private:
  enum class Part : std::uint8_t {
    status_line,
    field,
    body,
    chunk_size,
    chunk,
    chunk_end,
    trailer,
    until_close
  };

  std::size_t take_body(std::string_view bytes);
  std::size_t take_line(std::string_view bytes);
  void on_line(std::string_view line);
  void on_status_line(std::string_view line);
  void on_field(std::string_view line);
  void on_content_length(std::string_view value);
  void on_connection(std::string_view value);
  void on_headers_end();
  void on_chunk_size(std::string_view line);
  void forget_head();
  void bad(std::string_view problem);

  std::string partial_;  // a line whose end has not come yet
  std::string body_;
  std::unique_ptr<StampFields> stamps_;
  std::string_view problem_;
  std::uint64_t remaining_ = 0;  // of the body, or of the chunk
  std::uint64_t content_length_ = 0;
  std::uint64_t body_bytes_ = 0;
  int status_ = 0;
  std::uint16_t fields_ = 0;
  std::uint8_t interim_ = 0;
  State state_ = State::reading;
  Part part_ = Part::status_line;
  bool to_head_ = false;
  bool keep_body_ = false;
  bool http_10_ = false;
  bool has_length_ = false;
  bool chunked_ = false;
  bool saw_close_ = false;
  bool saw_keep_alive_ = false;
  bool keep_alive_ = false;
  bool too_long_ = false;
};

}  // namespace lab
