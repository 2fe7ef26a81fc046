#include "results/store/record_lines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/crc.hpp>
#include <boost/json.hpp>
#include <boost/mp11.hpp>
#include <iterator>
#include <tuple>
#include <type_traits>
#include <utility>

#include "lab/core/text.hpp"

namespace lab {

namespace json = boost::json;

namespace {

constexpr std::string_view kSealStart = R"(,"crc32":")";

// The types of lines, in the order of RunLine.
constexpr std::string_view kTypes[] = {"header", "repetition", "request", "events", "summary"};

using Pairs = std::vector<std::pair<std::string, std::string>>;

/// A `Wanted`, whether it is written (const) or read.
template <class Type, class Wanted>
concept Is = std::is_same_v<std::remove_const_t<Type>, Wanted>;

// The members of each line by their names in the file, in its order: JsonWriter writes them, JsonReader reads
// them. Older files do not have those that are `newer`.

template <class Members, Is<Kill> Killed>
void describe(Members& members, Killed& kill) {
  members("worker", kill.worker);
  members("at_ns", kill.at);
}

template <class Members, class Described>
requires boost::describe::has_describe_members<std::remove_const_t<Described>>::value void describe(
    Members& members, Described& value) {
  using Type = std::remove_const_t<Described>;
  boost::mp11::mp_for_each<boost::describe::describe_members<Type, boost::describe::mod_public>>(
      [&](auto member) {
        const std::string_view name = name_in_file(member.name);
        if (std::is_same_v<Type, ServerUse> || name == "engine" || name == "not_run") {
          members.newer(name, value.*member.pointer);
        } else {
          members(name, value.*member.pointer);
        }
      });
}

template <class Members, Is<RepetitionLine> Line>
void describe(Members& members, Line& line) {
  auto& repetition = line.repetition;
  members("repetition", line.ordinal);
  members("arm", repetition.arm);
  members("case", repetition.case_id);
  members("engine", repetition.engine);
  members("number", repetition.number);
  members("began_ns", repetition.began);
  members("send_skew_ns", repetition.send_skew);
  members("events_dropped", repetition.events_dropped);
  members.newer("pace", repetition.pace);
  members.newer("server", repetition.server);
  members.newer("killed", repetition.killed);
  members.newer("supervision", repetition.supervision);
  members("requests", line.requests);
  members("events", line.events);
  members("in_blocks", line.in_blocks);
  members("warnings", repetition.warnings);
}

template <class Members, Is<RequestLine> Line>
void describe(Members& members, Line& line) {
  auto& record = line.record;
  members("repetition", line.ordinal);
  members("id", record.id);
  members("load", record.load);
  members("route", record.route);
  members("worker", record.worker);
  members.newer("parent", record.parent);
  members.newer("value", record.value);
  members("intended_ns", record.intended);
  members("sent_ns", record.sent);
  members("accepted_ns", record.accepted);
  members("read_ns", record.read);
  members("started_ns", record.started);
  members("finished_ns", record.finished);
  members("first_byte_ns", record.first_byte);
  members("received_ns", record.received);
  members("status", record.status);
  members("outcome", record.outcome);
}

template <class Members, Is<EventsLine> Line>
void describe(Members& members, Line& line) {
  members("repetition", line.ordinal);
  members("events", line.events);
}

template <class Members, Is<SummaryLine> Line>
void describe(Members& members, Line& line) {
  members("complete", line.summary.complete);
  members("reason", line.summary.reason);
  members("noise", line.summary.noise);
  members("environment", line.summary.environment);
  members("repetitions", line.repetitions);
  members("lines", line.lines);
}

template <class Members>
void describe(Members& /*members*/, const OtherLine& /*line*/) {}
template <class Members>
void describe(Members& /*members*/, const OtherSchema& /*line*/) {}

/// An event is an array.
template <Is<Event> Any>
auto parts_of(Any& event) {
  return std::tie(event.at, event.kind, event.resource, event.worker, event.unit, event.request, event.value);
}

class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  template <class Value>
  void operator()(std::string_view key, const Value& value) {
    if (out_.back() != '{') out_ += ',';
    out_ += '"';
    out_ += key;
    out_ += "\":";
    put(value);
  }
  template <class Value>
  void newer(std::string_view key, const Value& value) {
    (*this)(key, value);
  }

