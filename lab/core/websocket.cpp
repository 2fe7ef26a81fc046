#include "lab/core/websocket.hpp"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <utility>

#include "lab/core/text.hpp"

namespace lab {

namespace {

constexpr std::size_t kLongestMessage = 1'000'000;
constexpr std::size_t kLongestControl = 125;
/// A held connection keeps no more than this for what comes next.
constexpr std::size_t kKeptBuffer = 512;

std::string base64(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3), '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                  reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  return out;
}

std::string two_bytes(std::size_t number) {
  return {static_cast<char>(number >> 8U & 0xFFU), static_cast<char>(number & 0xFFU)};
}

void unmask(std::string& payload, std::string_view mask) {
  for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<char>(payload[i] ^ mask[i % 4]);
}

/// RFC 6455, 5.5.1 and 7.4.
bool is_close(std::string_view payload) {
  if (payload.empty()) return true;
  if (payload.size() == 1) return false;
  const int code = static_cast<unsigned char>(payload[0]) << 8 | static_cast<unsigned char>(payload[1]);
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

bool is_utf8(const std::string& text) {
  const auto is_ascii = [](char byte) { return static_cast<unsigned char>(byte) < 0x80; };
  return std::ranges::all_of(text, is_ascii) || valid_utf8(text) == text;
}

void let_go(std::string& buffer) {
  if (buffer.empty() && buffer.capacity() > kKeptBuffer)
    buffer.shrink_to_fit();  // assigning keeps its memory
}

}  // namespace

std::string websocket_key(std::uint64_t number) {
  std::string bytes;
  for (int i = 0; i < 16; ++i) {
    bytes += static_cast<char>(number & 0xFFU);
    number = number * 6364136223846793005U + 1442695040888963407U;
  }
  return base64(bytes);
}

std::string websocket_accept(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return base64({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

std::string websocket_frame(WebSocketOp op, std::string_view payload, std::optional<std::uint32_t> mask) {
  const unsigned masked = mask ? 0x80U : 0U;
  const bool is_short = payload.size() <= kLongestControl;
  std::string frame{static_cast<char>(0x80U | static_cast<unsigned>(op)),
                    static_cast<char>(masked | (is_short ? payload.size() : 126U))};
  if (!is_short) frame += two_bytes(payload.size());
  std::string text(payload);
  if (mask) {
    const std::string bytes = two_bytes(*mask >> 16U) + two_bytes(*mask);
    frame += bytes;
    unmask(text, bytes);
  }
  return frame += text;
}

std::string websocket_close(WebSocketEnd why) {
  return websocket_frame(WebSocketOp::close, two_bytes(static_cast<std::size_t>(why)), std::nullopt);
}

void WebSocketReader::feed(std::string_view bytes) {
  payload_.clear();
  let_go(payload_);
  bytes_.erase(0, std::exchange(taken_, 0));
  bytes_ += bytes;
}

WebSocketReader::News WebSocketReader::next() {
  while (bytes_.size() - taken_ >= 2) {
    const std::string_view rest = std::string_view(bytes_).substr(taken_);
    const auto first = static_cast<unsigned char>(rest[0]);
    const auto second = static_cast<unsigned char>(rest[1]);
    const bool final = (first & 0x80U) != 0;
    const auto op = static_cast<WebSocketOp>(first & 0x0FU);
    const bool control = (first & 0x08U) != 0;
    std::uint64_t length = second & 0x7FU;
    if ((first & 0x70U) != 0 || ((second & 0x80U) != 0) != masked_) return News::bad;
    if (control && (length > kLongestControl || !final)) return News::bad;
    std::size_t head = 2;
    if (length >= 126) {
      head += length == 126 ? 2 : 8;
      if (rest.size() < head) return News::nothing;
      length = 0;
      for (std::size_t i = 2; i < head; ++i) length = (length << 8U) | static_cast<unsigned char>(rest[i]);
    }
    if (length > kLongestMessage || message_.size() + length > kLongestMessage) return News::too_long;
    if (masked_) head += 4;
    if (rest.size() < head + length) return News::nothing;
    std::string payload(rest.substr(head, static_cast<std::size_t>(length)));
    if (masked_) unmask(payload, rest.substr(head - 4, 4));
    taken_ += head + static_cast<std::size_t>(length);
    if (taken_ == bytes_.size()) {
      bytes_.clear();
      taken_ = 0;
      let_go(bytes_);
    }
    if (control) {
      payload_ = std::move(payload);
      if (op == WebSocketOp::ping) return News::ping;
      if (op == WebSocketOp::close) return is_close(payload_) ? News::close : News::bad;
      if (op == WebSocketOp::pong) continue;
      return News::bad;
    }
    const bool begins = op == WebSocketOp::text || op == WebSocketOp::binary;
    if ((!begins && op != WebSocketOp::more) || begins == in_message_) return News::bad;
    if (begins) is_text_ = op == WebSocketOp::text;
    in_message_ = !final;
    message_ += payload;
    if (!final) continue;
    payload_ = std::move(message_);
    message_.clear();
    return is_text_ && !is_utf8(payload_) ? News::bad_text : News::message;
  }
  return News::nothing;
}

}  // namespace lab
