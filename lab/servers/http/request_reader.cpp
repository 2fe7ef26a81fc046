#include "lab/servers/http/request_reader.hpp"

#include <algorithm>
#include <array>

#include "lab/core/text.hpp"
#include "lab/servers/http/route_table.hpp"

namespace lab {

namespace {

// Longest method and ` HTTP/1.1` around the longest target.
constexpr std::size_t kMaxMethod = 32;
constexpr std::size_t kMaxRequestLine = kMaxMethod + 1 + kMaxTarget + 10;
constexpr std::size_t kMaxSizeLine = 1024;

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

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && byte != '\t') || byte == 0x7f;
}

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
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
    if (name.empty() || !all_in(kHostChars, name)) return false;
  }
  return port.size() <= 5 && std::all_of(port.begin(), port.end(), is_digit);
}

/// One field line without its line end: token, colon, value without control bytes. `name` and `value`
/// (trimmed) point into `line`.
Refusal split_field(std::string_view line, std::string_view& name, std::string_view& value) {
  if (line.front() == ' ' || line.front() == '\t') return {400, "folded field line"};
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return {400, "field line without a colon"};
  name = line.substr(0, colon);
  if (!is_token(name)) return {400, "bad field name"};
  value = trim(line.substr(colon + 1));
  if (std::any_of(value.begin(), value.end(), is_control)) return {400, "control byte in a field"};
  return {};
}

/// `http://host/path?x` asks the same as `/path?x` (RFC 9112, 3.2.2).
void assign_origin_form(std::string_view target, std::string& out) {
  if (target.front() != '/' && target != "*") {
    const std::size_t path = target.find_first_of("/?", target.find("//") + 2);
    target = path == std::string_view::npos ? "/" : target.substr(path);
  }
  out.clear();
  if (target.front() == '?') out = '/';
  out.append(target);
}

}  // namespace

std::string_view Request::query() const {
  const std::size_t mark = target.find('?');
  return mark == std::string::npos ? std::string_view() : std::string_view(target).substr(mark + 1);
}

std::uint32_t request_number(std::string_view value) {
  return number_in<std::uint32_t>(value).value_or(0);
}

Refusal BodyReader::read(std::string_view& bytes) {
  Refusal refusal;
  while (state_ != State::done && !bytes.empty() && !refusal) {
    if (state_ == State::data) {
      take_data(bytes);
      continue;
    }
    const char c = bytes.front();
    bytes.remove_prefix(1);
    if (after_cr_) {
      after_cr_ = false;
      refusal = c == '\n' ? end_of_line() : Refusal{400, "chunk line not ended by CR LF"};
    } else if (c == '\r') {
      after_cr_ = true;
    } else {
      refusal = line_byte(c);
    }
  }
  return refusal;
}

void BodyReader::take_data(std::string_view& bytes) {
  const std::size_t part = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
  bytes.remove_prefix(part);
  left_ -= part;
  if (left_ == 0) state_ = chunked_ ? State::data_end : State::done;
}

Refusal BodyReader::line_byte(char c) {
  switch (state_) {
    case State::size:
      if (const int value = hex_value(c); value >= 0) {
        if (++digits_ > 16) break;
        left_ = left_ * 16 + static_cast<std::uint64_t>(value);
        return {};
      }
      if (c != ';' || digits_ == 0) break;
      state_ = State::extension;
      return {};
    case State::extension:
      if (++line_bytes_ > kMaxSizeLine || is_control(c)) break;
      return {};
    case State::trailer:
      if (++line_bytes_ > kMaxFields) return {431, "trailer fields above 8 KB"};
      line_ += c;
      return {};
    default: return {400, "chunk longer than its size"};
  }
  return {400, "bad chunk size"};
}

Refusal BodyReader::end_of_line() {
  if (state_ == State::trailer) return end_of_trailer();
  if (state_ != State::data_end) return end_of_size();
  state_ = State::size;
  return {};
}

Refusal BodyReader::end_of_size() {
  if (digits_ == 0 || (state_ == State::extension && line_bytes_ == 0)) return {400, "bad chunk size"};
  total_ += std::min(left_, rule_.limit + 1);
  if (total_ > rule_.limit) return {413, rule_.too_big};
  state_ = left_ == 0 ? State::trailer : State::data;
  line_bytes_ = 0;
  digits_ = 0;
  return {};
}

Refusal BodyReader::end_of_trailer() {
  if (line_.empty()) {
    state_ = State::done;
    return {};
  }
  std::string_view name;
  std::string_view value;
  if (const Refusal refusal = split_field(line_, name, value)) return refusal;
  // RFC 9110, 6.5.1: fields that frame or route a message must not come after it.
  if (equals_ignoring_case(name, "content-length") || equals_ignoring_case(name, "transfer-encoding") ||
      equals_ignoring_case(name, "host"))
    return {400, "forbidden trailer field"};
  line_.clear();
  return {};
}

