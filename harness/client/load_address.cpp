#include "harness/client/load_address.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>

#include "lab/core/interrupt.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

constexpr std::size_t kLongestHost = 253;  // RFC 1035, 2.3.4
constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;
constexpr std::string_view kUnix = "unix:";

bool is_letter_or_digit(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

/// The characters of path and query (RFC 3986, 3.3 and 3.4) but `%`.
bool is_target_char(char c) {
  return is_letter_or_digit(c) || std::string_view("-._~!$&'()*+,;=:@/?").find(c) != std::string_view::npos;
}

bool is_private_v4(std::uint32_t address) {
  const auto in = [address](std::uint32_t network, int bits) {
    return address >> (32 - bits) == network >> (32 - bits);
  };
  return address == 0 || in(0x7F000000, 8) || in(0x0A000000, 8) || in(0xAC100000, 12) || in(0xC0A80000, 16) ||
         in(0xA9FE0000, 16);
}

bool is_private_v6(const in6_addr& address) {
  if (IN6_IS_ADDR_V4MAPPED(&address)) {
    std::uint32_t inner = 0;
    std::memcpy(&inner, address.s6_addr + 12, sizeof inner);
    return is_private_v4(ntohl(inner));
  }
  const bool unique_local = (address.s6_addr[0] & 0xFE) == 0xFC;
  return IN6_IS_ADDR_LOOPBACK(&address) || IN6_IS_ADDR_UNSPECIFIED(&address) ||
         IN6_IS_ADDR_LINKLOCAL(&address) || unique_local;
}

Result<std::vector<Address>> look_up(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error != 0) return environment_error("cannot find the host '{}': {}", host, gai_strerror(error));
  std::vector<Address> addresses;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    Address& address = addresses.emplace_back();
    std::memcpy(&address.storage, each->ai_addr, each->ai_addrlen);
    address.size = each->ai_addrlen;
  }
  freeaddrinfo(found);
  return addresses;
}

/// Takes a URL apart from left to right, until something is wrong.
class UrlReader {
 public:
  explicit UrlReader(std::string_view text) : text_(text), rest_(text) { url_.text = text; }

  Result<Url> read() {
    if (text_.starts_with("http+unix:")) {
      bad("is a Unix socket; write unix:/run/app.sock:/path");
    } else if (text_.starts_with(kUnix) ? take_socket() && take_target()
                                        : take_scheme() && take_host() && take_port() && take_target()) {
      return url_;
    }
    return error_;
  }

 private:
  bool bad(const std::string& problem) {
    error_ = usage_error("the URL '{}' {}", text_.substr(0, 100), problem);
    return false;
  }

  bool take_socket() {
    rest_.remove_prefix(kUnix.size());
    url_.host = "localhost";
    url_.socket = rest_.substr(0, rest_.find(':'));
    rest_.remove_prefix(std::min(rest_.size(), url_.socket.size() + 1));
    if (url_.socket.empty()) return bad("names no socket; write unix:/run/app.sock:/path");
    return url_.socket.size() < sizeof(sockaddr_un::sun_path) ||
           bad(fmt::format("has a socket's path of more than {} bytes", sizeof(sockaddr_un::sun_path) - 1));
  }

  bool take_scheme() {
    const std::size_t end = rest_.find("://");
    if (end == std::string_view::npos)
      return bad(fmt::format("has no scheme; write http://{}", text_.substr(0, 80)));
    const std::string scheme = lower_case(rest_.substr(0, end));
    rest_.remove_prefix(end + 3);
    url_.tls = scheme == "https";
    if (scheme != "http" && scheme != "https")
      return bad(fmt::format("has the scheme '{}'; lab knows http and https", scheme));
    const std::string_view authority = rest_.substr(0, rest_.find_first_of("/?#"));
    return std::ranges::count(authority, '@') == 0 ||
           bad("names a user; send --header 'Authorization: …' instead");
  }

  bool take_host() {
    if (rest_.starts_with('[')) {
      const std::size_t end = rest_.find(']');
      in6_addr address{};
      url_.host = rest_.substr(1, end == std::string_view::npos ? 0 : end - 1);
      if (inet_pton(AF_INET6, url_.host.c_str(), &address) != 1)
        return bad("has no IPv6 address in its brackets, as in http://[::1]:8000/");
      rest_.remove_prefix(end + 1);
      return true;
    }
    const auto* const end = std::ranges::find_if(
        rest_, [](char c) { return !is_letter_or_digit(c) && c != '-' && c != '.' && c != '_'; });
    url_.host.assign(rest_.begin(), end);
    rest_.remove_prefix(url_.host.size());
    if (url_.host.empty()) return bad("has no host");
    return url_.host.size() <= kLongestHost || bad("has a host of more than 253 characters");
  }

