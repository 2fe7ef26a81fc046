#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "results/store/disk.hpp"
#include "results/store/run.hpp"

namespace lab {

/// requests.bin: the requests and events of repetitions that are too large for lines. All numbers
/// little-endian.
///
/// File: kBlocksMagic (8 bytes, the last one is the version), then blocks.
/// Block: header of 24 bytes: magic u32 `RBLK`, kind u16 (1 requests, 2 events), entry size u16, repetition
/// u32 (ordinal in run.jsonl), entries u32, CRC-32 of the entries u32, CRC-32 of the 20 bytes before u32;
/// then entries. Request, 96 bytes: id u32, load u32, route u32, worker i32, intended, sent, accepted, read,
/// started, finished, first_byte, received i64 each (ns), status u16, outcome u8 (order of Outcome), 0 u8,
/// parent u32, value i64; older files end at 84 bytes, before the parent. Event, 28 bytes: at i64 (ns), value
/// i64, request u32, worker u16, unit u16, kind u8, resource u8, 0 u16.
constexpr std::string_view kBlocksMagic = "LABREC\n\x01";

/// At most this many entries a block, so that damage costs little.
constexpr std::size_t kBlockEntries = 4096;

std::string encode_block(std::uint32_t repetition, std::span<const RequestRecord> records);
std::string encode_block(std::uint32_t repetition, std::span<const Event> events);

/// The requests and events of a repetition, block by block.
void append_blocks(std::uint32_t ordinal, const RunRepetition& repetition, OutputFile& file);

/// Bytes of a file: where a repetition's blocks stand.
struct BlockRange {
  std::uint64_t from = 0, to = UINT64_MAX;
};

/// Where the entries of a file go while it is read.
struct BlockSink {
  std::function<void(std::uint32_t repetition, const RequestRecord&)> record;
  std::function<void(std::uint32_t repetition, const Event&)> event;
  /// At which byte the file is damaged, and how; reading goes on at the next sound block.
  std::function<void(std::uint64_t offset, const std::string& what)> damage;
  /// Which bytes the next entries have; may be empty.
  std::function<void(std::uint32_t repetition, const BlockRange& bytes)> block{};
};

void read_blocks(const std::filesystem::path& file, const BlockSink& sink, const BlockRange& range = {});

}  // namespace lab
