#include "results/store/record_blocks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <type_traits>

#include "results/store/record_lines.hpp"

namespace lab {

namespace {

constexpr std::uint32_t kBlockMagic = 0x4B4C4252;  // "RBLK"
constexpr std::size_t kHeaderSize = 24;
constexpr std::uint16_t kRequestSize = 96;
constexpr std::uint16_t kRequestSizeBefore = 84;  // of version 0.1: without parent and value
constexpr std::uint16_t kEventSize = 28;
constexpr std::uint16_t kRequests = 1;
constexpr std::uint16_t kEvents = 2;

/// Appends numbers, little-endian.
class Put {
 public:
  explicit Put(std::string& out) : out_(out) {}

  template <class... Numbers>
  void operator()(const Numbers&... numbers) {
    (put(numbers), ...);
  }

 private:
  template <class Number>
  void put(Number number) {
    for (std::size_t i = 0; i < sizeof(Number); ++i)
      out_ += static_cast<char>(static_cast<std::uint64_t>(number) >> (8 * i) & 0xFFU);
  }

  std::string& out_;
};

/// Takes numbers off the front of `bytes`; behind their end everything stays as it is.
class Take {
 public:
  explicit Take(std::string_view bytes) : bytes_(bytes) {}

  template <class... Numbers>
  void operator()(Numbers&... numbers) {
    (take(numbers), ...);
  }
  /// Every enumerator is one that this version knows.
  bool known() const { return known_; }

 private:
  template <class Number>
  void take(Number& out) {
    if (bytes_.size() < sizeof(Number)) return;
    std::uint64_t bits = 0;
    for (std::size_t i = sizeof(Number); i-- > 0;) bits = bits << 8U | static_cast<unsigned char>(bytes_[i]);
    bytes_.remove_prefix(sizeof(Number));
    if constexpr (std::is_enum_v<Number>) known_ &= bits <= static_cast<std::uint64_t>(last_of(out));
    out = static_cast<Number>(bits);
  }

  std::string_view bytes_;
  bool known_ = true;
};

struct BlockHeader {
  std::uint32_t magic = kBlockMagic;
  std::uint16_t kind = 0, entry_size = 0;
  std::uint32_t repetition = 0, entries = 0, body_crc = 0;

  std::uint64_t body_size() const { return std::uint64_t{entry_size} * entries; }
};

// The numbers of each, in the order of the file: Put writes them, Take reads them.

template <class Numbers, class Header>
void header_numbers(Numbers& numbers, Header& header) {
  numbers(header.magic, header.kind, header.entry_size, header.repetition, header.entries, header.body_crc);
}

template <class Numbers, class Record>
void request_numbers(Numbers& numbers, Record& record) {
  std::uint8_t unused = 0;
  numbers(record.id, record.load, record.route, record.worker);
  numbers(record.intended, record.sent, record.accepted, record.read);
  numbers(record.started, record.finished, record.first_byte, record.received);
  numbers(record.status, record.outcome, unused, record.parent, record.value);
}

template <class Numbers, class AnyEvent>
void event_numbers(Numbers& numbers, AnyEvent& event) {
  std::uint16_t unused = 0;
  numbers(event.at, event.value, event.request, event.worker, event.unit, event.kind, event.resource, unused);
}

std::string encode(BlockHeader header, const std::string& body) {
  header.body_crc = crc32(body);
  std::string block;
  Put put(block);
  header_numbers(put, header);
  put(crc32(block));
  return block += body;
}

std::optional<BlockHeader> parse_header(std::string_view bytes) {
  if (bytes.size() < kHeaderSize) return std::nullopt;
  BlockHeader header;
  std::uint32_t crc = 0;
  Take take(bytes);
  header_numbers(take, header);
  take(crc);
  if (header.magic != kBlockMagic || crc != crc32(bytes.substr(0, kHeaderSize - 4))) return std::nullopt;
  return header;
}

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
  for (; !body.empty(); body.remove_prefix(header.entry_size)) {
    RequestRecord record;
    Event event;
    Take take(body.substr(0, header.entry_size));
    if (requests) {
      request_numbers(take, record);
    } else {
      event_numbers(take, event);
    }
    if (!take.known()) {
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
  std::string body;
  Put put(body);
  for (const RequestRecord& record : records) request_numbers(put, record);
  return encode(
      {kBlockMagic, kRequests, kRequestSize, repetition, static_cast<std::uint32_t>(records.size())}, body);
}

std::string encode_block(std::uint32_t repetition, std::span<const Event> events) {
  std::string body;
  Put put(body);
  for (const Event& event : events) event_numbers(put, event);
  return encode({kBlockMagic, kEvents, kEventSize, repetition, static_cast<std::uint32_t>(events.size())},
                body);
}

void append_blocks(std::uint32_t ordinal, const RunRepetition& repetition, OutputFile& file) {
  const auto append = [&](auto entries) {
    for (; !entries.empty(); entries = entries.subspan(std::min(kBlockEntries, entries.size())))
      file.append(encode_block(ordinal, entries.first(std::min(kBlockEntries, entries.size()))));
  };
  append(std::span(repetition.records));
  append(std::span(repetition.events));
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
