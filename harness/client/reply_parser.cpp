#include "harness/client/reply_parser.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "lab/core/text.hpp"

namespace lab {

namespace {

constexpr std::size_t kMaxLine = 8192;
constexpr std::size_t kMaxKept = 65'536;
constexpr int kMaxFields = 100;
constexpr int kMaxInterim = 16;
constexpr std::string_view kVersionStart = "HTTP/1.";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// What a byte may be part of, looked up: every byte of every reply's head is asked about.
constexpr std::uint8_t kToken = 1;
constexpr std::uint8_t kControl = 2;
constexpr std::array<std::uint8_t, 256> kBytes = [] {
  std::array<std::uint8_t, 256> bytes{};
  for (std::size_t byte = 0; byte < 0x20; ++byte) bytes[byte] = byte == '\t' ? 0 : kControl;
  bytes[0x7f] = kControl;
  for (std::size_t letter = 'a'; letter <= 'z'; ++letter) bytes[letter] = bytes[letter - 'a' + 'A'] = kToken;
  for (std::size_t digit = '0'; digit <= '9'; ++digit) bytes[digit] = kToken;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) bytes[static_cast<unsigned char>(c)] = kToken;
  return bytes;
}();

bool has_control_byte(std::string_view text) {
  std::uint8_t seen = 0;
  for (const char c : text) seen |= kBytes[static_cast<unsigned char>(c)];
  return (seen & kControl) != 0;
}

}  // namespace

bool is_token(std::string_view text) {
  std::uint8_t all = text.empty() ? 0 : kToken;
  for (const char c : text) all &= kBytes[static_cast<unsigned char>(c)];
  return all != 0;
}

void ReplyParser::start(bool to_head, bool keep_body, bool keep_stamps) {
  keep_body_ = keep_body;
  if (!keep_stamps) {
    stamps_.reset();
  } else if (stamps_ == nullptr) {
    stamps_ = std::make_unique<StampFields>();
  }
  body_.clear();
  to_head_ = to_head;
  state_ = State::reading;
  problem_ = {};
  partial_.clear();
  body_bytes_ = 0;
  interim_ = 0;
  keep_alive_ = too_long_ = false;
  forget_head();
}

void ReplyParser::forget_head() {
  part_ = Part::status_line;
  status_ = 0;
  fields_ = 0;
  remaining_ = 0;
  content_length_ = 0;
  if (stamps_ != nullptr) stamps_->clear();
  http_10_ = has_length_ = chunked_ = saw_close_ = saw_keep_alive_ = false;
}

void ReplyParser::bad(std::string_view problem) {
  state_ = State::bad;
  problem_ = problem;
}

std::size_t ReplyParser::feed(std::string_view bytes) {
  std::size_t used = 0;
  while (used < bytes.size() && state_ == State::reading) {
    const bool in_body = part_ == Part::body || part_ == Part::chunk || part_ == Part::until_close;
    used += in_body ? take_body(bytes.substr(used)) : take_line(bytes.substr(used));
  }
  return used;
}

ReplyParser::State ReplyParser::end() {
  if (state_ == State::reading && part_ == Part::until_close) state_ = State::done;
  return state_;
}

std::size_t ReplyParser::take_body(std::string_view bytes) {
  const std::size_t available = bytes.size();
  if (keep_body_ && body_.size() < kMaxKept) {
    const std::uint64_t mine = part_ == Part::until_close ? available : remaining_;
    body_ += bytes.substr(0, std::min<std::uint64_t>(mine, kMaxKept - body_.size()));
  }
  if (part_ == Part::until_close) {
    body_bytes_ += available;
    return available;
  }
  const std::size_t taken = std::min<std::uint64_t>(available, remaining_);
  remaining_ -= taken;
  body_bytes_ += taken;
  if (remaining_ == 0) {
    if (part_ == Part::body) {
      state_ = State::done;
    } else {
      part_ = Part::chunk_end;
    }
  }
  return taken;
}

std::size_t ReplyParser::take_line(std::string_view bytes) {
  const std::size_t end = bytes.find('\n');
  const std::size_t length = std::min(end, bytes.size());
  if (partial_.size() + length > kMaxLine) {
    too_long_ = part_ == Part::field || part_ == Part::status_line;
    bad(part_ == Part::field         ? "a header line is longer than 8 KB"
        : part_ == Part::status_line ? "the status line is longer than 8 KB"
        : part_ == Part::trailer     ? "a trailer is longer than 8 KB"
                                     : "the line before a chunk is longer than 8 KB");
    return length;
  }
  if (end == std::string_view::npos) {
    partial_.append(bytes);
    // A peer that does not speak HTTP may never send a line end; its first bytes show it.
    const std::size_t known = std::min(partial_.size(), kVersionStart.size());
    if (part_ == Part::status_line && partial_.compare(0, known, kVersionStart, 0, known) != 0) {
      bad("it does not begin with HTTP/1.");
    }
    return bytes.size();
  }
  std::string_view line = bytes.substr(0, end);
  if (!partial_.empty()) {
    partial_.append(line);
    line = partial_;
  }
  if (line.empty() || line.back() != '\r') {
    bad("a line does not end with CR LF");
  } else {
    on_line(line.substr(0, line.size() - 1));
  }
  partial_.clear();
  return end + 1;
}

