#include "harness/client/request_text.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <charconv>
#include <cstring>

#include "harness/client/load_address.hpp"

namespace lab {

namespace {

constexpr std::size_t kMaxDigits = 10;

boost::json::value value_of(std::string_view text, std::string_view key) {
  boost::json::error_code problem;
  const boost::json::value reply = boost::json::parse({text.data(), text.size()}, problem);
  const auto* object = problem ? nullptr : reply.if_object();
  const auto* value = object == nullptr ? nullptr : object->if_contains({key.data(), key.size()});
  return value == nullptr ? boost::json::value() : *value;
}

}  // namespace

bool says_length(std::string_view method, std::int64_t body_bytes) {
  return body_bytes > 0 || method == "POST" || method == "PUT" || method == "PATCH";
}

bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" || method == "OPTIONS";
}

std::string websocket_handshake(const Route& route, const std::string& host, std::uint16_t port,
                                std::string_view key) {
  return fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}:{}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: {}\r\nSec-WebSocket-Version: 13\r\n\r\n",
      route.path, bracketed(host), port, key);
}

RequestText::RequestText(const Route& route, const std::string& host, std::uint16_t port, bool identify,
                         std::int64_t body_bytes)
    : method_(route.method), path_(route.path), identify_(identify), is_head_(route.method == "HEAD") {
  fields_ = fmt::format(" HTTP/1.1\r\nHost: {}:{}", bracketed(host), port);
  std::string body;
  if (body_bytes == 0) {
    for (const BodyField& field : route.body)
      body += fmt::format("{}\"{}\":{}", body.empty() ? '{' : ',', field.name, field.value);
    if (!body.empty()) fields_ += "\r\nContent-Type: application/json";
    if (!body.empty()) body += '}';
    body_bytes = static_cast<std::int64_t>(body.size());
  }
  if (says_length(method_, body_bytes)) fields_ += fmt::format("\r\nContent-Length: {}", body_bytes);
  end_ += body;
  write(path_);
}

void RequestText::write(const std::string& path) {
  text_ = method_ + ' ' + path + fields_;
  if (identify_) {
    text_ += "\r\nLab-Request: ";
    digits_ = text_.size();
    text_.append(kMaxDigits, '0');
  }
  text_ += end_;
}

std::string_view RequestText::with_id(std::uint32_t id) noexcept {
  if (digits_ == 0) return text_;
  char* const begin = text_.data() + digits_;
  char* const end = std::to_chars(begin, begin + kMaxDigits, id).ptr;
  std::memcpy(end, end_.data(), end_.size());
  return {text_.data(), static_cast<std::size_t>(end + end_.size() - text_.data())};
}

std::string_view RequestText::with_id(std::uint32_t id, std::int64_t value) {
  const std::size_t open = path_.find('{');
  const std::size_t close = path_.find('}', open);
  if (open != std::string::npos && close != std::string::npos && value != value_) {
    write(path_.substr(0, open) + std::to_string(value) + path_.substr(close + 1));
    value_ = value;
  }
  return with_id(id);
}

std::optional<std::int64_t> json_number(std::string_view object, std::string_view key) {
  const boost::json::value value = value_of(object, key);
  return value.is_int64() ? std::optional(value.get_int64()) : std::nullopt;
}

std::optional<std::string> json_string(std::string_view object, std::string_view key) {
  const boost::json::value value = value_of(object, key);
  return value.is_string() ? std::optional<std::string>(value.get_string()) : std::nullopt;
}

}  // namespace lab
