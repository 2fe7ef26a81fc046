#include "results/store/record_lines.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <iterator>

#include "lab/core/utf8.hpp"
#include "results/store/checksum.hpp"
#include "results/store/json_words.hpp"

namespace lab {

namespace json = boost::json;

namespace {

constexpr std::string_view kSealStart = R"(,"crc32":")";

/// `line` lacks its closing brace.
void seal(std::string& out, std::size_t from) {
  const std::uint32_t crc = crc32(std::string_view(out).substr(from), "}");
  fmt::format_to(std::back_inserter(out), "{}{:08x}\"}}\n", kSealStart, crc);
}

std::string sealed_line(const json::object& object) {
  std::string line = json::serialize(object);
  line.pop_back();
  seal(line, 0);
  return line;
}

json::object object(const std::vector<std::pair<std::string, std::string>>& members) {
  json::object result;
  for (const auto& [key, value] : members) result[valid_utf8(key)] = json_text(value);
  return result;
}

json::array not_run(const std::vector<NotRun>& left_out) {
  json::array array;
  for (const NotRun& one : left_out) {
    array.emplace_back(json::object{{"arm", json_text(one.arm)},
                                    {"case", json_text(one.case_id)},
                                    {"engine", json_text(one.engine)},
                                    {"reason", json_text(one.reason)}});
  }
  return array;
}

json::value killed(const std::optional<std::vector<Kill>>& kills) {
  if (!kills) return nullptr;
  json::array array;
  for (const Kill& kill : *kills)
    array.emplace_back(json::object{{"worker", kill.worker}, {"at_ns", kill.at}});
  return array;
}

json::object server_use(const ServerUse& use) {
  json::object object;
  for_each_member(use, [&](std::string_view key, auto value) { object[key] = value; });
  return object;
}

}  // namespace

std::string encode(const RunHeader& header) {
  return sealed_line({{"type", "header"},
                      {"schema", kRunSchema},
                      {"scenario", json_text(header.scenario)},
                      {"scenario_file", json_text(header.scenario_file)},
                      {"scenario_source", json_text(header.scenario_source)},
                      {"options", json_texts(header.options)},
                      {"seed", header.seed},
                      {"started_utc", json_text(header.started_utc)},
                      {"version", json_text(header.version)},
                      {"planned_repetitions", header.planned_repetitions},
                      {"not_run", not_run(header.not_run)},
                      {"environment", object(header.environment)}});
}

std::string encode(const RepetitionLine& line) {
  const RunRepetition& repetition = line.repetition;
  return sealed_line({{"type", "repetition"},
                      {"repetition", line.ordinal},
                      {"arm", json_text(repetition.arm)},
                      {"case", json_text(repetition.case_id)},
                      {"engine", json_text(repetition.engine)},
                      {"number", repetition.number},
                      {"began_ns", repetition.began},
                      {"send_skew_ns", repetition.send_skew},
                      {"events_dropped", repetition.events_dropped},
                      {"pace", repetition.pace},
                      {"server", server_use(repetition.server)},
                      {"killed", killed(repetition.killed)},
                      {"requests", line.requests},
                      {"events", line.events},
                      {"in_blocks", line.in_blocks},
                      {"warnings", json_texts(repetition.warnings)}});
}

std::string encode(const SummaryLine& line) {
  return sealed_line({{"type", "summary"},
                      {"complete", line.summary.complete},
                      {"reason", json_text(line.summary.reason)},
                      {"noise", json_text(line.summary.noise)},
                      {"environment", object(line.summary.environment)},
                      {"repetitions", line.repetitions},
                      {"lines", line.lines}});
}

std::string encode_events(std::uint32_t ordinal, std::span<const Event> events) {
  std::string line = fmt::format(R"({{"type":"events","repetition":{},"events":[)", ordinal);
  for (const Event& event : events) {
    if (&event != events.data()) line += ',';
    fmt::format_to(std::back_inserter(line), R"([{},"{}","{}",{},{},{},{}])", event.at, to_string(event.kind),
                   to_string(event.resource), event.worker, event.unit, event.request, event.value);
  }
  line += ']';
  seal(line, 0);
  return line;
}

void encode_request(std::uint32_t ordinal, const RequestRecord& record, std::string& out) {
  const std::size_t from = out.size();
  fmt::format_to(
      std::back_inserter(out),
      R"({{"type":"request","repetition":{},"id":{},"load":{},"route":{},"worker":{},"parent":{},"value":{},"intended_ns":{},)"
      R"("sent_ns":{},"accepted_ns":{},"read_ns":{},"started_ns":{},"finished_ns":{},"first_byte_ns":{},)"
      R"("received_ns":{},"status":{},"outcome":"{}")",
      ordinal, record.id, record.load, record.route, record.worker, record.parent, record.value,
      record.intended, record.sent, record.accepted, record.read, record.started, record.finished,
      record.first_byte, record.received, record.status, to_string(record.outcome));
  seal(out, from);
}

bool sealed(std::string_view line) {
  if (line.size() <= kSealLength || line.front() != '{') return false;
  const std::string_view body = line.substr(0, line.size() - kSealLength);
  const std::uint32_t crc = crc32(body, "}");
  return line.substr(body.size()) == fmt::format("{}{:08x}\"}}", kSealStart, crc);
}

std::optional<std::size_t> find_seal(std::string_view bytes) {
  for (std::size_t at = bytes.find(kSealStart); at != std::string_view::npos;
       at = bytes.find(kSealStart, at + 1)) {
    const std::size_t end = at + kSealLength;
    if (end <= bytes.size() && sealed(bytes.substr(0, end))) return end;
  }
  return std::nullopt;
}

}  // namespace lab
