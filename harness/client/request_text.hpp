#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "harness/trace/stamps.hpp"
#include "lab/core/http_message.hpp"
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

/// The whole number that a JSON object has under this key at its top level; none where there is no such
/// number, or the text is no object.
std::optional<std::int64_t> json_number(std::string_view object, std::string_view key);

/// The same of a string.
std::optional<std::string> json_string(std::string_view object, std::string_view key);

/// Reads replies and keeps of them what is asked for.
class ReplyKeeper final : public ReplyReader {
 public:
  /// Forgets the last reply. `keep_body`: body() will have it. `keep_stamps`: stamps() will.
  void start(bool to_head, bool keep_body, bool keep_stamps) {
    ReplyReader::start(to_head);
    keep_body_ = keep_body;
    body_.clear();
    if (!keep_stamps) {
      stamps_.reset();
    } else if (stamps_ == nullptr) {
      stamps_ = std::make_unique<StampFields>();
    } else {
      stamps_->clear();
    }
  }

  /// Its first 64 KB, where they were to be kept.
  const std::string& body() const { return body_; }
  /// Its stamps, where they were to be kept; otherwise null.
  const StampFields* stamps() const { return stamps_.get(); }

 private:
  Refusal on_field(std::string_view name, std::string_view value) override {
    if (stamps_ != nullptr) stamps_->take(name, value);
    return ReplyReader::on_field(name, value);
  }
  void on_body(std::string_view bytes) override {
    constexpr std::size_t kMaxKept = 65'536;
    if (keep_body_) body_ += bytes.substr(0, kMaxKept - std::min(kMaxKept, body_.size()));
  }
  void on_interim() override {
    if (stamps_ != nullptr) stamps_->clear();
  }

  std::string body_;
  std::unique_ptr<StampFields> stamps_;
  bool keep_body_ = false;
};

}  // namespace lab