void ReplyParser::on_line(std::string_view line) {
  switch (part_) {
    case Part::status_line: return on_status_line(line);
    case Part::field: return line.empty() ? on_headers_end() : on_field(line);
    case Part::chunk_size: return on_chunk_size(line);
    case Part::chunk_end:
      if (!line.empty()) return bad("a chunk is longer than it said");
      part_ = Part::chunk_size;
      return;
    case Part::trailer:
      if (!line.empty()) return on_field(line);
      state_ = State::done;
      return;
    case Part::body:
    case Part::chunk:
    case Part::until_close: return;
  }
}

void ReplyParser::on_status_line(std::string_view line) {
  // HTTP/1.x SP 3DIGIT SP [reason]
  if (!line.starts_with(kVersionStart)) return bad("it does not begin with HTTP/1.");
  if (line.size() < 13 || (line[7] != '0' && line[7] != '1') || line[8] != ' ' || line[12] != ' ') {
    return bad("the status line is malformed");
  }
  if (line[9] < '1' || line[9] > '5' || !is_digit(line[10]) || !is_digit(line[11])) {
    return bad("the status is not a number from 100 to 599");
  }
  if (has_control_byte(line.substr(13))) return bad("the status line has a control byte");
  http_10_ = line[7] == '0';
  status_ = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
  part_ = Part::field;
}

void ReplyParser::on_field(std::string_view line) {
  if (++fields_ > kMaxFields) return bad("it has more than 100 header fields");
  const std::size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  if (colon == std::string_view::npos || !is_token(name)) return bad("a header field is malformed");
  const std::string_view value = trim(line.substr(colon + 1));
  if (has_control_byte(value)) return bad("a header field has a control byte");
  if (part_ == Part::trailer) return;
  if (equals_ignoring_case(name, "content-length")) return on_content_length(value);
  if (equals_ignoring_case(name, "connection")) return on_connection(value);
  if (equals_ignoring_case(name, "transfer-encoding")) {
    if (chunked_ || !equals_ignoring_case(value, "chunked"))
      return bad("the transfer encoding is not chunked");
    chunked_ = true;
    return;
  }
  if (stamps_ != nullptr) stamps_->take(name, value);
}

void ReplyParser::on_content_length(std::string_view value) {
  const auto length = number_in<std::uint64_t>(value);
  if (!length) return bad("Content-Length is not a number");
  if (has_length_ && *length != content_length_) return bad("two Content-Lengths differ");
  has_length_ = true;
  content_length_ = *length;
}

void ReplyParser::on_connection(std::string_view value) {
  while (!value.empty()) {
    const std::size_t comma = std::min(value.find(','), value.size());
    const std::string_view option = trim(value.substr(0, comma));
    saw_close_ = saw_close_ || equals_ignoring_case(option, "close");
    saw_keep_alive_ = saw_keep_alive_ || equals_ignoring_case(option, "keep-alive");
    value.remove_prefix(std::min(comma + 1, value.size()));
  }
}

void ReplyParser::on_headers_end() {
  if (chunked_ && http_10_) return bad("chunked in an HTTP/1.0 reply");
  if (chunked_ && has_length_) return bad("Content-Length beside Transfer-Encoding");
  if (status_ == 101) return bad("it switches protocols unasked");
  if (status_ < 200) {
    if (++interim_ > kMaxInterim) return bad("too many interim replies");
    return forget_head();
  }
  keep_alive_ = !saw_close_ && (!http_10_ || saw_keep_alive_);
  // RFC 9112, 6.3: the rules in their order.
  if (to_head_ || status_ == 204 || status_ == 304) {
    state_ = State::done;
  } else if (chunked_) {
    part_ = Part::chunk_size;
  } else if (has_length_) {
    remaining_ = content_length_;
    part_ = Part::body;
    if (remaining_ == 0) state_ = State::done;
  } else {
    keep_alive_ = false;
    part_ = Part::until_close;
  }
}

void ReplyParser::on_chunk_size(std::string_view line) {
  std::uint64_t size = 0;
  const char* const end = line.data() + line.size();
  const auto [stop, error] = std::from_chars(line.data(), end, size, 16);
  if (error != std::errc()) return bad("a chunk size is not a number");
  const std::string_view extension = trim({stop, static_cast<std::size_t>(end - stop)});
  if (!extension.empty() && extension.front() != ';') return bad("a chunk size is malformed");
  if (has_control_byte(extension)) return bad("a chunk extension has a control byte");
  remaining_ = size;
  part_ = size == 0 ? Part::trailer : Part::chunk;
}

}  // namespace lab
