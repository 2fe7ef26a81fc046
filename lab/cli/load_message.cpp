// What a request of `lab load` says: method, target, header fields, body.

#include "lab/cli/load_message.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "harness/client/request_text.hpp"
#include "lab/cli/load_options.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

constexpr std::int64_t kMostWeight = 1'000'000;

bool has_header(const LoadRequestOptions& options, const std::string& name) {
  return std::any_of(options.headers.begin(), options.headers.end(),
                     [&](const auto& header) { return equals_ignoring_case(header.first, name); });
}

Result<std::pair<std::string, std::string>> parse_header(const std::string& text) {
  const std::size_t colon = text.find(':');
  const std::string name = text.substr(0, colon);
  if (colon == std::string::npos || !is_token(name))
    return usage_error("--header: '{}' is no header field; write it as 'Accept: text/plain'", text);
  for (const char* own : {"content-length", "transfer-encoding", "connection"}) {
    if (equals_ignoring_case(name, own))
      return usage_error("--header: {} is written by lab load itself (see --body and --connections)", name);
  }
  std::string value = text.substr(colon + 1);
  value.erase(0, value.find_first_not_of(" \t"));
  const bool control = std::any_of(value.begin(), value.end(),
                                   [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7F; });
  if (control) return usage_error("--header: the value of {} has a control character", name);
  return std::pair{name, value};
}

Result<std::string> read_body(const std::string& text) {
  if (!text.starts_with('@')) return text;
  const std::string path = text.substr(1);
  if (const auto readable = check_readable("--body", path); !readable) return readable.error();
  std::ifstream file(path, std::ios::binary);
  return std::string{std::istreambuf_iterator<char>(file), {}};
}

/// What a browser's or a script's body most likely is.
const char* content_type(const std::string& body) {
  const std::size_t first = body.find_first_not_of(" \t\r\n");
  const bool json = first != std::string::npos && (body[first] == '{' || body[first] == '[');
  return json ? "application/json" : "text/plain; charset=utf-8";
}

}  // namespace

Result<void> check_readable(const char* option, const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error))
    return usage_error("{}: '{}' is a folder; name a file", option, path);
  if (access(path.c_str(), R_OK) == 0) return {};
  return usage_error("{}: '{}' cannot be read ({})", option, path, std::strerror(errno));
}

Result<std::pair<Url, std::int64_t>> parse_weighted_url(const std::string& text) {
  const std::size_t digits = text.find_first_not_of("0123456789");
  std::int64_t weight = 1;
  std::string address = text;
  if (digits != std::string::npos && digits > 0 && text[digits] == '@') {
    const auto parsed = parse_count("the weight in " + text, text.substr(0, digits), 1, kMostWeight);
    if (!parsed) return parsed.error();
    weight = *parsed;
    address = text.substr(digits + 1);
  }
  auto url = parse_url(address);
  if (!url) return url.error();
  return std::pair{*url, weight};
}

Result<std::bitset<600>> parse_statuses(const std::vector<std::string>& texts) {
  std::bitset<600> expected;
  for (const std::string& text : texts.empty() ? std::vector<std::string>{"2xx", "3xx"} : texts) {
    if (text.size() == 3 && text[0] >= '2' && text[0] <= '5' && text.ends_with("xx")) {
      const auto first = static_cast<std::size_t>(text[0] - '0') * 100;
      for (std::size_t status = first; status < first + 100; ++status) expected.set(status);
      continue;
    }
    const auto status = parse_count("--expect-status", text, 200, 599);
    if (!status) return usage_error("{}; or a class, as 2xx", status.error().message);
    expected.set(static_cast<std::size_t>(*status));
  }
  return expected;
}

Result<void> read_message(const RawLoadOptions& raw, LoadRequestOptions& options) {
  if (!raw.body.empty()) {
    auto body = read_body(raw.body);
    if (!body) return body.error();
    options.body = *body;
  }
  options.method = !raw.method.empty() ? raw.method : raw.body.empty() ? "GET" : "POST";
  if (!is_token(options.method) || options.method == "CONNECT")
    return usage_error("--method: '{}' cannot be asked for; give GET, POST, …", options.method);
  if (const std::string upper =
          [&] {
            std::string text = options.method;
            std::transform(text.begin(), text.end(), text.begin(),
                           [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
            return text;
          }();
      upper != options.method)
    return usage_error("--method: methods are case-sensitive; did you mean {}?", upper);
  for (const std::string& text : raw.headers) {
    auto header = parse_header(text);
    if (!header) return header.error();
    options.headers.push_back(*header);
  }
  return {};
}

std::string request_bytes(const LoadRequestOptions& options, const Url& url) {
  std::string bytes = fmt::format("{} {} HTTP/1.1\r\n", options.method, url.target);
  if (!has_header(options, "host")) bytes += fmt::format("Host: {}\r\n", url.authority());
  for (const auto& [name, value] : options.headers) bytes += fmt::format("{}: {}\r\n", name, value);
  if (options.plan.engine.fresh) bytes += "Connection: close\r\n";
  if (!options.body.empty() && !has_header(options, "content-type"))
    bytes += fmt::format("Content-Type: {}\r\n", content_type(options.body));
  if (says_length(options.method, std::ssize(options.body)))
    bytes += fmt::format("Content-Length: {}\r\n", options.body.size());
  return bytes + "\r\n" + options.body;
}

}  // namespace lab