RequestReader::State RequestReader::refuse(const Refusal& refusal) {
  refusal_ = refusal;
  return State::refused;
}

RequestReader::State RequestReader::parse(std::string_view& bytes) {
  if (refusal_) return State::refused;
  if (!bytes.empty()) begun_ = true;
  return in_body_ ? parse_body(bytes) : parse_head(bytes);
}

RequestReader::State RequestReader::parse_head(std::string_view& bytes) {
  // Most requests come whole: they are read where they lie, and only an unfinished one is copied.
  const std::size_t before = header_.size();
  std::string_view block = bytes;
  if (before != 0) {
    constexpr std::size_t kMost = kMaxTarget + kMaxFields + 1024;
    header_.append(bytes.substr(0, kMost));
    block = header_;
  }
  if (const Refusal refusal = scan(block)) return refuse(refusal);
  if (!head_.done) {
    if (before == 0) header_.assign(bytes);
    bytes = {};
    return State::more;
  }
  bytes.remove_prefix(head_.position - before);
  if (request_.upgrade) {
    header_ = std::string(block.substr(head_.begin, head_.position - head_.begin));
  } else if (before != 0) {
    header_ = std::string();  // an idle connection keeps no buffer
  }
  return begin_body(bytes);
}

RequestReader::State RequestReader::begin_body(std::string_view& bytes) {
  rule_ = BodyRule();
  if ((head_.has_coding || head_.length > 0) && routes_ != nullptr) rule_ = routes_->body_rule(request_);
  if (head_.length > rule_.limit) return refuse({413, rule_.too_big});
  body_ = head_.has_coding ? BodyReader(rule_) : BodyReader(head_.length);
  in_body_ = true;
  const State state = parse_body(bytes);
  const bool waits = head_.expects_continue && !request_.http_1_0;
  return state == State::more && bytes.empty() && waits ? State::proceed : state;
}

RequestReader::State RequestReader::parse_body(std::string_view& bytes) {
  if (const Refusal refusal = body_.read(bytes)) return refuse(refusal);
  return body_.whole() ? State::whole : State::more;
}

void RequestReader::next() {
  head_ = Head();
  header_.clear();
  begun_ = false;
  in_body_ = false;
}

/// `block`: all bytes since the request began, those of earlier calls first and unchanged.
Refusal RequestReader::scan(std::string_view block) {
  while (!head_.done) {
    const std::string_view rest = block.substr(head_.position);
    const std::size_t newline = rest.find('\n');
    const std::size_t reach = newline == std::string_view::npos ? rest.size() : newline;
    if (!head_.line_done && reach > kMaxRequestLine) return {414, "request target above 8 KB"};
    if (head_.line_done && head_.position - head_.fields_begin + reach > kMaxFields + 1)
      return {431, "header fields above 8 KB"};
    if (newline == std::string_view::npos) return {};
    if (newline == 0 || rest[newline - 1] != '\r') return {400, "line not ended by CR LF"};
    const std::string_view line = rest.substr(0, newline - 1);
    head_.position += newline + 1;
    Refusal refusal;
    if (head_.line_done) {
      refusal = line.empty() ? end_of_head() : field(line);
    } else if (line.empty() && head_.begin == 0) {
      head_.begin = head_.position;  // RFC 9112, 2.2: one empty line before a request line is ignored
    } else {
      refusal = request_line(line);
      head_.line_done = true;
      head_.fields_begin = head_.position;
    }
    if (refusal) return refusal;
  }
  return {};
}

Refusal RequestReader::request_line(std::string_view line) {
  const std::size_t first = line.find(' ');
  const std::string_view method = line.substr(0, first);
  if (first == std::string_view::npos || first > kMaxMethod || !is_token(method))
    return {400, "bad request line"};
  const std::size_t second = line.find(' ', first + 1);
  if (second == std::string_view::npos) return {400, "bad request line"};
  const std::string_view version = line.substr(second + 1);
  const std::string_view target_text = line.substr(first + 1, second - first - 1);
  if (target_text.size() > kMaxTarget) return {414, "request target above 8 KB"};
  if (version.size() != 8 || !version.starts_with("HTTP/") || !is_digit(version[5]) || version[6] != '.' ||
      !is_digit(version[7]))
    return {400, "bad HTTP version"};
  if (version[5] != '1' || version[7] > '1') return {505, "HTTP version not supported"};
  request_.method.assign(method);
  request_.id = 0;
  request_.http_1_0 = version[7] == '0';
  request_.upgrade = false;
  return target(target_text);
}

