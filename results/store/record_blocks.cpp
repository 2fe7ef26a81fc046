#include "results/store/record_blocks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>
#include <system_error>

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

// The file has the bytes of these values as this machine has them.
static_assert(std::endian::native == std::endian::little);
static_assert(sizeof(RequestRecord) == kRequestSize && offsetof(RequestRecord, status) == 80 &&
              offsetof(RequestRecord, parent) == kRequestSizeBefore);
static_assert(sizeof(Event) >= kEventSize && offsetof(Event, resource) == 25);

struct BlockHeader {
  std::uint32_t magic = kBlockMagic;
  std::uint16_t kind = 0, entry_size = 0;
  std::uint32_t repetition = 0, entries = 0, body_crc = 0;
  std::uint32_t crc = 0;  ///< of the bytes before

  std::uint64_t body_size() const { return std::uint64_t{entry_size} * entries; }
};
static_assert(sizeof(BlockHeader) == kHeaderSize);

template <class Value>
std::string_view raw_bytes(const Value& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

std::uint32_t crc_of(const BlockHeader& header) {
  return crc32(raw_bytes(header).substr(0, kHeaderSize - sizeof header.crc));
}

/// `unused`: where an entry has nothing, up to the next number or its end, which is zero in the file.
template <class Entry>
std::string encode(std::uint16_t kind, std::uint16_t size, std::size_t unused, std::size_t unused_end,
                   std::uint32_t repetition, std::span<const Entry> entries) {
  std::string body;
  body.reserve(entries.size() * size);
  for (const Entry& entry : entries) {
    body += raw_bytes(entry).substr(0, size);
    std::fill(body.end() - size + unused, body.end() - size + unused_end, '\0');
  }
  BlockHeader header{kBlockMagic, kind, size, repetition, static_cast<std::uint32_t>(entries.size()),
                     crc32(body)};
  header.crc = crc_of(header);
  return std::string(raw_bytes(header)) + body;
}

std::optional<BlockHeader> parse_header(std::string_view bytes) {
  BlockHeader header;
  if (bytes.size() < kHeaderSize) return std::nullopt;
  std::memcpy(&header, bytes.data(), kHeaderSize);
  return header.magic == kBlockMagic && header.crc == crc_of(header) ? std::optional(header) : std::nullopt;
}

/// Whether this version knows what the entry says.
bool is_known(const RequestRecord& record) {
  return to_string(record.outcome) != "?";
}
bool is_known(const Event& event) {
  return to_string(event.kind) != "?" && to_string(event.resource) != "?";
}

/// Gives the entries on; how many are of an unknown kind.
template <class Entry>
std::size_t give_entries(const BlockHeader& header, std::string_view body,
                         const std::function<void(std::uint32_t, const Entry&)>& give) {
  std::size_t unknown = 0;
  for (; !body.empty(); body.remove_prefix(header.entry_size)) {
    Entry entry;
    std::memcpy(&entry, body.data(), header.entry_size);
    if (is_known(entry)) {
      give(header.repetition, entry);
    } else {
      ++unknown;
    }
  }
  return unknown;
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
  const std::size_t unknown =
      requests ? give_entries(header, body, sink.record) : give_entries(header, body, sink.event);
  return unknown == 0 ? "" : fmt::format("{} entries of an unknown kind", unknown);
}

}  // namespace

std::string encode_block(std::uint32_t repetition, std::span<const RequestRecord> records) {
  constexpr std::size_t kUnused = offsetof(RequestRecord, outcome) + 1;
  return encode(kRequests, kRequestSize, kUnused, kUnused + 1, repetition, records);
}

std::string encode_block(std::uint32_t repetition, std::span<const Event> events) {
  constexpr std::size_t kUnused = offsetof(Event, resource) + 1;
  return encode(kEvents, kEventSize, kUnused, kEventSize, repetition, events);
}

void append_blocks(std::uint32_t ordinal, const RunRepetition& repetition, OutputFile& file) {
  const auto append = [&](auto entries) {
    for (; !entries.empty(); entries = entries.subspan(std::min(kBlockEntries, entries.size())))
      file.append(encode_block(ordinal, entries.first(std::min(kBlockEntries, entries.size()))));
  };
  append(std::span(repetition.records));
  append(std::span(repetition.events));
}

void read_blocks(const std::filesystem::path& path, const BlockSink& sink, const BlockRange& range) {
  InputFile file(path);
  if (file.error() != 0) return sink.damage(0, std::generic_category().message(file.error()));
  std::uint64_t at = range.from;
  if (at == 0 && file.at(0, kBlocksMagic.size()) == kBlocksMagic) {
    at = kBlocksMagic.size();
  } else if (at == 0) {
    sink.damage(0, "not a file of requests, or of another version");
    at = next_block(file, 0);
  }
  while (at < std::min(range.to, file.size())) {
    const std::optional<BlockHeader> header = parse_header(file.at(at, kHeaderSize));
    if (!header) {
      const std::uint64_t next = next_block(file, at);
      sink.damage(at, fmt::format("{} bytes are no block", next - at));
      at = next;
      continue;
    }
    const std::uint64_t end = at + kHeaderSize + header->body_size();
    if (sink.block) sink.block(header->repetition, {at, end});
    const std::string problem = read_body(*header, file.at(at + kHeaderSize, header->body_size()), sink);
    if (!problem.empty()) sink.damage(at, problem);
    at = end;
  }
}

}  // namespace lab
