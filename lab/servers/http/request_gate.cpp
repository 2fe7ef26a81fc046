#include "lab/servers/http/request_gate.hpp"

#include <algorithm>
#include <array>

#include "lab/core/text.hpp"

namespace lab {

namespace {

// Longest method and ` HTTP/1.1` around the longest target.
constexpr std::size_t kMaxMethod = 32;
constexpr std::size_t kMaxRequestLine = kMaxMethod + 1 + kMaxTarget + 10;

// More is not counted; the routes' limits are far below.
constexpr std::uint64_t kLongestLength = 1'000'000'000'000;

/// Letters, digits and these.
constexpr std::array<bool, 256> table_of(std::string_view others) {
  std::array<bool, 256> table{};
  for (char c = '0'; c <= '9'; ++c) table[static_cast<unsigned char>(c)] = true;
  for (char c = 'a'; c <= 'z'; ++c) table[static_cast<unsigned char>(c)] = true;
  for (char c = 'A'; c <= 'Z'; ++c) table[static_cast<unsigned char>(c)] = true;
  for (const char c : others) table[static_cast<unsigned char>(c)] = true;
  return table;
}

constexpr auto kTokenChars = table_of("!#$%&'*+-.^_`|~");
// RFC 3986 reg-name: unreserved, sub-delims, percent-encoded.
constexpr auto kHostChars = table_of("-._~%!$&'()*+,;=");

bool all_in(const std::array<bool, 256>& table, std::string_view text) {
  return std::all_of(text.begin(), text.end(), [&](char c) { return table[static_cast<unsigned char>(c)]; });
}

bool is_token(std::string_view text) {
  return !text.empty() && all_in(kTokenChars, text);
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool valid_host(std::string_view host) {
  std::string_view name = host;
  std::string_view port;
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    if (end == std::string_view::npos) return false;
    name = host.substr(1, end - 1);
    const std::string_view rest = host.substr(end + 1);
    if (!rest.empty() && rest.front() != ':') return false;
    if (!rest.empty()) port = rest.substr(1);
    if (name.empty() || name.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos)
      return false;
  } else {
    const std::size_t colon = host.find(':');
    name = host.substr(0, colon);
    if (colon != std::string_view::npos) port = host.substr(colon + 1);
    if (name.empty()) return false;
    if (!all_in(kHostChars, name)) return false;
  }
  return port.size() <= 5 && std::all_of(port.begin(), port.end(), is_digit);
}

}  // namespace

bool same_word(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

const char* split_field(std::string_view line, std::string_view& name, std::string_view& value) {
  if (line.front() == ' ' || line.front() == '\t') return "folded field line";
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return "field line without a colon";
  name = line.substr(0, colon);
  if (!is_token(name)) return "bad field name";
  value = trim(line.substr(colon + 1));
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && byte != '\t') || byte == 0x7f) return "control byte in a field";
  }
  return nullptr;
}

RequestGate::Progress RequestGate::refuse(int status, std::string_view reason) {
  refusal_ = {status, reason};
  return Progress::refused;
}

RequestGate::Progress RequestGate::scan(std::string_view block) {
  if (refusal_.status != 0) return Progress::refused;
  for (;;) {
    const std::string_view rest = block.substr(position_);
    const std::size_t newline = rest.find('\n');
    const std::size_t reach = newline == std::string_view::npos ? rest.size() : newline;
    if (!line_done_ && reach > kMaxRequestLine) return refuse(414, "request target above 8 KB");
    if (line_done_ && position_ - fields_begin_ + reach > kMaxFields + 1)
      return refuse(431, "header fields above 8 KB");
    if (newline == std::string_view::npos) return Progress::more;
    if (newline == 0 || rest[newline - 1] != '\r') return refuse(400, "line not ended by CR LF");
    const std::string_view line = rest.substr(0, newline - 1);
    position_ += newline + 1;
    if (!line_done_) {
      // RFC 9112, 2.2: one empty line before a request line is ignored.
      if (line.empty() && begin_ == 0) {
        begin_ = position_;
        continue;
      }
      if (!request_line(line)) return Progress::refused;
      line_done_ = true;
      fields_begin_ = position_;
    } else if (line.empty()) {
      return finish() ? Progress::whole : Progress::refused;
    } else if (!field(line)) {
      return Progress::refused;
    }
  }
}

