#include "results/report/format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <iterator>
#include <map>
#include <tuple>
#include <unordered_map>

#include "harness/trace/occupancy.hpp"
#include "lab/core/scenario.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

std::string json_quoted(std::string_view text) {
  return boost::json::serialize(boost::json::string(valid_utf8(text)));
}

std::string microseconds(Nanos at) {
  return fmt::format("{}.{:03}", at / kMicrosecond, at % kMicrosecond);
}

struct Part {
  std::string_view name;
  Nanos from = 0, to = 0;
};

/// The parts of a latency that are known; they follow each other without a gap (RequestRecord).
std::vector<Part> parts_of(const RequestRecord& record) {
  const std::array<std::pair<std::string_view, Nanos>, 6> moments{{{"", record.intended},
                                                                   {"lag", record.sent},
                                                                   {"unread", record.read},
                                                                   {"runnable", record.started},
                                                                   {"service", record.finished},
                                                                   {"reply", record.received}}};
  std::vector<Part> parts;
  Nanos before = record.intended;
  for (std::size_t i = 1; i < moments.size(); ++i) {
    const auto [name, at] = moments[i];
    // What follows an unknown moment begins there: nobody knows where the one ends and the other starts.
    if (at == 0 || at < before) continue;
    if (at > before) parts.push_back({name, before, at});
    before = at;
  }
  return parts;
}

/// Something that took a while on one track. The slices of a track never overlap.
struct Slice {
  std::string name;
  std::string_view category;
  std::uint32_t request = 0;  ///< 0: of no one request
  Nanos from = 0, to = 0;
};

bool is_one_of_many(Resource resource) {
  return resource != Resource::loop && resource != Resource::gil;
}

/// A worker's loop comes first, then its turns, then everything else in the order of Resource.
struct Track {
  std::uint16_t worker = 0;
  Resource resource = Resource::loop;
  bool turns = false;
  std::uint16_t unit = 0;

  std::string name() const {
    std::string text = fmt::format("worker {} {}", worker, to_string(resource));
    if (turns) text += " turns";
    if (is_one_of_many(resource)) text += fmt::format(" {}", unit);
    return text;
  }
  bool operator<(const Track& other) const {
    return std::tie(worker, resource, turns, unit) <
           std::tie(other.worker, other.resource, other.turns, other.unit);
  }
};

class Writer {
 public:
  Writer(const Scenario& scenario, const Run& run) : scenario_(scenario), run_(run) {}

  std::string write() {
    out_ = fmt::format("{{\"displayTimeUnit\":\"ms\",\"otherData\":{{\"scenario\":{}}},\"traceEvents\":[\n",
                       json_quoted(scenario_.name));
    for (const RunRepetition& repetition : run_.repetitions) write_process(repetition);
    return std::move(out_) + "\n]}\n";
  }

 private:
  template <class... Values>
  void event(fmt::format_string<Values...> form, Values&&... values) {
    if (!first_) out_ += ",\n";
    first_ = false;
    fmt::format_to(std::back_inserter(out_), form, std::forward<Values>(values)...);
  }

  /// `thing`: process or thread.
  void name(std::string_view thing, std::size_t track, const std::string& text, std::size_t place) {
    event(R"({{"ph":"M","pid":{},"tid":{},"name":"{}_name","args":{{"name":{}}}}})", pid_, track, thing,
          json_quoted(text));
    event(R"({{"ph":"M","pid":{},"tid":{},"name":"{}_sort_index","args":{{"sort_index":{}}}}})", pid_, track,
          thing, place);
  }

  /// A process of the trace is a repetition of an arm.
  void write_process(const RunRepetition& repetition) {
    ++pid_;
    zero_ = repetition.began;
    std::string arm = repetition.arm;
    if (repetition.engine != kNative) arm += " on " + repetition.engine;
    if (scenario_.cases.size() > 1) arm += ", " + repetition.case_id;
    name("process", 0, fmt::format("{}, repetition {}", arm, repetition.number),
         static_cast<std::size_t>(pid_));
    const auto tracks = tracks_of(repetition);
    std::size_t number = 0;
    for (const auto& [track, slices] : tracks) {
      ++number;
      name("thread", number, track.name(), number);
    }
    number = 0;
    for (const auto& [track, slices] : tracks) {
      ++number;
      for (const Slice& slice : slices) write_slice(slice, number);
    }
    for (const RequestRecord& record : repetition.records) write_request(record);
  }

