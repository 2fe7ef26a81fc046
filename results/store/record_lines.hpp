#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "results/store/run.hpp"

namespace lab {

constexpr std::string_view kRunSchema = "lab.run-record/1";

// The last of each enumeration that a file may name.
constexpr Outcome kLastOutcome = Outcome::extra;
constexpr EventKind kLastEventKind = EventKind::lost;
constexpr auto kLastResource = static_cast<Resource>(kResources - 1);

/// What a repetition's line says besides the repetition itself.
struct RepetitionLine {
  RunRepetition repetition;   ///< without records and events
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

/// Calls `visit(key, member)` for every member of what a server used, by its name in the file.
template <class Use, class Visitor>
void for_each_member(Use& use, Visitor&& visit) {
  visit("processes", use.processes);
  visit("private_before", use.private_before);
  visit("private_peak", use.private_peak);
  visit("resident_before", use.resident_before);
  visit("resident_peak", use.resident_peak);
  visit("virtual_before", use.virtual_before);
  visit("virtual_peak", use.virtual_peak);
  visit("threads_before", use.threads_before);
  visit("threads_peak", use.threads_peak);
  visit("cpu_ns", use.cpu);
  visit("voluntary_switches", use.voluntary_switches);
  visit("involuntary_switches", use.involuntary_switches);
}

/// Each ends with its checksum and a newline: the last member is `,"crc32":"89abcdef"`, CRC-32 in lower-case
/// hexadecimal of the line without that member and without the newline.
std::string encode(const RunHeader& header);
std::string encode(const RepetitionLine& line);
std::string encode(const SummaryLine& line);
std::string encode_events(std::uint32_t ordinal, std::span<const Event> events);
/// Appends to `out`: a run has many of these.
void encode_request(std::uint32_t ordinal, const RequestRecord& record, std::string& out);

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

}  // namespace lab