 private:
  template <class Value>
  void put(const Value& value) {
    if constexpr (std::is_same_v<Value, bool>) {
      out_ += value ? "true" : "false";
    } else if constexpr (std::is_integral_v<Value>) {
      const fmt::format_int digits(value);
      out_.append(digits.data(), digits.size());
    } else if constexpr (std::is_floating_point_v<Value>) {
      out_ += json::serialize(json::value(value));
    } else if constexpr (std::is_enum_v<Value>) {
      fmt::format_to(std::back_inserter(out_), "\"{}\"", to_string(value));
    } else {
      out_ += '{';
      describe(*this, value);
      out_ += '}';
    }
  }
  void put(const std::string& text) { out_ += json::serialize(json::string(valid_utf8(text))); }
  void put(const Pairs& pairs) {
    json::object object;
    for (const auto& [key, value] : pairs) object[valid_utf8(key)] = valid_utf8(value);
    out_ += json::serialize(object);
  }
  void put(const Event& event) {
    out_ += '[';
    std::apply([this](const auto&... parts) { (next(parts), ...); }, parts_of(event));
    out_ += ']';
  }
  template <class Value>
  void put(const std::optional<Value>& value) {
    if (value) return put(*value);
    out_ += "null";
  }
  template <class Value>
  void put(const std::vector<Value>& values) {
    out_ += '[';
    for (const Value& value : values) next(value);
    out_ += ']';
  }
  template <class Value>
  void next(const Value& value) {
    if (out_.back() != '[') out_ += ',';
    put(value);
  }

  std::string& out_;
};

/// Remembers the first member that is missing or of the wrong kind.
class JsonReader {
 public:
  explicit JsonReader(const json::object& object) : object_(object) {}

  const std::string& problem() const { return problem_; }

  template <class Value>
  void operator()(std::string_view key, Value& value) {
    const json::value* member = object_.if_contains(key);
    if ((member == nullptr || !take(*member, value)) && problem_.empty())
      problem_ = fmt::format("member '{}' is missing or wrong", key);
  }
  template <class Value>
  void newer(std::string_view key, Value& value) {
    if (object_.if_contains(key) != nullptr) (*this)(key, value);
  }

 private:
  template <class Value>
  static bool take(const json::value& from, Value& out) {
    if constexpr (std::is_arithmetic_v<Value> || std::is_same_v<Value, std::string>) {
      auto read = json::try_value_to<Value>(from);
      if (read) out = *read;
      return read.has_value();
    } else if constexpr (std::is_enum_v<Value>) {
      if (!from.is_string()) return false;
      const auto word = std::ranges::find(kWordsOf<Value>, std::string_view(from.get_string()));
      out = static_cast<Value>(word - kWordsOf<Value>.begin());
      return word != kWordsOf<Value>.end();
    } else {
      if (!from.is_object()) return false;
      JsonReader inner(from.get_object());
      describe(inner, out);
      return inner.problem().empty();
    }
  }
  static bool take(const json::value& from, Pairs& out) {
    if (!from.is_object()) return false;
    bool sound = true;
    for (const auto& [name, each] : from.get_object())
      sound = take(each, out.emplace_back(std::string(name), "").second) && sound;
    return sound;
  }
  static bool take(const json::value& from, Event& out) {
    const auto read = [&](auto&... parts) {
      std::size_t i = 0;
      return from.get_array().size() == sizeof...(parts) && (take(from.get_array()[i++], parts) && ...);
    };
    return from.is_array() && std::apply(read, parts_of(out));
  }
  template <class Value>
  static bool take(const json::value& from, std::optional<Value>& out) {
    return from.is_null() || take(from, out.emplace());
  }
  template <class Value>
  static bool take(const json::value& from, std::vector<Value>& out) {
    if (!from.is_array()) return false;
    bool sound = true;
    for (const json::value& each : from.get_array()) sound = take(each, out.emplace_back()) && sound;
    return sound;
  }

  const json::object& object_;
  std::string problem_;
};

template <class Line>
Result<RunLine> read_line(JsonReader& members) {
  Line line;
  describe(members, line);
  if (!members.problem().empty()) return usage_error("{}", members.problem());
  return RunLine(std::move(line));
}

}  // namespace

void encode(const RunLine& line, std::string& out) {
  const std::size_t from = out.size();
  fmt::format_to(std::back_inserter(out), R"({{"type":"{}")", kTypes[line.index()]);
  JsonWriter members(out);
  if (std::holds_alternative<RunHeader>(line)) members("schema", std::string(kRunSchema));
  std::visit([&](const auto& each) { describe(members, each); }, line);
  const std::uint32_t crc = crc32(std::string_view(out).substr(from), "}");
  fmt::format_to(std::back_inserter(out), "{}{:08x}\"}}\n", kSealStart, crc);
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
  JsonReader members(value.get_object());
  std::string type;
  std::string schema(kRunSchema);
  members("type", type);
  if (type == kTypes[0]) members("schema", schema);
  if (!members.problem().empty()) return usage_error("{}", members.problem());
  if (schema != kRunSchema) return RunLine(OtherSchema{schema});
  const auto known = static_cast<std::size_t>(std::ranges::find(kTypes, type) - std::begin(kTypes));
  if (known == std::size(kTypes)) return RunLine(OtherLine{});
  return boost::mp11::mp_with_index<std::size(kTypes)>(
      known, [&](auto index) { return read_line<std::variant_alternative_t<index, RunLine>>(members); });
}

std::uint32_t crc32(std::string_view bytes, std::string_view tail) {
  boost::crc_32_type crc;
  crc.process_bytes(bytes.data(), bytes.size());
  crc.process_bytes(tail.data(), tail.size());
  return crc.checksum();
}

}  // namespace lab
