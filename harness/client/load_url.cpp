#include "harness/client/load_url.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "lab/core/text.hpp"

namespace lab {

namespace {

constexpr std::size_t kLongestHost = 253;  // RFC 1035, 2.3.4
constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;

bool is_letter_or_digit(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

/// The characters of path and query (RFC 3986, 3.3 and 3.4) but `%`.
bool is_target_char(char c) {
  return is_letter_or_digit(c) || std::string_view("-._~!$&'()*+,;=:@/?").find(c) != std::string_view::npos;
}

Error bad(std::string_view text, const std::string& problem) {
  return usage_error("the URL '{}' {}", text.substr(0, 100), problem);
}

/// Takes `http://` or `https://` off.
Result<bool> take_scheme(std::string_view whole, std::string_view& rest) {
  const std::size_t end = rest.find("://");
  if (end == std::string_view::npos) {
    return bad(whole, fmt::format("has no scheme; write http://{}", whole.substr(0, 80)));
  }
  const std::string scheme = lower_case(rest.substr(0, end));
  rest.remove_prefix(end + 3);
  if (scheme == "http") return false;
  if (scheme == "https") return true;
  return bad(whole, fmt::format("is '{}'; http and https are known", scheme));
}

Result<std::string> take_host(std::string_view whole, std::string_view& rest) {
  if (rest.starts_with('[')) {
    const std::size_t end = rest.find(']');
    const std::string host(rest.substr(1, end == std::string_view::npos ? 0 : end - 1));
    in6_addr address{};
    if (inet_pton(AF_INET6, host.c_str(), &address) != 1)
      return bad(whole, "has no IPv6 address in its brackets, as in http://[::1]:8000/");
    rest.remove_prefix(end + 1);
    return host;
  }
  const auto* const end = std::find_if(rest.begin(), rest.end(), [](char c) {
    return !is_letter_or_digit(c) && c != '-' && c != '.' && c != '_';
  });
  const auto size = static_cast<std::size_t>(end - rest.begin());
  std::string host(rest.substr(0, size));
  rest.remove_prefix(size);
  if (host.empty()) return bad(whole, "has no host");
  if (host.size() > kLongestHost) return bad(whole, "has a host of more than 253 characters");
  return host;
}

Result<std::uint16_t> take_port(std::string_view whole, std::string_view& rest, bool tls) {
  if (!rest.starts_with(':')) return tls ? kHttpsPort : kHttpPort;
  rest.remove_prefix(1);
  const std::size_t size = std::min(rest.find_first_of("/?#"), rest.size());
  const std::string_view digits = rest.substr(0, size);
  std::uint16_t port = 0;
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || stop != digits.data() + digits.size() || port == 0)
    return bad(whole, fmt::format("has the port '{}'; give 1 to 65535", digits.substr(0, 20)));
  rest.remove_prefix(size);
  return port;
}

Result<std::string> check_target(std::string_view whole, std::string_view rest) {
  if (rest.empty()) return std::string("/");
  if (rest.front() != '/' && rest.front() != '?' && rest.front() != '#')
    return bad(whole, fmt::format("has '{}' behind its host", rest.substr(0, 20)));
  for (std::size_t at = 0; at < rest.size(); ++at) {
    const auto is_hex = [&](std::size_t place) {
      return place < rest.size() && std::isxdigit(static_cast<unsigned char>(rest[place])) != 0;
    };
    if (rest[at] == '#') return bad(whole, "has a fragment (#…), which is never sent; leave it out");
    if (rest[at] == '%' && is_hex(at + 1) && is_hex(at + 2)) continue;
    if (!is_target_char(rest[at])) {
      return bad(whole,
                 fmt::format("has a byte at column {} that must be percent-encoded: write %{:02X}",
                             whole.size() - rest.size() + at + 1, static_cast<unsigned char>(rest[at])));
    }
  }
  return rest.front() == '?' ? "/" + std::string(rest) : std::string(rest);
}

}  // namespace

std::string bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

std::string Url::authority() const {
  const std::string name = bracketed(host);
  return port == (tls ? kHttpsPort : kHttpPort) ? name : fmt::format("{}:{}", name, port);
}

std::string Url::origin() const {
  return fmt::format("{}://{}:{}", tls ? "https" : "http", bracketed(host), port);
}

Result<Url> parse_url(std::string_view text) {
  Url url;
  url.text = text;
  std::string_view rest = text;
  if (text.starts_with("unix:") || text.starts_with("http+unix:"))
    return bad(text, "is a Unix socket, which is not spoken to; let the server listen at a TCP port as well");
  const auto tls = take_scheme(text, rest);
  if (!tls) return tls.error();
  url.tls = *tls;
  if (rest.substr(0, rest.find_first_of("/?#")).find('@') != std::string_view::npos)
    return bad(text, "names a user; send --header 'Authorization: …' instead");
  const auto host = take_host(text, rest);
  if (!host) return host.error();
  url.host = *host;
  const auto port = take_port(text, rest, url.tls);
  if (!port) return port.error();
  url.port = *port;
  const auto target = check_target(text, rest);
  if (!target) return target.error();
  url.target = *target;
  return url;
}

}  // namespace lab
