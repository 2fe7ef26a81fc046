#include "harness/request_text.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstring>

namespace lab {

namespace {
constexpr std::string_view kEnd = "\r\n\r\n";
constexpr std::size_t kMostDigits = 10;
}  // namespace

RequestText::RequestText(const Route& route, const std::string& host, std::uint16_t port, bool identify)
    : is_head_(route.method == "HEAD") {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  text_ = fmt::format("{} {} HTTP/1.1\r\nHost: {}{}{}:{}", route.method, route.path, is_ipv6 ? "[" : "", host,
                      is_ipv6 ? "]" : "", port);
  // RFC 9110, 8.6: a method that has a meaning for a body says that there is none.
  if (route.method == "POST" || route.method == "PUT" || route.method == "PATCH")
    text_ += "\r\nContent-Length: 0";
  if (identify) {
    text_ += "\r\nLab-Request: ";
    digits_ = text_.size();
    text_.append(kMostDigits, '0');
  }
  text_ += kEnd;
}

std::string_view RequestText::with_id(std::uint32_t id) noexcept {
  if (digits_ == 0) return text_;
  char* const begin = text_.data() + digits_;
  char* const end = std::to_chars(begin, begin + kMostDigits, id).ptr;
  std::memcpy(end, kEnd.data(), kEnd.size());
  return {text_.data(), static_cast<std::size_t>(end + kEnd.size() - text_.data())};
}

}  // namespace lab