Refusal RequestReader::target(std::string_view text) {
  const bool visible =
      !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (!visible || text.find('#') != std::string_view::npos) return {400, "bad request target"};
  if (request_.method == "CONNECT") return {501, "this server is no proxy"};
  constexpr std::string_view kScheme = "http://";
  if (text.front() != '/' && !(text == "*" && request_.method == "OPTIONS")) {
    const bool absolute =
        text.size() > kScheme.size() && equals_ignoring_case(text.substr(0, kScheme.size()), kScheme);
    const std::string_view authority = absolute ? text.substr(kScheme.size()) : std::string_view();
    if (!valid_host(authority.substr(0, authority.find_first_of("/?")))) return {400, "bad request target"};
  }
  assign_origin_form(text, request_.target);
  return {};
}

Refusal RequestReader::field(std::string_view line) {
  if (++head_.fields > kMaxFieldCount) return {431, "more than 100 header fields"};
  std::string_view name;
  std::string_view value;
  if (const Refusal refusal = split_field(line, name, value)) return refusal;
  switch (name.size()) {
    case 4: return equals_ignoring_case(name, "host") ? host(value) : Refusal();
    case 6:
      if (!equals_ignoring_case(name, "expect")) break;
      head_.expects_continue = equals_ignoring_case(value, "100-continue");
      if (!head_.expects_continue) return {417, "unknown expectation"};
      break;
    case 7: request_.upgrade |= equals_ignoring_case(name, "upgrade"); break;
    case 10: return equals_ignoring_case(name, "connection") ? connection(value) : Refusal();
    case 11:
      if (equals_ignoring_case(name, "lab-request")) request_.id = request_number(value);
      break;
    case 14: return equals_ignoring_case(name, "content-length") ? content_length(value) : Refusal();
    case 16: return equals_ignoring_case(name, "proxy-connection") ? connection(value) : Refusal();
    case 17: return equals_ignoring_case(name, "transfer-encoding") ? transfer_encoding(value) : Refusal();
    default: break;
  }
  return {};
}

Refusal RequestReader::host(std::string_view value) {
  if (++head_.hosts > 1) return {400, "more than one Host field"};
  if (!valid_host(value)) return {400, "bad Host field"};
  return {};
}

Refusal RequestReader::connection(std::string_view value) {
  while (!value.empty()) {
    const std::string_view part = value.substr(0, value.find(','));
    value.remove_prefix(std::min(value.size(), part.size() + 1));
    const std::string_view option = trim(part);
    if (!all_in(kTokenChars, option)) return {400, "bad request header"};
    head_.close |= equals_ignoring_case(option, "close");
    head_.keep_alive |= equals_ignoring_case(option, "keep-alive");
  }
  return {};
}

Refusal RequestReader::content_length(std::string_view value) {
  // A list of equal numbers is what a proxy makes of a repeated field; RFC 9112, 6.3 lets a server refuse it.
  if (value.empty() || !std::all_of(value.begin(), value.end(), is_digit)) return {400, "bad Content-Length"};
  std::uint64_t length = 0;
  for (const char c : value)
    length = std::min<std::uint64_t>(length * 10 + static_cast<std::uint64_t>(c - '0'), kLongestLength);
  if (head_.has_length && length != head_.length) return {400, "differing Content-Length fields"};
  if (head_.has_coding) return {400, "Content-Length with Transfer-Encoding"};
  head_.has_length = true;
  head_.length = length;
  return {};
}

Refusal RequestReader::transfer_encoding(std::string_view value) {
  if (head_.has_length) return {400, "Content-Length with Transfer-Encoding"};
  if (head_.has_coding) return {400, "more than one Transfer-Encoding field"};
  if (request_.http_1_0) return {400, "Transfer-Encoding in HTTP/1.0"};
  head_.has_coding = true;
  if (equals_ignoring_case(value, "chunked")) return {};
  const std::size_t comma = value.rfind(',');
  const bool known_last =
      comma != std::string_view::npos && equals_ignoring_case(trim(value.substr(comma + 1)), "chunked");
  const bool twice = known_last && equals_ignoring_case(trim(value.substr(0, comma)), "chunked");
  if (twice || value.empty()) return {400, "bad Transfer-Encoding"};
  return {501, "unknown Transfer-Encoding"};
}

Refusal RequestReader::end_of_head() {
  if (head_.hosts == 0 && !request_.http_1_0) return {400, "no Host field"};
  if (head_.length >= kLongestLength) return {413, "body above 1 TB"};
  request_.keep_alive = request_.http_1_0 ? head_.keep_alive : !head_.close;
  head_.done = true;
  return {};
}

}  // namespace lab
