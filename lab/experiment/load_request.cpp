// What a request of `lab load` or `lab diagnose` says: method, target, header fields, body.

#include "lab/experiment/load_request.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "harness/client/reply_parser.hpp"
#include "harness/client/request_text.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

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

Result<void> RequestMessage::set_method(const std::string& text) {
  if (!is_token(text) || text == "CONNECT")
    return usage_error("--method: '{}' cannot be asked for; give GET, POST, …", text);
  std::string upper = text;
  std::transform(text.begin(), text.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  if (upper != text) return usage_error("--method: methods are case-sensitive; did you mean {}?", upper);
  method = text;
  return {};
}

Result<void> RequestMessage::add_header(const std::string& text) {
  const std::size_t colon = text.find(':');
  const std::string name = text.substr(0, colon);
  if (colon == std::string::npos || !is_token(name))
    return usage_error("--header: '{}' is no header field; write it as 'Accept: text/plain'", text);
  for (const char* own : {"content-length", "transfer-encoding", "connection"}) {
    if (equals_ignoring_case(name, own))
      return usage_error("--header: {} is written by lab itself; leave it out", own);
  }
  std::string value = text.substr(colon + 1);
  value.erase(0, value.find_first_not_of(" \t"));
  const bool control = std::any_of(value.begin(), value.end(),
                                   [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7F; });
  if (control) return usage_error("--header: the value of {} has a control character", name);
  headers.emplace_back(name, value);
  return {};
}

Result<void> RequestMessage::read_body(const std::string& text) {
  body = text;
  if (!text.starts_with('@')) return {};
  const std::string path = text.substr(1);
  if (const auto readable = check_readable("--body", path); !readable) return readable.error();
  std::ifstream file(path, std::ios::binary);
  body.assign(std::istreambuf_iterator<char>(file), {});
  return {};
}

bool RequestMessage::has_header(const std::string& name) const {
  return std::any_of(headers.begin(), headers.end(),
                     [&](const auto& header) { return equals_ignoring_case(header.first, name); });
}

std::string RequestMessage::bytes(const Url& url, bool closes) const {
  std::string bytes = fmt::format("{} {} HTTP/1.1\r\n", method, url.target);
  if (!has_header("host")) bytes += fmt::format("Host: {}\r\n", url.authority());
  for (const auto& [name, value] : headers) bytes += fmt::format("{}: {}\r\n", name, value);
  if (closes) bytes += "Connection: close\r\n";
  if (!body.empty() && names_content && !has_header("content-type"))
    bytes += fmt::format("Content-Type: {}\r\n", content_type(body));
  if (says_length(method, std::ssize(body))) bytes += fmt::format("Content-Length: {}\r\n", body.size());
  return bytes + "\r\n" + body;
}

}  // namespace lab
