#include "results/store/record_blocks.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <type_traits>

#include "results/store/checksum.hpp"
#include "results/store/record_lines.hpp"

namespace lab {

namespace {

constexpr std::uint32_t kBlockMagic = 0x4B4C4252;  // "RBLK"
constexpr std::size_t kHeaderSize = 24;
constexpr std::size_t kRequestSize = 96;
constexpr std::size_t kRequestSizeBefore = 84;  // of version 0.1: without parent and value
constexpr std::size_t kEventSize = 28;
constexpr std::uint16_t kRequests = 1;
constexpr std::uint16_t kEvents = 2;

template <class Integer>
void put(std::string& out, Integer value) {
  auto bits = static_cast<std::make_unsigned_t<Integer>>(value);
  for (std::size_t i = 0; i < sizeof(Integer); ++i) {
    out += static_cast<char>(static_cast<unsigned char>(bits & 0xFFU));
    if constexpr (sizeof(Integer) > 1) bits >>= 8U;
  }
}

/// Takes numbers off the front of `bytes`, whose length the caller has checked.
template <class Integer>
void take(std::string_view& bytes, Integer& out) {
  std::make_unsigned_t<Integer> bits = 0;
  for (std::size_t i = sizeof(Integer); i-- > 0;) {
    if constexpr (sizeof(Integer) > 1) bits <<= 8U;
    bits |= static_cast<unsigned char>(bytes[i]);
  }
  bytes.remove_prefix(sizeof(Integer));
  out = static_cast<Integer>(bits);
}

template <class Enum>
bool take_enum(std::string_view& bytes, Enum last, Enum& out) {
  std::uint8_t value = 0;
  take(bytes, value);
  if (value > static_cast<std::uint8_t>(last)) return false;
  out = static_cast<Enum>(value);
  return true;
}

void put(std::string& out, const RequestRecord& record) {
  put(out, record.id);
  put(out, record.load);
  put(out, record.route);
  put(out, record.worker);
  for (const Nanos stamp : {record.intended, record.sent, record.accepted, record.read, record.started,
                            record.finished, record.first_byte, record.received}) {
    put(out, stamp);
  }
  put(out, record.status);
  put(out, static_cast<std::uint8_t>(record.outcome));
  put(out, std::uint8_t{0});
  put(out, record.parent);
  put(out, record.value);
}

void put(std::string& out, const Event& event) {
  put(out, event.at);
  put(out, event.value);
  put(out, event.request);
  put(out, event.worker);
  put(out, event.unit);
  put(out, static_cast<std::uint8_t>(event.kind));
  put(out, static_cast<std::uint8_t>(event.resource));
  put(out, std::uint16_t{0});
}

bool take(std::string_view& bytes, RequestRecord& record, bool follows_up) {
  take(bytes, record.id);
  take(bytes, record.load);
  take(bytes, record.route);
  take(bytes, record.worker);
  for (Nanos* stamp : {&record.intended, &record.sent, &record.accepted, &record.read, &record.started,
                       &record.finished, &record.first_byte, &record.received}) {
    take(bytes, *stamp);
  }
  take(bytes, record.status);
  const bool known = take_enum(bytes, kLastOutcome, record.outcome);
  bytes.remove_prefix(1);
  if (!follows_up) return known;
  take(bytes, record.parent);
  take(bytes, record.value);
  return known;
}

bool take(std::string_view& bytes, Event& event) {
  take(bytes, event.at);
  take(bytes, event.value);
  take(bytes, event.request);
  take(bytes, event.worker);
  take(bytes, event.unit);
  const bool kind = take_enum(bytes, kLastEventKind, event.kind);
  const bool resource = take_enum(bytes, kLastResource, event.resource);
  bytes.remove_prefix(2);
  return kind && resource;
}

template <class Entry>
std::string encode(std::uint16_t kind, std::size_t entry_size, std::uint32_t repetition,
                   std::span<const Entry> entries) {
  std::string body;
  body.reserve(entries.size() * entry_size);
  for (const Entry& entry : entries) put(body, entry);
  std::string block;
  block.reserve(kHeaderSize + body.size());
  put(block, kBlockMagic);
  put(block, kind);
  put(block, static_cast<std::uint16_t>(entry_size));
  put(block, repetition);
  put(block, static_cast<std::uint32_t>(entries.size()));
  put(block, crc32(body));
  put(block, crc32(block));
  return block += body;
}

struct BlockHeader {
  std::uint16_t kind = 0, entry_size = 0;
  std::uint32_t repetition = 0, entries = 0, body_crc = 0;