  std::map<Track, std::vector<Slice>> tracks_of(const RunRepetition& repetition) const {
    std::unordered_map<std::uint32_t, std::uint32_t> route_of;
    for (const RequestRecord& record : repetition.records) route_of[record.id] = record.route;
    const auto name_of = [&](std::uint32_t request) {
      const auto route = route_of.find(request);
      if (request == 0) return std::string("idle connection");
      return route == route_of.end() || route->second >= scenario_.routes.size()
                 ? fmt::format("request {}", request)
                 : fmt::format("{} {}", scenario_.routes[route->second].name, request);
    };
    std::map<Track, std::vector<Slice>> tracks;
    for (const Hold& hold : Occupancy(repetition.events).holds) {
      const std::uint16_t unit = is_one_of_many(hold.resource) ? hold.unit : 0;
      tracks[{hold.worker, hold.resource, false, unit}].push_back(
          {name_of(hold.request), to_string(hold.resource), hold.request, hold.from, hold.to});
    }
    for (const LoopTurn& turn : loop_turns(repetition.events))
      tracks[{turn.worker, Resource::loop, true, 0}].push_back({"turn", "turn", 0, turn.from, turn.to});
    return tracks;
  }

  void write_slice(const Slice& slice, std::size_t track) {
    const Nanos from = std::max(slice.from, zero_);
    if (slice.to < from) return;
    const std::string args = slice.request == 0 ? "" : fmt::format("\"request\":{}", slice.request);
    event(R"({{"ph":"X","pid":{},"tid":{},"ts":{},"dur":{},"name":{},"cat":"{}","args":{{{}}}}})", pid_,
          track, microseconds(from - zero_), microseconds(slice.to - from), json_quoted(slice.name),
          slice.category, args);
  }

  void write_request(const RequestRecord& record) {
    if (record.outcome == Outcome::unsent) return;  // it has no time
    const std::vector<Part> parts = parts_of(record);
    const Nanos end = parts.empty() ? std::max(record.intended, record.sent) : parts.back().to;
    std::string name = "\"?\"";
    if (record.route < scenario_.routes.size()) {
      const Route& route = scenario_.routes[record.route];
      name = json_quoted(route.method + " " + route.path);
    }
    write_edge('b', record.id, name, record.intended,
               fmt::format(R"(,"args":{{"request":{},"outcome":"{}","status":{},"worker":{}}})", record.id,
                           to_string(record.outcome), record.status, record.worker));
    for (const Part& part : parts) {
      const std::string part_name = json_quoted(part.name);
      write_edge('b', record.id, part_name, part.from);
      write_edge('e', record.id, part_name, part.to);
    }
    write_edge('e', record.id, name, end);
  }

  void write_edge(char phase, std::uint32_t request, const std::string& name, Nanos at,
                  const std::string& more = "") {
    event(R"({{"ph":"{}","cat":"request","id2":{{"local":"{:#x}"}},"pid":{},"tid":0,"ts":{},"name":{}{}}})",
          phase, request, pid_, microseconds(at - zero_), name, more);
  }

  const Scenario& scenario_;
  const Run& run_;
  std::string out_;
  bool first_ = true;
  int pid_ = 0;
  Nanos zero_ = 0;
};

/// Chrome Trace Event Format as one JSON object, which Perfetto and chrome://tracing open (format:
/// "Trace Event Format", Google 2016). Microseconds from each repetition's time zero, exact to the
/// nanosecond. Who held what in every repetition, as tracks: the loop of each worker, its turns, each member
/// of its pool, each thread, its GIL, its connections to a database, the workers of its queues. A request is
/// a nestable asynchronous event, with one more inside it for each of its parts. Refuses a run whose servers
/// left no events.
Result<std::string> to_trace(const FormatInput& input) {
  const auto& repetitions = input.run->repetitions;
  const bool reported = std::ranges::any_of(
      repetitions, [](const RunRepetition& repetition) { return !repetition.events.empty(); });
  if (!reported) {
    return usage_error(
        "--format: trace shows who held what, and this run has no events of its servers; run it with "
        "--engine native, or take --format vegeta or csv");
  }
  return Writer(*input.scenario, *input.run).write();
}

}  // namespace

extern const ReportFormat k_format_trace{"trace", to_trace, true, true};

}  // namespace lab
