#include "lab/core/http_message.hpp"

#include <algorithm>
#include <array>

#include "lab/core/text.hpp"
#include "lab/core/websocket.hpp"

namespace lab {

namespace {

constexpr int kMaxFieldCount = 100;
constexpr std::size_t kMaxSizeDigits = 16;
constexpr std::size_t kMaxSizeLine = kMaxSizeDigits + 1024 + 2;  // with an extension
constexpr int kMaxInterim = 16;
// More is not counted: nobody sends or takes as much.
constexpr std::uint64_t kLongestLength = 1'000'000'000'000;

constexpr std::string_view kVersionStart = "HTTP/1.";
constexpr HttpLimits kReplyLimits{.begins_with = kVersionStart,
                                  .first_line = 8192,
                                  .fields = 8192,
                                  .padded_sizes = true,
                                  .long_first_line = {431, "the status line is longer than 8 KB"},
                                  .long_fields = {431, "a header line is longer than 8 KB"},
                                  .many_fields = {400, "it has more than 100 header fields"}};

constexpr Refusal kBadSize{400, "bad chunk size"};
constexpr Refusal kTwoLengths{400, "Content-Length with Transfer-Encoding"};

// What a byte may be part of, looked up: every byte of every head is asked about.
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

/// Takes a token or, where that may be, a quoted string off the front, and the blanks behind it.
bool take_word(std::string_view& text, bool may_be_quoted) {
  std::size_t end = 0;
  if (may_be_quoted && text.starts_with('"')) {
    for (end = 1; end < text.size() && text[end] != '"'; ++end) end += text[end] == '\\' ? 1 : 0;
    if (end >= text.size()) return false;
    ++end;
  } else {
    while (end < text.size() && kBytes[static_cast<unsigned char>(text[end])] == kToken) ++end;
  }
  text = trim(text.substr(end));
  return end > 0;
}

/// What follows a chunk's size (RFC 9112, 7.1.1): `;a;b=c;d="e"`.
bool are_extensions(std::string_view text) {
  while (text.starts_with(';')) {
    text = trim(text.substr(1));
    if (!take_word(text, false)) return false;
    if (!text.starts_with('=')) continue;
    text = trim(text.substr(1));
    if (!take_word(text, true)) return false;
  }
  return text.empty();
}

}  // namespace

bool is_token(std::string_view text) {
  std::uint8_t all = text.empty() ? 0 : kToken;
  for (const char c : text) all &= kBytes[static_cast<unsigned char>(c)];
  return all != 0;
}

void HttpReader::begin() {
  body_bytes_ = 0;
  refusal_ = {};
  partial_.clear();
  begin_head();
}

void HttpReader::begin_head() {
  part_ = Part::first_line;
  room_ = limits_->first_line;
  fields_ = 0;
  length_ = 0;
  http_1_0_ = has_length_ = chunked_ = close_ = keep_alive_ = upgrades_ = false;
}

void HttpReader::expect_body(std::uint64_t bytes) {
  left_ = bytes;
  if (bytes > 0) part_ = Part::body;
}

void HttpReader::expect_chunks(std::uint64_t limit, Refusal too_big) {
  part_ = Part::chunk_size;
  room_ = kMaxSizeLine;
  body_limit_ = limit;
  too_big_ = too_big;
}

void HttpReader::take(std::string_view& bytes) {
  while (!bytes.empty() && !is_whole() && !refusal_) {
    const bool in_body = part_ == Part::body || part_ == Part::chunk || part_ == Part::until_close;
    in_body ? take_body(bytes) : take_line(bytes);
  }
}

void HttpReader::take_body(std::string_view& bytes) {
  if (is_until_close()) left_ = bytes.size();
  const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
  on_body(bytes.substr(0, part));
  bytes.remove_prefix(part);
  body_bytes_ += part;
  left_ -= part;
  if (left_ > 0 || is_until_close()) return;
  part_ = part_ == Part::body ? Part::over : Part::chunk_end;
  room_ = 1;
}

/// A peer that does not speak HTTP may never send a line end; its first bytes show it. `more`: of the line,
/// behind what has come before.
bool HttpReader::is_foreign(std::string_view more) const {
  if (part_ != Part::first_line || partial_.size() >= limits_->begins_with.size()) return false;
  return !more.starts_with(limits_->begins_with.substr(partial_.size(), more.size()));
}

void HttpReader::take_line(std::string_view& bytes) {
  const std::size_t end = bytes.find('\n');
  std::string_view line = bytes.substr(0, end);
  if (is_foreign(line)) {
    refusal_ = on_first_line(partial_.append(line));
  } else if (partial_.size() + line.size() > room_) {
    refusal_ = too_long();
  } else if (end == std::string_view::npos) {
    partial_.append(bytes);
    bytes = {};
  } else {
    bytes.remove_prefix(end + 1);
    if (!partial_.empty()) line = partial_.append(line);
    const bool ended = line.ends_with('\r');
    refusal_ = ended ? on_line(line.substr(0, line.size() - 1)) : Refusal{400, "line not ended by CR LF"};
    partial_.clear();
  }
}

Refusal HttpReader::too_long() const {
  switch (part_) {
    case Part::first_line: return limits_->long_first_line;
    case Part::chunk_size: return kBadSize;
    case Part::chunk_end: return {400, "chunk longer than its size"};
    default: return limits_->long_fields;
  }
}

Refusal HttpReader::on_line(std::string_view line) {
  switch (part_) {
    case Part::first_line:
      part_ = Part::field;
      room_ = limits_->fields;
      return on_first_line(line);
    case Part::chunk_size: return on_chunk_size(line);
    case Part::chunk_end:
      part_ = Part::chunk_size;
      room_ = kMaxSizeLine;
      return {};
    default: break;
  }
  if (!line.empty()) return on_field_line(line);
  const bool in_head = part_ == Part::field;
  part_ = Part::over;
  return in_head ? on_head() : Refusal();
}

/// Token, colon, value without control bytes.
Refusal HttpReader::on_field_line(std::string_view line) {
  if (limits_->together) room_ -= std::min(room_, line.size() + 2);
  if (++fields_ > kMaxFieldCount) return limits_->many_fields;
  if (line.front() == ' ' || line.front() == '\t') return {400, "folded field line"};
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return {400, "field line without a colon"};
  const std::string_view name = line.substr(0, colon);
  if (!is_token(name)) return {400, "bad field name"};
  const std::string_view value = trim(line.substr(colon + 1));
  if (has_control_byte(value)) return {400, "control byte in a field"};
  const bool is_length = name.size() == 14 && equals_ignoring_case(name, "content-length");
  const bool is_coding = name.size() == 17 && equals_ignoring_case(name, "transfer-encoding");
  if (part_ == Part::trailer) {
    // RFC 9110, 6.5.1: fields that frame or route a message must not come after it.
    const bool forbidden = is_length || is_coding || equals_ignoring_case(name, "host");
    return forbidden ? Refusal{400, "forbidden trailer field"} : Refusal();
  }
  const Refusal refusal = is_length ? on_length(value) : is_coding ? on_coding(value) : Refusal();
  return refusal ? refusal : on_field(name, value);
}

Refusal HttpReader::on_length(std::string_view value) {
  // A list of equal numbers is what a proxy makes of a repeated field; RFC 9112, 6.3 lets it be refused.
  if (value.empty() || !std::ranges::all_of(value, is_digit)) return {400, "bad Content-Length"};
  std::uint64_t length = 0;
  for (const char c : value)
    length = std::min<std::uint64_t>(length * 10 + static_cast<std::uint64_t>(c - '0'), kLongestLength);
  if (length == kLongestLength) return {413, "body above 1 TB"};
  if (has_length_ && length != length_) return {400, "differing Content-Length fields"};
  if (chunked_) return kTwoLengths;
  has_length_ = true;
  length_ = length;
  return {};
}

Refusal HttpReader::on_coding(std::string_view value) {
  if (has_length_) return kTwoLengths;
  if (chunked_) return {400, "more than one Transfer-Encoding field"};
  if (http_1_0_) return {400, "Transfer-Encoding in HTTP/1.0"};
  chunked_ = equals_ignoring_case(value, "chunked");
  if (chunked_) return {};
  // Where others would see another end of the body nothing but 400 is safe: `chunked` stands last, once, and
  // between no stray commas (RFC 9112, 6.1 and 6.3).
  const std::vector<std::string> codings = split(value, ',');
  for (const std::string& coding : codings) {
    const bool is_last = &coding == &codings.back();
    if (trim(coding).empty() || (!is_last && equals_ignoring_case(trim(coding), "chunked")))
      return {400, "bad Transfer-Encoding"};
  }
  return {501, "unknown Transfer-Encoding"};
}

bool HttpReader::take_options(std::string_view value) {
  bool tokens = true;
  while (!value.empty()) {
    const std::string_view part = value.substr(0, value.find(','));
    value.remove_prefix(std::min(value.size(), part.size() + 1));
    const std::string_view option = trim(part);
    tokens &= option.empty() || is_token(option);
    close_ |= equals_ignoring_case(option, "close");
    keep_alive_ |= equals_ignoring_case(option, "keep-alive");
    upgrades_ |= equals_ignoring_case(option, "upgrade");
  }
  return tokens;
}

/// Hexadecimal digits, and behind them an extension, which begins with `;`.
Refusal HttpReader::on_chunk_size(std::string_view line) {
  const std::size_t digits = std::min(line.find_first_not_of("0123456789abcdefABCDEF"), line.size());
  std::string_view extension = line.substr(digits);
  if (limits_->padded_sizes) extension = trim(extension);
  const auto size = number_in<std::uint64_t>(line.substr(0, digits), 16);
  if (!size || digits > kMaxSizeDigits || has_control_byte(extension)) return kBadSize;
  if (!extension.empty() && (extension.front() != ';' || extension.size() == 1)) return kBadSize;
  if (!extension.empty() && !limits_->padded_sizes && !are_extensions(extension)) return kBadSize;
  if (*size > body_limit_ - body_bytes_) return too_big_;
  left_ = *size;
  part_ = left_ == 0 ? Part::trailer : Part::chunk;
  room_ = limits_->fields;
  return {};
}

ReplyReader::ReplyReader() : HttpReader(kReplyLimits) {}

void ReplyReader::start(bool to_head) {
  begin();
  accept_.clear();
  to_head_ = to_head;
  status_ = 0;
  interim_ = 0;
  keeps_alive_ = to_websocket_ = accepted_ = false;
}

void ReplyReader::start_upgrade(std::string_view key) {
  start(false);
  accept_ = websocket_accept(key);
}

bool ReplyReader::is_too_long() const {
  return refusal().status == kReplyLimits.long_fields.status;
}

Refusal ReplyReader::on_first_line(std::string_view line) {
  // HTTP/1.x SP 3DIGIT SP [reason]
  if (!line.starts_with(kVersionStart)) return {400, "it does not begin with HTTP/1."};
  if (line.size() < 13 || (line[7] != '0' && line[7] != '1') || line[8] != ' ' || line[12] != ' ')
    return {400, "the status line is malformed"};
  if (line[9] < '1' || line[9] > '5' || !is_digit(line[10]) || !is_digit(line[11]))
    return {400, "the status is not a number from 100 to 599"};
  if (has_control_byte(line.substr(13))) return {400, "the status line has a control byte"};
  http_1_0_ = line[7] == '0';
  status_ = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
  return {};
}

Refusal ReplyReader::on_field(std::string_view name, std::string_view value) {
  if (equals_ignoring_case(name, "connection")) take_options(value);
  if (accept_.empty()) return {};
  to_websocket_ |= equals_ignoring_case(name, "upgrade") && equals_ignoring_case(value, "websocket");
  accepted_ |= equals_ignoring_case(name, "sec-websocket-accept") && value == accept_;
  return {};
}

Refusal ReplyReader::on_head() {
  if (status_ == 101) {
    if (accept_.empty()) return {400, "it switches protocols unasked"};
    return upgrades_ && to_websocket_ && accepted_ ? Refusal() : Refusal{400, "it accepts another upgrade"};
  }
  if (status_ < 200) {
    if (++interim_ > kMaxInterim) return {400, "too many interim replies"};
    begin_head();
    to_websocket_ = accepted_ = false;
    on_interim();
    return {};
  }
  keeps_alive_ = !close_ && (!http_1_0_ || keep_alive_);
  // RFC 9112, 6.3: the rules in their order.
  if (to_head_ || status_ == 204 || status_ == 304 || !accept_.empty()) return {};
  if (chunked_) {
    expect_chunks(kLongestLength, {413, "body above 1 TB"});
  } else if (has_length_) {
    expect_body(length_);
  } else {
    keeps_alive_ = false;
    expect_until_close();
  }
  return {};
}

}  // namespace lab