  bool take_port() {
    url_.port = url_.tls ? kHttpsPort : kHttpPort;
    if (!rest_.starts_with(':')) return true;
    const std::string_view digits = rest_.substr(1, rest_.find_first_of("/?#") - 1);
    url_.port = number_in<std::uint16_t>(digits).value_or(0);
    rest_.remove_prefix(1 + digits.size());
    return url_.port != 0 || bad(fmt::format("has the port '{}'; give 1 to 65535", digits.substr(0, 20)));
  }

  bool take_target() {
    url_.target = (rest_.starts_with('/') ? "" : "/") + std::string(rest_);
    if (!rest_.empty() && std::string_view("/?#").find(rest_.front()) == std::string_view::npos)
      return bad(fmt::format("has '{}' behind its host", rest_.substr(0, 20)));
    const auto is_hex = [&](std::size_t place) {
      return place < rest_.size() && std::isxdigit(static_cast<unsigned char>(rest_[place])) != 0;
    };
    for (std::size_t at = 0; at < rest_.size(); ++at) {
      if (rest_[at] == '#') return bad("has a fragment (#…), which is never sent; leave it out");
      if (is_target_char(rest_[at]) || (rest_[at] == '%' && is_hex(at + 1) && is_hex(at + 2))) continue;
      return bad(fmt::format("has a byte at column {} that must be percent-encoded: write %{:02X}",
                             text_.size() - rest_.size() + at + 1, static_cast<unsigned char>(rest_[at])));
    }
    return true;
  }

  const std::string_view text_;
  std::string_view rest_;
  Url url_;
  Error error_;
};

}  // namespace

std::string bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

std::string Url::authority() const {
  const std::string name = bracketed(host);
  return port == (tls ? kHttpsPort : kHttpPort) ? name : fmt::format("{}:{}", name, port);
}

std::string Url::origin() const {
  if (!socket.empty()) return fmt::format("{}{}:", kUnix, socket);
  return fmt::format("{}://{}:{}", tls ? "https" : "http", bracketed(host), port);
}

Result<Url> parse_url(std::string_view text) {
  return UrlReader(text).read();
}

std::string Address::text() const {
  if (is_unix()) return reinterpret_cast<const sockaddr_un*>(&storage)->sun_path;
  std::array<char, NI_MAXHOST> name{};
  if (getnameinfo(get(), size, name.data(), name.size(), nullptr, 0, NI_NUMERICHOST) != 0) return "?";
  return name.data();
}

std::uint16_t Address::port() const {
  if (is_unix()) return 0;
  // At the same place in a sockaddr_in6.
  return ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
}

bool Address::is_private() const {
  if (is_unix()) return true;
  if (storage.ss_family == AF_INET)
    return is_private_v4(ntohl(reinterpret_cast<const sockaddr_in*>(&storage)->sin_addr.s_addr));
  return storage.ss_family == AF_INET6 &&
         is_private_v6(reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_addr);
}

Result<std::vector<Address>> resolve(const std::string& host, std::uint16_t port) {
  auto addresses = look_up(host, port);
  if (!addresses || host != "localhost") return addresses;
  // Both, whatever the hosts file has (RFC 6761, 6.3): a server may listen at either.
  for (const char* loopback : {"127.0.0.1", "::1"}) {
    const auto known = [&](const Address& address) { return address.text() == loopback; };
    if (std::ranges::any_of(*addresses, known)) continue;
    if (const auto other = look_up(loopback, port)) addresses->push_back(other->front());
  }
  return addresses;
}

Result<std::vector<Address>> resolve(const Url& url) {
  if (url.socket.empty()) return resolve(url.host, url.port);
  Address address{.size = sizeof(sockaddr_un)};
  auto* const socket = reinterpret_cast<sockaddr_un*>(&address.storage);
  socket->sun_family = AF_UNIX;
  url.socket.copy(socket->sun_path, sizeof socket->sun_path - 1);
  return std::vector{address};
}

UniqueFd connect_to(const Address& address, Nanos until) {
  UniqueFd socket(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int fd = socket.get();
  if (!socket.valid() || connect(fd, address.get(), address.size) == 0) return socket;
  int error = errno;
  socklen_t size = sizeof error;
  const bool is_open = error == EINPROGRESS && await_ready(fd, POLLOUT, until) &&
                       getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
  if (!is_open) socket.reset();
  return socket;
}

Address first_that_answers(const std::vector<Address>& addresses, int patience_ms) {
  if (addresses.size() == 1) return addresses.front();
  for (const Address& address : addresses) {
    if (connect_to(address, monotonic_now() + patience_ms * kMillisecond).valid()) return address;
  }
  return addresses.front();
}

}  // namespace lab
