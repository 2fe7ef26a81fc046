#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace lab {

/// Why a request is not served: the reply's status and one reason for a person.
struct Refusal {
  int status = 0;
  std::string_view reason;  ///< static text
};

constexpr std::size_t kMaxTarget = 8192;  ///< bytes; above: 414
constexpr std::size_t kMaxFields = 8192;  ///< bytes of all field lines; above: 431
constexpr int kMaxFieldCount = 100;       ///< above: 431
/// Bytes; above: 413, where the route says nothing else.
constexpr std::uint64_t kMaxBody = 1'000'000;

/// The strict check in front of the HTTP parser (RFC 9112): Beast and httplib let through what a server that
/// takes part in request smuggling would let through. Looks at each line once, as soon as it is whole, so a
/// request gets the same answer however its bytes are split. Not thread-safe.
class RequestGate {
 public:
  enum class Progress : std::uint8_t { more, whole, refused };

  /// `block`: all bytes since the request began, those of earlier calls first and unchanged.
  Progress scan(std::string_view block);

  /// Where the request line begins (an empty line before it is skipped) and where the header ends, after
  /// `whole`.
  std::size_t begin() const { return begin_; }
  std::size_t end() const { return position_; }
  const Refusal& refusal() const { return refusal_; }

  bool chunked() const { return chunked_; }
  std::uint64_t content_length() const { return has_length_ ? length_ : 0; }
  bool expects_continue() const { return expects_continue_ && !http_1_0_; }

 private:
  Progress refuse(int status, std::string_view reason);
  bool request_line(std::string_view line);
  bool target(std::string_view method, std::string_view text);
  bool field(std::string_view line);
  bool host(std::string_view value);
  bool content_length_field(std::string_view value);
  bool transfer_encoding(std::string_view value);
  bool finish();

  Refusal refusal_;
  std::size_t begin_ = 0;
  std::size_t position_ = 0;  // everything before it was accepted
  std::size_t fields_begin_ = 0;
  std::uint64_t length_ = 0;
  int fields_ = 0;
  int hosts_ = 0;
  bool line_done_ = false;
  bool http_1_0_ = false;
  bool has_length_ = false;
  bool has_coding_ = false;
  bool chunked_ = false;
  bool expects_continue_ = false;
};

/// One field line without its line end: token, colon, value without control bytes. The reason why not, or
/// null. `name` and `value` (trimmed) point into `line`.
const char* split_field(std::string_view line, std::string_view& name, std::string_view& value);

/// ASCII, regardless of case.
bool same_word(std::string_view a, std::string_view b);

}  // namespace lab
