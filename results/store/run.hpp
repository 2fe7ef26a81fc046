#pragma once

#include <boost/describe.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/core/error.hpp"
#include "lab/core/event.hpp"
#include "lab/core/record.hpp"
#include "lab/core/scenario.hpp"

namespace lab {

/// An arm that was left out on one case.
struct NotRun {
  std::string arm, case_id, reason;
  std::string engine = "native";
};
BOOST_DESCRIBE_STRUCT(NotRun, (), (arm, case_id, engine, reason))

/// What was recorded: the canonical content of run.jsonl. Everything else is derived from it.
struct RunHeader {
  std::string scenario;
  std::string scenario_source;  ///< the TOML text
  std::string scenario_file;
  std::vector<std::string> options;  ///< the command line after `lab run`, enough to rebuild the overrides
  std::uint64_t seed = 0;
  std::string started_utc;  ///< 2026-11-21T09:30:00Z
  std::string version;
  int planned_repetitions = 0;
  std::vector<NotRun> not_run;
  std::vector<std::pair<std::string, std::string>> environment;  ///< `cores`, `kernel`, `cpu` …
};
BOOST_DESCRIBE_STRUCT(RunHeader, (),
                      (scenario, scenario_file, scenario_source, options, seed, started_utc, version,
                       planned_repetitions, not_run, environment))
BOOST_DESCRIBE_STRUCT(ServerUse, (),
                      (processes, private_before, private_peak, resident_before, resident_peak,
                       virtual_before, virtual_peak, threads_before, threads_peak, cpu, voluntary_switches,
                       involuntary_switches))

/// What a member of these is called in the file.
constexpr std::string_view name_in_file(std::string_view member) {
  if (member == "case_id") return "case";
  return member == "cpu" ? "cpu_ns" : member;
}

/// The key under which a run's environment says when and where its recording was made.
inline constexpr const char* kRecordingMade = "recording made";

struct AsideFile;

/// One repetition of one arm on one case, without its requests and events.
struct RepetitionFacts {
  std::string arm, case_id, engine;
  int number = 0;   ///< 1, 2, … of this arm and case
  Nanos began = 0;  ///< the load's time zero
  Nanos send_skew = 0;
  std::uint64_t events_dropped = 0;
  /// How long computing took beside its calibration: by its threads' CPU time; where none was reported, just
  /// before the load.
  double pace = 1;
  ServerUse server;
  std::optional<std::vector<Kill>> killed;  ///< when each kill really was; none: not recorded, as planned
  Events supervision;                       ///< what the server's master did about its workers
  std::vector<std::string> warnings;
};

struct RunRepetition : RepetitionFacts {
  std::vector<RequestRecord> records;
  Events events;
  /// Where both are, which are empty then; beside records: where all events are, of which only some are here
  /// (SetAside).
  std::shared_ptr<const AsideFile> aside;
};

/// Whom this repetition lost: as it was recorded, in older files and in virtual time as the case plans it.
inline const std::vector<Kill>& kills_of(const RepetitionFacts& repetition, const Case& load_case) {
  return repetition.killed ? *repetition.killed : load_case.kills;
}

struct RunSummary {
  bool complete = true;
  std::string reason;  ///< why it is not
  std::string noise;   ///< `quiet`, or `noisy: ` and what disturbed it; known only at the end
  std::vector<std::pair<std::string, std::string>> environment;  ///< `load_before`, `context_switches` …

  bool noisy() const { return noise.starts_with("noisy"); }
};

struct Run {
  RunHeader header;
  std::vector<RunRepetition> repetitions;
  RunSummary summary;
  std::vector<std::string> damage;  ///< what could not be read: `run.jsonl: byte 4711: checksum differs`
};

}  // namespace lab
