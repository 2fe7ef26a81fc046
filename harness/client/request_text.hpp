#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lab/core/plan.hpp"

namespace lab {

/// RFC 9110, 8.6: a method that has a meaning for a body says that there is none.
bool says_length(std::string_view method, std::int64_t body_bytes);
/// RFC 9110, 9.2.2: it may be sent again where it is not known whether it was read.
bool is_idempotent(std::string_view method);
/// The request that asks for a WebSocket (RFC 6455, 4.1).
std::string websocket_handshake(const Route& route, const std::string& host, std::uint16_t port,
                                std::string_view key);

/// One route's request, made before the load; only the digits of `Lab-Request` change from one to the next,
/// and what stands for `{…}` in the path. The route's JSON belongs to it, the body of a load does not.
class RequestText {
 public:
  /// `identify` off: without the header `Lab-Request`. `body_bytes`: how much the caller sends behind it.
  RequestText(const Route& route, const std::string& host, std::uint16_t port, bool identify,
              std::int64_t body_bytes = 0);

  /// The text as sent. Valid until the next call; allocates nothing.
  std::string_view with_id(std::uint32_t id) noexcept;
  /// The same, with this number in the place of `{…}` in the path.
  std::string_view with_id(std::uint32_t id, std::int64_t value);
  bool is_head() const { return is_head_; }

 private:
  void write(const std::string& path);

  std::string method_, path_, fields_;  // fields_: from HTTP/1.1 on, the id's header left out
  std::string end_ = "\r\n\r\n";        // of the head, and the route's JSON
  std::string text_;
  std::size_t digits_ = 0;  // where they begin; 0: no id
  std::int64_t value_ = -1;
  bool identify_ = false;
  bool is_head_ = false;
};

}  // namespace lab
