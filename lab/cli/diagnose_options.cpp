#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "harness/client/request_text.hpp"
#include "lab/core/duration.hpp"
#include "lab/core/text.hpp"
#include "lab/report/diagnose.hpp"

namespace lab {

namespace {

constexpr std::size_t kLargestBody = 16 << 20;
constexpr std::int64_t kMostAtOnce = 1024;
constexpr Nanos kLongestWatch = 3600 * kSecond;

Result<std::string> header_line(const std::string& text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos || !is_token(text.substr(0, colon)))
    return usage_error("--header '{}' is not NAME: VALUE, as 'Accept: text/html'", text);
  if (std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 && c != '\t'; }))
    return usage_error("--header '{}' has a line break or another control character", text);
  for (const char* ours : {"content-length", "connection", "transfer-encoding"}) {
    if (equals_ignoring_case(text.substr(0, colon), ours))
      return usage_error("--header: {} is set by lab itself; leave it out", ours);
  }
  return text + "\r\n";
}

Result<std::string> body_of(const std::string& given) {
  if (!given.starts_with("@")) return given;
  const std::string path = given.substr(1);
  std::ifstream file(path, std::ios::binary);
  std::string body{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file || path.empty()) return usage_error("--body: cannot read the file '{}'", path);
  if (body.size() > kLargestBody)
    return usage_error("--body: '{}' has {} bytes; at most 16 MB", path, body.size());
  return body;
}

std::string request_text(const std::string& method, const Url& url, const std::string& headers,
                         const std::string& body, bool has_host) {
  std::string text = fmt::format("{} {} HTTP/1.1\r\n", method, url.target);
  if (!has_host) text += fmt::format("Host: {}\r\n", url.authority());
  text += headers;
  if (says_length(method, std::ssize(body))) text += fmt::format("Content-Length: {}\r\n", body.size());
  return text + "\r\n" + body;
}

/// `--ping` may be a path of the same server.
Result<Url> ping_url(const std::string& text, const Url& url) {
  auto ping = parse_url(text.starts_with("/") ? url.origin() + text : text);
  if (!ping) return Error{ping.error().kind, "--ping: " + ping.error().message};
  if (ping->host != url.host || ping->port != url.port || ping->tls != url.tls)
    return usage_error("--ping '{}' is another server; name a cheap route of {}, as /health", text,
                       url.origin());
  return ping;
}

Result<Nanos> span_of(const char* option, const std::string& text) {
  auto span = parse_duration(text);
  if (!span) return Error{span.error().kind, fmt::format("{}: {}", option, span.error().message)};
  if (*span == 0) return usage_error("{}: 0 is no time; give for example 30s", option);
  return span;
}

}  // namespace

Result<DiagnoseOptions> check_diagnose_options(const RawDiagnoseOptions& raw) {
  DiagnoseOptions options;
  auto url = parse_url(raw.url);
  if (!url) return url.error();
  if (url->tls) return usage_error("{}: lab diagnose speaks http only; take the server behind TLS", raw.url);
  options.url = *url;
  if (!raw.ping.empty()) {
    auto ping = ping_url(raw.ping, options.url);
    if (!ping) return ping.error();
    options.ping = *ping;
  }
  if (!is_token(raw.method))
    return usage_error("--method '{}' is no HTTP method; as GET or POST", raw.method);
  if (raw.method == "CONNECT") return usage_error("--method: CONNECT opens tunnels; take GET or POST");
  std::string headers;
  bool has_host = false;
  for (const std::string& text : raw.headers) {
    auto line = header_line(text);
    if (!line) return line.error();
    headers += *line;
    has_host = has_host || (text.size() > 4 && text[4] == ':' && strncasecmp(text.c_str(), "host", 4) == 0);
  }
  auto body = body_of(raw.body);
  if (!body) return body.error();
  options.request = request_text(raw.method, options.url, headers, *body, has_host);
  if (options.ping) options.ping_request = request_text("GET", *options.ping, headers, "", has_host);
  options.to_head = raw.method == "HEAD";

  auto timeout = span_of("--timeout", raw.timeout);
  if (!timeout) return timeout.error();
  auto budget = span_of("--budget", raw.budget);
  if (!budget) return budget.error();
  auto seed = parse_count("--seed", raw.seed, 0, INT64_MAX);
  if (!seed) return seed.error();
  ExaminationOptions& examination = options.examination;
  examination.timeout = *timeout;
  examination.budget = *budget;
  examination.seed = static_cast<std::uint64_t>(*seed);
  examination.ping = options.ping.has_value();
  if (!raw.most.empty()) {
    auto most = parse_count("--max-concurrency", raw.most, 4, kMostAtOnce);
    if (!most) return most.error();
    examination.most_at_once = static_cast<int>(*most);
    examination.look_beyond = false;
  }
  if (!raw.watch.empty()) {
    auto watch = span_of("--watch", raw.watch);
    if (!watch) return watch.error();
    if (*watch < kSecond || *watch > kLongestWatch)
      return usage_error("--watch '{}': give 1s to 1h", raw.watch);
    examination.watch = *watch;
  }
  options.check = raw.check;
  options.own_server = raw.own_server;
  if (raw.check && !options.ping)
    return usage_error(
        "--check needs --ping URL: only a cheap route beside the slow one shows a blocked loop");
  auto output = check_output_options(raw.output);
  if (!output) return output.error();
  options.output = *output;
  return options;
}

}  // namespace lab
