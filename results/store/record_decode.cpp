#include <boost/json.hpp>
#include <limits>

#include "results/store/record_lines.hpp"

namespace lab {

namespace json = boost::json;

namespace {

/// Reads members of one object; remembers the first one that is missing or of the wrong kind.
class JsonMembers {
 public:
  explicit JsonMembers(const json::object& object) : object_(object) {}

  const std::string& problem() const { return problem_; }

  template <class Integer>
  void read(std::string_view key, Integer& out) {
    const json::value* value = find(key);
    if (value != nullptr && !to_integer(*value, out)) miss(key);
  }
  void read(std::string_view key, std::string& out) {
    const json::value* value = find(key);
    if (value == nullptr) return;
    if (!value->is_string()) return miss(key);
    out.assign(value->get_string().begin(), value->get_string().end());
  }
  void read(std::string_view key, bool& out) {
    const json::value* value = find(key);
    if (value == nullptr) return;
    if (!value->is_bool()) return miss(key);
    out = value->get_bool();
  }
  void read(std::string_view key, std::vector<std::string>& out) {
    const json::value* value = find(key);
    if (value == nullptr) return;
    if (!value->is_array()) return miss(key);
    for (const json::value& each : value->get_array()) {
      if (!each.is_string()) return miss(key);
      out.emplace_back(each.get_string());
    }
  }
  void read(std::string_view key, std::vector<std::pair<std::string, std::string>>& out) {
    const json::value* value = find(key);
    if (value == nullptr) return;
    if (!value->is_object()) return miss(key);
    for (const auto& [name, each] : value->get_object()) {
      if (!each.is_string()) return miss(key);
      out.emplace_back(std::string(name), std::string(each.get_string()));
    }
  }
  void read(std::string_view key, double& out) {
    const json::value* value = find(key);
    if (value == nullptr) return;
    if (!value->is_number()) return miss(key);
    out = value->to_number<double>();
  }
  /// A member that older files do not have: what it is then, it is already.
  template <class Value>
  void read_if_there(std::string_view key, Value& out) {
    if (object_.if_contains(key) != nullptr) read(key, out);
  }
  const json::value* find_if_there(std::string_view key) const { return object_.if_contains(key); }
  const json::value* find(std::string_view key) {
    const json::value* value = object_.if_contains(key);
    if (value == nullptr) miss(key);
    return value;
  }
  void miss(std::string_view key) {
    if (problem_.empty()) problem_ = fmt::format("member '{}' is missing or wrong", key);
  }

  template <class Integer>
  static bool to_integer(const json::value& value, Integer& out) {
    if (value.is_int64()) {
      if (!std::in_range<Integer>(value.get_int64())) return false;
      out = static_cast<Integer>(value.get_int64());
      return true;
    }
    if (!value.is_uint64() || !std::in_range<Integer>(value.get_uint64())) return false;
    out = static_cast<Integer>(value.get_uint64());
    return true;
  }

