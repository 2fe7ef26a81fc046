#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "results/store/run.hpp"

namespace lab::samples {

/// A folder of its own that goes away with the test.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "lab-results-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

  std::size_t entries() const {
    const std::filesystem::directory_iterator all(path_);
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }

 private:
  std::filesystem::path path_;
};

inline std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline void write_bytes(const std::filesystem::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
}

inline RunHeader header(const std::string& scenario = "blocking-async") {
  RunHeader result;
  result.scenario = scenario;
  result.scenario_source = "question = \"Why?\"\n# µ \"quoted\" \\ \x01\n";
  result.scenario_file = "scenarios/blocking-async.toml";
  result.options = {"--repeat", "2"};
  result.seed = 18'446'744'073'709'551'615U;
  result.started_utc = "2026-11-21T09:30:00Z";
  result.version = "0.1.0";
  result.planned_repetitions = 2;
  result.environment = {{"cores", "2"}, {"kernel", "6.1.0"}};
  result.not_run = {{"query", "main", "no PostgreSQL; give --postgres URL"}};
  return result;
}

inline RunRepetition repetition(int number, std::uint32_t requests, std::size_t events) {
  RunRepetition result;
  result.arm = "async-loop";
  result.case_id = "main";
  result.engine = "native";
  result.number = number;
  result.began = 4'000'000'000'000 + number;
  result.send_skew = 140'000;
  result.events_dropped = 3;
  result.pace = 1.0625;
  result.server = {.processes = 2,
                   .private_before = 1'000'000,
                   .private_peak = 5'000'000,
                   .resident_before = 8'000'000,
                   .resident_peak = 9'000'000,
                   .virtual_before = 1,
                   .virtual_peak = 70'000'000'000,
                   .threads_before = 3,
                   .threads_peak = 43,
                   .cpu = 123'456'789,
                   .voluntary_switches = 77,
                   .involuntary_switches = 5};
  result.warnings = {"the generator fell behind by 12 ms at p99"};
  for (std::uint32_t i = 0; i < requests; ++i) {
    RequestRecord record;
    record.id = i + 1;
    record.load = i % 2;
    record.route = i % 3;
    record.worker = static_cast<std::int32_t>(i % 4) - 1;
    record.parent = i % 5;
    record.value = static_cast<std::int64_t>(i) - 1;
    record.intended = result.began;
    record.sent = record.intended + 1000 + i;
    record.accepted = record.sent - 500;
    record.read = record.sent + 20'000;
    record.started = record.read + 1;
    record.finished = record.started + 100'000'000;
    record.first_byte = record.finished + 50'000;
    record.received = record.first_byte + 1;
    record.status = 200;
    record.outcome = static_cast<Outcome>(i % 11);
    result.records.push_back(record);
  }
  for (std::size_t i = 0; i < events; ++i) {
    Event event;
    event.at = result.began + static_cast<Nanos>(i);
    event.value = -static_cast<std::int64_t>(i);
    event.request = static_cast<std::uint32_t>(i % 7);
    event.worker = static_cast<std::uint16_t>(i % 4);
    event.unit = static_cast<std::uint16_t>(65'535 - i % 40);
    event.kind = static_cast<EventKind>(i % 15);
    event.resource = static_cast<Resource>(i % kResources);
    result.events.push_back(event);
  }
  return result;
}

inline bool same(const RequestRecord& a, const RequestRecord& b) {
  return a.id == b.id && a.load == b.load && a.route == b.route && a.worker == b.worker &&
         a.parent == b.parent && a.value == b.value && a.intended == b.intended && a.sent == b.sent &&
         a.accepted == b.accepted && a.read == b.read && a.started == b.started && a.finished == b.finished &&
         a.first_byte == b.first_byte && a.received == b.received && a.status == b.status &&
         a.outcome == b.outcome;
}

inline bool same(const Event& a, const Event& b) {
  return a.at == b.at && a.value == b.value && a.request == b.request && a.worker == b.worker &&
         a.unit == b.unit && a.kind == b.kind && a.resource == b.resource;
}

inline bool same(const ServerUse& a, const ServerUse& b) {
  return a.processes == b.processes && a.private_before == b.private_before &&
         a.private_peak == b.private_peak && a.resident_before == b.resident_before &&
         a.resident_peak == b.resident_peak && a.virtual_before == b.virtual_before &&
         a.virtual_peak == b.virtual_peak && a.threads_before == b.threads_before &&
         a.threads_peak == b.threads_peak && a.cpu == b.cpu && a.voluntary_switches == b.voluntary_switches &&
         a.involuntary_switches == b.involuntary_switches;
}

inline bool same(const RunRepetition& a, const RunRepetition& b) {
  const auto equal = [](const auto& left, const auto& right) { return same(left, right); };
  return a.arm == b.arm && a.case_id == b.case_id && a.engine == b.engine && a.number == b.number &&
         a.began == b.began && a.send_skew == b.send_skew && a.events_dropped == b.events_dropped &&
         a.pace == b.pace && same(a.server, b.server) && a.warnings == b.warnings &&
         std::equal(a.records.begin(), a.records.end(), b.records.begin(), b.records.end(), equal) &&
         std::equal(a.events.begin(), a.events.end(), b.events.begin(), b.events.end(), equal);
}

inline bool same(const RunHeader& a, const RunHeader& b) {
  return a.scenario == b.scenario && a.scenario_source == b.scenario_source &&
         a.scenario_file == b.scenario_file && a.options == b.options && a.seed == b.seed &&
         a.started_utc == b.started_utc && a.version == b.version &&
         a.planned_repetitions == b.planned_repetitions && a.environment == b.environment &&
         std::equal(a.not_run.begin(), a.not_run.end(), b.not_run.begin(), b.not_run.end(),
                    [](const NotRun& left, const NotRun& right) {
                      return left.arm == right.arm && left.case_id == right.case_id &&
                             left.reason == right.reason;
                    });
}

}  // namespace lab::samples
