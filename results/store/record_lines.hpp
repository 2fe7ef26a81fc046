#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "results/store/run.hpp"

namespace lab {

constexpr std::string_view kRunSchema = "lab.run-record/1";

/// What a repetition's line says.
struct RepetitionLine {
  RepetitionFacts repetition;
  std::uint32_t ordinal = 0;  ///< 1, 2, … in the file; its requests and events refer to it
  std::uint64_t requests = 0;
  std::uint64_t events = 0;
  bool in_blocks = false;  ///< requests and events are in requests.bin
};

struct RequestLine {
  std::uint32_t ordinal = 0;
  RequestRecord record;
};

struct EventsLine {
  std::uint32_t ordinal = 0;
  Events events;
};

struct SummaryLine {
  RunSummary summary;
  std::uint64_t repetitions = 0;
  std::uint64_t lines = 0;  ///< before this one
};

/// A line of a type that this version does not know; newer writers may add some.
struct OtherLine {};

/// A header whose schema is another one.
struct OtherSchema {
  std::string schema;
};

using RunLine =
    std::variant<RunHeader, RepetitionLine, RequestLine, EventsLine, SummaryLine, OtherLine, OtherSchema>;

/// Appends one of those lines that this version knows, with its checksum and a newline: the last member is
/// `,"crc32":"89abcdef"`, CRC-32 in lower-case hexadecimal of the line without that member and without the
/// newline.
void encode(const RunLine& line, std::string& out);

/// Length of the checksum member with the closing brace.
constexpr std::size_t kSealLength = 20;

/// Does `line` (without newline) end with the checksum of the rest?
bool sealed(std::string_view line);

/// Position just after the first checksum member in `bytes` that seals all before it: where a lost line end
/// was.
std::optional<std::size_t> find_seal(std::string_view bytes);

/// Reads one line without its newline. The error says what is wrong with it.
Result<RunLine> decode(std::string_view line);

/// The schema of a record that was written before lines had checksums; empty where the line is none of its.
std::string schema_before_checksums(std::string_view line);

/// CRC-32 as zlib, PNG and Ethernet compute it (IEEE 802.3). Notices every burst of errors up to 32 bits.
/// `tail` counts as if it followed `bytes`.
std::uint32_t crc32(std::string_view bytes, std::string_view tail = {});

}  // namespace lab
