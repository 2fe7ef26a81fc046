#include "lab/servers/http/body_reader.hpp"

#include <algorithm>

namespace lab {

namespace {

constexpr std::size_t kMaxSizeLine = 1024;

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && byte != '\t') || byte == 0x7f;
}

}  // namespace

BodyReader BodyReader::with_length(std::uint64_t bytes) {
  BodyReader reader;
  reader.left_ = bytes;
  reader.state_ = bytes == 0 ? State::done : State::data;
  return reader;
}

BodyReader BodyReader::with_chunks(std::uint64_t limit, std::string_view too_big) {
  BodyReader reader;
  reader.chunked_ = true;
  reader.limit_ = limit;
  reader.too_big_ = too_big;
  reader.state_ = State::size;
  return reader;
}

BodyReader::Progress BodyReader::refuse(int status, std::string_view reason) {
  refusal_ = {status, reason};
  return Progress::refused;
}

BodyReader::Progress BodyReader::read(std::string_view& bytes) {
  while (state_ != State::done) {
    if (bytes.empty()) return Progress::more;
    if (state_ == State::data) {
      take_data(bytes);
      continue;
    }
    const char c = bytes.front();
    bytes.remove_prefix(1);
    if (after_cr_) {
      after_cr_ = false;
      if (c != '\n') return refuse(400, "chunk line not ended by CR LF");
      if (!end_of_line()) return Progress::refused;
    } else if (c == '\r') {
      after_cr_ = true;
    } else if (!line_byte(c)) {
      return Progress::refused;
    }
  }
  return Progress::whole;
}

void BodyReader::take_data(std::string_view& bytes) {
  const std::size_t part = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
  bytes.remove_prefix(part);
  left_ -= part;
  if (left_ == 0) state_ = chunked_ ? State::data_end : State::done;
}

bool BodyReader::line_byte(char c) {
  switch (state_) {
    case State::size:
      if (const int value = hex_value(c); value >= 0) {
        if (++digits_ > 16) break;
        left_ = left_ * 16 + static_cast<std::uint64_t>(value);
        return true;
      }
      if (c != ';' || digits_ == 0) break;
      state_ = State::extension;
      return true;
    case State::extension:
      if (++line_bytes_ > kMaxSizeLine || is_control(c)) break;
      return true;
    case State::trailer:
      if (++line_bytes_ > kMaxFields) {
        refuse(431, "trailer fields above 8 KB");
        return false;
      }
      line_ += c;
      return true;
    default: break;
  }
  refuse(400, state_ == State::data_end ? "chunk longer than its size" : "bad chunk size");
  return false;
}

bool BodyReader::end_of_line() {
  switch (state_) {
    case State::size:
    case State::extension:
      if (digits_ == 0 || (state_ == State::extension && line_bytes_ == 0)) {
        refuse(400, "bad chunk size");
        return false;
      }
      total_ += std::min(left_, limit_ + 1);
      if (total_ > limit_) {
        refuse(413, too_big_);
        return false;
      }
      state_ = left_ == 0 ? State::trailer : State::data;
      line_bytes_ = 0;
      digits_ = 0;
      return true;
    case State::data_end: state_ = State::size; return true;
    case State::trailer: {
      if (line_.empty()) {
        state_ = State::done;
        return true;
      }
      std::string_view name;
      std::string_view value;
      const char* reason = split_field(line_, name, value);
      // RFC 9110, 6.5.1: fields that frame or route a message must not come after it.
      if (reason == nullptr && (same_word(name, "content-length") || same_word(name, "transfer-encoding") ||
                                same_word(name, "host")))
        reason = "forbidden trailer field";
      if (reason != nullptr) refuse(400, reason);
      line_.clear();
      return reason == nullptr;
    }
    default: return true;
  }
}

}  // namespace lab