bool RequestGate::request_line(std::string_view line) {
  const auto fail = [this](int status, std::string_view reason) {
    refuse(status, reason);
    return false;
  };
  const std::size_t first = line.find(' ');
  const std::string_view method = line.substr(0, first);
  if (first == std::string_view::npos || first > kMaxMethod || !is_token(method))
    return fail(400, "bad request line");
  const std::size_t second = line.find(' ', first + 1);
  if (second == std::string_view::npos) return fail(400, "bad request line");
  const std::string_view version = line.substr(second + 1);
  const std::string_view target_text = line.substr(first + 1, second - first - 1);
  if (target_text.size() > kMaxTarget) return fail(414, "request target above 8 KB");
  if (version.size() != 8 || !version.starts_with("HTTP/") || !is_digit(version[5]) || version[6] != '.' ||
      !is_digit(version[7]))
    return fail(400, "bad HTTP version");
  if (version[5] != '1' || version[7] > '1') return fail(505, "HTTP version not supported");
  http_1_0_ = version[7] == '0';
  return target(method, target_text);
}

bool RequestGate::target(std::string_view method, std::string_view text) {
  const bool visible =
      !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (!visible || text.find('#') != std::string_view::npos) {
    refuse(400, "bad request target");
    return false;
  }
  if (method == "CONNECT") {
    refuse(501, "this server is no proxy");
    return false;
  }
  if (text.front() == '/' || (text == "*" && method == "OPTIONS")) return true;
  constexpr std::string_view kScheme = "http://";
  if (text.size() > kScheme.size() && same_word(text.substr(0, kScheme.size()), kScheme)) {
    const std::string_view authority = text.substr(kScheme.size());
    if (valid_host(authority.substr(0, authority.find_first_of("/?")))) return true;
  }
  refuse(400, "bad request target");
  return false;
}

bool RequestGate::field(std::string_view line) {
  if (++fields_ > kMaxFieldCount) {
    refuse(431, "more than 100 header fields");
    return false;
  }
  std::string_view name;
  std::string_view value;
  if (const char* reason = split_field(line, name, value)) {
    refuse(400, reason);
    return false;
  }
  switch (name.size()) {
    case 4: return !same_word(name, "host") || host(value);
    case 6:
      if (same_word(name, "expect")) {
        if (same_word(value, "100-continue")) {
          expects_continue_ = true;
        } else {
          refuse(417, "unknown expectation");
          return false;
        }
      }
      return true;
    case 14: return !same_word(name, "content-length") || content_length_field(value);
    case 17: return !same_word(name, "transfer-encoding") || transfer_encoding(value);
    default: return true;
  }
}

bool RequestGate::host(std::string_view value) {
  if (++hosts_ > 1) {
    refuse(400, "more than one Host field");
    return false;
  }
  if (!valid_host(value)) {
    refuse(400, "bad Host field");
    return false;
  }
  return true;
}

bool RequestGate::content_length_field(std::string_view value) {
  // A list of equal numbers is what a proxy makes of a repeated field; RFC 9112, 6.3 lets a server refuse it.
  if (value.empty() || !std::all_of(value.begin(), value.end(), is_digit)) {
    refuse(400, "bad Content-Length");
    return false;
  }
  std::uint64_t length = 0;
  for (const char c : value)
    length = std::min<std::uint64_t>(length * 10 + static_cast<std::uint64_t>(c - '0'), kLongestLength);
  if (has_length_ && length != length_) {
    refuse(400, "differing Content-Length fields");
    return false;
  }
  if (has_coding_) {
    refuse(400, "Content-Length with Transfer-Encoding");
    return false;
  }
  has_length_ = true;
  length_ = length;
  return true;
}

bool RequestGate::transfer_encoding(std::string_view value) {
  if (has_length_) {
    refuse(400, "Content-Length with Transfer-Encoding");
    return false;
  }
  if (has_coding_) {
    refuse(400, "more than one Transfer-Encoding field");
    return false;
  }
  if (http_1_0_) {
    refuse(400, "Transfer-Encoding in HTTP/1.0");
    return false;
  }
  has_coding_ = true;
  chunked_ = same_word(value, "chunked");
  if (chunked_) return true;
  const std::size_t comma = value.rfind(',');
  const bool known_last =
      comma != std::string_view::npos && same_word(trim(value.substr(comma + 1)), "chunked");
  const bool twice = known_last && same_word(trim(value.substr(0, comma)), "chunked");
  if (twice || value.empty()) {
    refuse(400, "bad Transfer-Encoding");
  } else {
    refuse(501, "unknown Transfer-Encoding");
  }
  return false;
}

bool RequestGate::finish() {
  if (hosts_ == 0 && !http_1_0_) {
    refuse(400, "no Host field");
    return false;
  }
  if (length_ >= kLongestLength) {
    refuse(413, "body above 1 TB");
    return false;
  }
  return true;
}

}  // namespace lab