 private:
  const json::object& object_;
  std::string problem_;
};

template <class Enum>
bool from_name(const json::value& value, Enum last, Enum& out) {
  if (!value.is_string()) return false;
  for (int i = 0; i <= static_cast<int>(last); ++i) {
    if (to_string(static_cast<Enum>(i)) != std::string_view(value.get_string())) continue;
    out = static_cast<Enum>(i);
    return true;
  }
  return false;
}

void decode_not_run(JsonMembers& members, std::vector<NotRun>& left_out) {
  const json::value* list = members.find_if_there("not_run");
  if (list == nullptr) return;
  if (!list->is_array()) return members.miss("not_run");
  for (const json::value& each : list->get_array()) {
    if (!each.is_object()) return members.miss("not_run");
    JsonMembers inner(each.get_object());
    NotRun& one = left_out.emplace_back();
    inner.read("arm", one.arm);
    inner.read("case", one.case_id);
    inner.read("reason", one.reason);
    inner.read_if_there("engine", one.engine);
    if (!inner.problem().empty()) members.miss("not_run");
  }
}

void decode_server(JsonMembers& members, ServerUse& use) {
  const json::value* server = members.find_if_there("server");
  if (server == nullptr) return;
  if (!server->is_object()) return members.miss("server");
  JsonMembers inner(server->get_object());
  for_each_member(use, [&](std::string_view key, auto& value) { inner.read_if_there(key, value); });
  if (!inner.problem().empty()) members.miss("server");
}

void decode_killed(JsonMembers& members, std::optional<std::vector<Kill>>& killed) {
  const json::value* list = members.find_if_there("killed");
  if (list == nullptr || list->is_null()) return;
  if (!list->is_array()) return members.miss("killed");
  killed.emplace();
  for (const json::value& each : list->get_array()) {
    if (!each.is_object()) return members.miss("killed");
    JsonMembers inner(each.get_object());
    Kill& kill = killed->emplace_back();
    inner.read("worker", kill.worker);
    inner.read("at_ns", kill.at);
    if (!inner.problem().empty()) members.miss("killed");
  }
}

RunLine decode_header(JsonMembers& members) {
  std::string schema;
  members.read("schema", schema);
  if (members.problem().empty() && schema != kRunSchema) return OtherSchema{schema};
  RunHeader header;
  members.read("scenario", header.scenario);
  members.read("scenario_file", header.scenario_file);
  members.read("scenario_source", header.scenario_source);
  members.read("options", header.options);
  members.read("seed", header.seed);
  members.read("started_utc", header.started_utc);
  members.read("version", header.version);
  members.read("planned_repetitions", header.planned_repetitions);
  decode_not_run(members, header.not_run);
  members.read("environment", header.environment);
  return header;
}

RunLine decode_repetition(JsonMembers& members) {
  RepetitionLine line;
  members.read("repetition", line.ordinal);
  members.read("arm", line.repetition.arm);
  members.read("case", line.repetition.case_id);
  members.read("engine", line.repetition.engine);
  members.read("number", line.repetition.number);
  members.read("began_ns", line.repetition.began);
  members.read("send_skew_ns", line.repetition.send_skew);
  members.read("events_dropped", line.repetition.events_dropped);
  members.read_if_there("pace", line.repetition.pace);
  decode_server(members, line.repetition.server);
  decode_killed(members, line.repetition.killed);
  members.read("requests", line.requests);
  members.read("events", line.events);
  members.read("in_blocks", line.in_blocks);
  members.read("warnings", line.repetition.warnings);
  return line;
}

RunLine decode_request(JsonMembers& members) {
  RequestLine line;
  RequestRecord& record = line.record;
  members.read("repetition", line.ordinal);
  members.read("id", record.id);
  members.read("load", record.load);
  members.read("route", record.route);
  members.read("worker", record.worker);
  members.read_if_there("parent", record.parent);
  members.read_if_there("value", record.value);
  members.read("intended_ns", record.intended);
  members.read("sent_ns", record.sent);
  members.read("accepted_ns", record.accepted);
  members.read("read_ns", record.read);
  members.read("started_ns", record.started);
  members.read("finished_ns", record.finished);
  members.read("first_byte_ns", record.first_byte);
  members.read("received_ns", record.received);
  members.read("status", record.status);
  const json::value* outcome = members.find("outcome");
  if (outcome != nullptr && !from_name(*outcome, kLastOutcome, record.outcome)) members.miss("outcome");
  return line;
}

bool decode_event(const json::value& value, Event& event) {
  if (!value.is_array() || value.get_array().size() != 7) return false;
  const json::array& parts = value.get_array();
  return JsonMembers::to_integer(parts[0], event.at) && from_name(parts[1], kLastEventKind, event.kind) &&
         from_name(parts[2], kLastResource, event.resource) &&
         JsonMembers::to_integer(parts[3], event.worker) && JsonMembers::to_integer(parts[4], event.unit) &&
         JsonMembers::to_integer(parts[5], event.request) && JsonMembers::to_integer(parts[6], event.value);
}

RunLine decode_events(JsonMembers& members) {
  EventsLine line;
  members.read("repetition", line.ordinal);
  const json::value* events = members.find("events");
  if (events == nullptr) return line;
  if (!events->is_array()) {
    members.miss("events");
    return line;
  }
  for (const json::value& value : events->get_array()) {
    if (!decode_event(value, line.events.emplace_back())) members.miss("events");
  }
  return line;
}

RunLine decode_summary(JsonMembers& members) {
  SummaryLine line;
  members.read("complete", line.summary.complete);
  members.read("reason", line.summary.reason);
  members.read("noise", line.summary.noise);
  members.read("environment", line.summary.environment);
  members.read("repetitions", line.repetitions);
  members.read("lines", line.lines);
  return line;
}

RunLine decode_typed(std::string_view type, JsonMembers& members) {
  if (type == "header") return decode_header(members);
  if (type == "repetition") return decode_repetition(members);
  if (type == "request") return decode_request(members);
  if (type == "events") return decode_events(members);
  if (type == "summary") return decode_summary(members);
  return OtherLine{};
}

}  // namespace

std::string schema_before_checksums(std::string_view line) {
  boost::system::error_code error;
  const json::value value = json::parse(json::string_view(line.data(), line.size()), error);
  const json::object* header = error ? nullptr : value.if_object();
  if (header == nullptr || header->if_contains("crc32") != nullptr) return "";
  const json::value* schema = header->if_contains("schema");
  return schema != nullptr && schema->is_string() ? std::string(schema->get_string()) : "";
}

Result<RunLine> decode(std::string_view line) {
  if (!sealed(line)) return usage_error("checksum differs");
  unsigned char memory[4096];
  json::monotonic_resource resource(memory);
  boost::system::error_code error;
  const json::value value = json::parse(json::string_view(line.data(), line.size()), error, &resource);
  if (error || !value.is_object()) return usage_error("not a JSON object");
  JsonMembers members(value.get_object());
  std::string type;
  members.read("type", type);
  RunLine decoded = decode_typed(type, members);
  if (!members.problem().empty()) return usage_error("{}", members.problem());
  return decoded;
}

}  // namespace lab
