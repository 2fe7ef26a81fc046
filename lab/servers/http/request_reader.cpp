#include "lab/servers/http/request_reader.hpp"

#include <algorithm>
#include <utility>

#include "lab/core/text.hpp"
#include "lab/servers/http/route_table.hpp"

namespace lab {

namespace {

// Longest method and ` HTTP/1.1` around the longest target.
constexpr std::size_t kMaxMethod = 32;
constexpr HttpLimits kLimits{.first_line = kMaxMethod + 1 + kMaxTarget + 10,
                             .fields = kMaxFields + 1,
                             .together = true,
                             .long_first_line = {414, "request target above 8 KB"},
                             .long_fields = {431, "header fields above 8 KB"},
                             .many_fields = {431, "more than 100 header fields"}};

constexpr std::size_t kLongestKey = 24;  // of a WebSocket

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
    // RFC 3986 reg-name: unreserved, sub-delims, percent-encoded.
    if (name.empty() || !has_only_letters(name, "-._~%!$&'()*+,;=")) return false;
  }
  return port.size() <= 5 && std::ranges::all_of(port, is_digit);
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

RequestReader::RequestReader(const RouteTable* routes) : HttpReader(kLimits), routes_(routes) {}

RequestReader::State RequestReader::parse(std::string_view& bytes) {
  const bool was_in_body = in_body_;
  if (!bytes.empty()) begun_ = true;
  take(bytes);
  if (refusal()) return State::refused;
  if (is_whole()) return State::whole;
  const bool waits = in_body_ && !was_in_body && expects_continue_ && !request_.http_1_0;
  return waits ? State::proceed : State::more;
}

void RequestReader::next() {
  begin();
  partial_.shrink_to_fit();  // an idle connection keeps no buffer
  begun_ = in_body_ = skipped_ = has_host_ = has_type_ = expects_continue_ = to_websocket_ = knows_version_ =
      false;
}

Refusal RequestReader::on_first_line(std::string_view line) {
  // RFC 9112, 2.2: one empty line before a request line is ignored.
  if (line.empty() && !std::exchange(skipped_, true)) {
    begin_head();
    return {};
  }
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
  request_.http_1_0 = http_1_0_ = version[7] == '0';
  request_.websocket_key.clear();
  preference_ = {};
  return on_target(target_text);
}

Refusal RequestReader::on_target(std::string_view text) {
  const bool visible =
      !text.empty() && std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
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

Refusal RequestReader::on_field(std::string_view name, std::string_view value) {
  switch (name.size()) {
    case 4:
      if (!equals_ignoring_case(name, "host")) break;
      if (std::exchange(has_host_, true)) return {400, "more than one Host field"};
      if (!valid_host(value)) return {400, "bad Host field"};
      break;
    case 6:
      if (equals_ignoring_case(name, "accept")) preference_.take(value);
      if (!equals_ignoring_case(name, "expect")) break;
      expects_continue_ = equals_ignoring_case(value, "100-continue");
      if (!expects_continue_) return {417, "unknown expectation"};
      break;
    case 7:
      to_websocket_ |= equals_ignoring_case(name, "upgrade") && equals_ignoring_case(value, "websocket");
      break;
    case 10:
    case 16:
      if (!equals_ignoring_case(name, "connection") && !equals_ignoring_case(name, "proxy-connection")) break;
      if (!take_options(value)) return {400, "bad request header"};
      break;
    case 11:
      if (equals_ignoring_case(name, "lab-request")) request_.id = request_number(value);
      break;
    case 12:
      if (equals_ignoring_case(name, "content-type") && std::exchange(has_type_, true))
        return {400, "more than one Content-Type field"};
      break;
    case 17:
      if (equals_ignoring_case(name, "sec-websocket-key")) request_.websocket_key = value;
      break;
    case 21: knows_version_ |= equals_ignoring_case(name, "sec-websocket-version") && value == "13"; break;
    default: break;
  }
  return {};
}

Refusal RequestReader::on_head() {
  if (!has_host_ && !request_.http_1_0) return {400, "no Host field"};
  request_.keep_alive = request_.http_1_0 ? keep_alive_ : !close_;
  const bool upgrades = upgrades_ && to_websocket_ && knows_version_ && !request_.http_1_0;
  if (!upgrades || request_.websocket_key.size() > kLongestKey) request_.websocket_key.clear();
  request_.wants_page = preference_.page();
  in_body_ = true;
  rule_ = BodyRule();
  if ((chunked_ || length_ > 0) && routes_ != nullptr) rule_ = routes_->body_rule(request_);
  const Refusal too_big{413, rule_.too_big};
  if (length_ > rule_.limit) return too_big;
  chunked_ ? expect_chunks(rule_.limit, too_big) : expect_body(length_);
  return {};
}

}  // namespace lab
