#include "lab/servers/http/reply.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <ctime>

#include "lab/servers/http/front_page.hpp"

namespace lab {

namespace {

constexpr int kUpgradeRequired = 426;

std::string_view status_line(int status) {
  switch (status) {
    case 200: return "HTTP/1.1 200 OK";
    case 400: return "HTTP/1.1 400 Bad Request";
    case 404: return "HTTP/1.1 404 Not Found";
    case 405: return "HTTP/1.1 405 Method Not Allowed";
    case 408: return "HTTP/1.1 408 Request Timeout";
    case 413: return "HTTP/1.1 413 Content Too Large";
    case 414: return "HTTP/1.1 414 URI Too Long";
    case 417: return "HTTP/1.1 417 Expectation Failed";
    case 426: return "HTTP/1.1 426 Upgrade Required";
    case 431: return "HTTP/1.1 431 Request Header Fields Too Large";
    case 501: return "HTTP/1.1 501 Not Implemented";
    case 502: return "HTTP/1.1 502 Bad Gateway";
    case 503: return "HTTP/1.1 503 Service Unavailable";
    case 505: return "HTTP/1.1 505 HTTP Version Not Supported";
    default: return "HTTP/1.1 500 Internal Server Error";
  }
}

/// The last so many decimal digits. Half a page of code: fmt's is tens, which a server that has slept has to
/// fetch anew.
void append_digits(std::string& out, std::uint64_t number, std::size_t digits) {
  out.append(digits, '0');
  for (auto at = out.rbegin(); digits > 0; --digits, ++at, number /= 10)
    *at = static_cast<char>('0' + number % 10);
}

/// A second of CLOCK_REALTIME as text, which is made anew when it has passed. One for each thread.
struct SecondText {
  std::time_t formatted = -1;
  std::array<char, 40> text{};

  const char* of(std::time_t second, const char* format,
                 std::tm* (*fields_of)(const std::time_t*, std::tm*)) {
    if (second != formatted) {
      std::tm fields{};
      fields_of(&second, &fields);
      std::strftime(text.data(), text.size(), format, &fields);
      formatted = second;
    }
    return text.data();
  }
};

/// RFC 9110, 5.6.7.
std::string_view http_date() {
  thread_local SecondText date;
  timespec now{};
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return {date.of(now.tv_sec, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r), 29};
}

}  // namespace

void append_reply(std::string& out, const ReplyHead& head, std::string_view body) {
  out.append(status_line(head.status));
  out.append("\r\nDate: ").append(http_date());
  if (head.page) {
    for (const auto& [name, value] : front_page_fields())
      out.append("\r\n").append(name).append(": ").append(value);
  } else {
    out.append("\r\nContent-Type: application/json");
  }
  out.append("\r\nContent-Length: ");
  const fmt::format_int length(body.size());
  out.append(length.data(), length.size());
  if (!head.allow.empty()) out.append("\r\nAllow: ").append(head.allow);
  if (head.service != 0) {
    const auto microseconds = static_cast<std::uint64_t>((head.service + kMicrosecond / 2) / kMicrosecond);
    out.append("\r\nServer-Timing: handler;dur=").append(fmt::format_int(microseconds / 1000).c_str());
    append_digits(out.append("."), microseconds, 3);
  }
  if (head.status == kUpgradeRequired) {
    out.append("\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nConnection: Upgrade, close");
  } else if (!head.keep_alive) {
    out.append("\r\nConnection: close");
  } else if (head.http_1_0) {
    out.append("\r\nConnection: keep-alive");
  }
  out.append("\r\n\r\n");
  if (!head.head_only) out.append(body);
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string detail_body(std::string_view reason) {
  return fmt::format("{{\"detail\":{}}}", json_string(reason));
}

Nanos wall_clock_now() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

void append_local_time(std::string& out, Nanos at) {
  // A reply has two of them, and what changes within a second is the end alone.
  thread_local SecondText text;
  out.append(text.of(at / kSecond, "%Y-%m-%d %H:%M:%S.", localtime_r));
  append_digits(out, static_cast<std::uint64_t>(at % kSecond / kMicrosecond), 6);
}

std::string reply_body(const std::vector<ReplyField>& fields, const ReplyValues& values) {
  // Without fmt: see append_digits.
  std::string body;
  for (const ReplyField field : fields) {
    body.append(body.empty() ? "{\"" : ",\"").append(to_string(field)).append("\":");
    switch (field) {
      case ReplyField::message: body += json_string(values.message); break;
      case ReplyField::start_time: append_local_time(body += '"', values.start_time); break;
      case ReplyField::end_time: append_local_time(body += '"', values.end_time); break;
      case ReplyField::worker_id: body += fmt::format_int(getpid()).c_str(); break;
      case ReplyField::prediction: body += kPrediction; break;
    }
    if (field == ReplyField::start_time || field == ReplyField::end_time) body += '"';
  }
  if (values.count >= 0) body.append(",\"count\":").append(fmt::format_int(values.count).c_str());
  return body += '}';
}

}  // namespace lab