  std::uint64_t body_size() const { return std::uint64_t{entry_size} * entries; }
};

std::optional<BlockHeader> parse_header(std::string_view bytes) {
  if (bytes.size() < kHeaderSize) return std::nullopt;
  const std::uint32_t expected = crc32(bytes.substr(0, kHeaderSize - 4));
  BlockHeader header;
  std::uint32_t magic = 0;
  std::uint32_t crc = 0;
  take(bytes, magic);
  take(bytes, header.kind);
  take(bytes, header.entry_size);
  take(bytes, header.repetition);
  take(bytes, header.entries);
  take(bytes, header.body_crc);
  take(bytes, crc);
  if (magic != kBlockMagic || crc != expected) return std::nullopt;
  return header;
}

/// Reads a file at any offset (pread(2)).
class InputFile {
 public:
  explicit InputFile(const std::filesystem::path& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    struct stat status {};
    if (fd_ >= 0 && ::fstat(fd_, &status) == 0) {
      size_ = static_cast<std::uint64_t>(status.st_size);
    } else {
      error_ = errno;
    }
  }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile() {
    if (fd_ >= 0) ::close(fd_);
  }

  int error() const { return error_; }
  std::uint64_t size() const { return size_; }

  /// What there is of `length` bytes at `offset`; fewer at the end of the file or where the disk fails.
  std::string_view at(std::uint64_t offset, std::uint64_t length) {
    buffer_.resize(static_cast<std::size_t>(std::min(length, size_ > offset ? size_ - offset : 0)));
    std::size_t filled = 0;
    while (filled < buffer_.size()) {
      const ssize_t got =
          ::pread(fd_, buffer_.data() + filled, buffer_.size() - filled, static_cast<off_t>(offset + filled));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) break;
      filled += static_cast<std::size_t>(got);
    }
    return std::string_view(buffer_).substr(0, filled);
  }

 private:
  int fd_;
  int error_ = 0;
  std::uint64_t size_ = 0;
  std::string buffer_;
};

/// The next offset after `from` where a sound block header stands, or the end of the file.
std::uint64_t next_block(InputFile& file, std::uint64_t from) {
  constexpr std::uint64_t kWindow = std::uint64_t{1} << 16;
  for (std::uint64_t at = from + 1; at + kHeaderSize <= file.size(); at += kWindow) {
    const std::string_view window = file.at(at, kWindow + kHeaderSize - 1);
    for (std::size_t i = window.find("RBLK"); i != std::string_view::npos; i = window.find("RBLK", i + 1)) {
      if (parse_header(window.substr(i))) return at + i;
    }
  }
  return file.size();
}

/// What is wrong with the block, or empty.
std::string read_body(const BlockHeader& header, std::string_view body, const BlockSink& sink) {
  if (body.size() < header.body_size()) return "the block is torn";
  if (crc32(body) != header.body_crc) return fmt::format("checksum differs, {} entries lost", header.entries);
  const bool requests = header.kind == kRequests &&
                        (header.entry_size == kRequestSize || header.entry_size == kRequestSizeBefore);
  const bool events = header.kind == kEvents && header.entry_size == kEventSize;
  if (!requests && !events) return "a block of an unknown kind";
  std::size_t unknown = 0;
  for (std::uint32_t i = 0; i < header.entries; ++i) {
    RequestRecord record;
    Event event;
    if (!(requests ? take(body, record, header.entry_size == kRequestSize) : take(body, event))) {
      ++unknown;
    } else if (requests) {
      sink.record(header.repetition, record);
    } else {
      sink.event(header.repetition, event);
    }
  }
  return unknown == 0 ? "" : fmt::format("{} entries of an unknown kind", unknown);
}

}  // namespace

std::string encode_block(std::uint32_t repetition, std::span<const RequestRecord> records) {
  return encode(kRequests, kRequestSize, repetition, records);
}

std::string encode_block(std::uint32_t repetition, std::span<const Event> events) {
  return encode(kEvents, kEventSize, repetition, events);
}

void read_blocks(const std::filesystem::path& path, const BlockSink& sink) {
  InputFile file(path);
  if (file.error() != 0) return sink.damage(0, std::generic_category().message(file.error()));
  std::uint64_t at = 0;
  if (file.at(0, kBlocksMagic.size()) == kBlocksMagic) {
    at = kBlocksMagic.size();
  } else {
    sink.damage(0, "not a file of requests, or of another version");
    at = next_block(file, 0);
  }
  while (at < file.size()) {
    const std::optional<BlockHeader> header = parse_header(file.at(at, kHeaderSize));
    if (!header) {
      const std::uint64_t next = next_block(file, at);
      sink.damage(at, fmt::format("{} bytes are no block", next - at));
      at = next;
      continue;
    }
    const std::string problem = read_body(*header, file.at(at + kHeaderSize, header->body_size()), sink);
    if (!problem.empty()) sink.damage(at, problem);
    at += kHeaderSize + header->body_size();
  }
}

}  // namespace lab
