#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <map>

#include "harness/analysis/loop_cycle.hpp"
#include "harness/trace/occupancy.hpp"
#include "lab/page/page.hpp"
#include "results/render/as_json.hpp"
#include "results/report/format.hpp"
#include "results/report/lanes.hpp"
#include "results/store/set_aside.hpp"

namespace lab {

extern const ReportFormat k_format_json;

namespace {

// A slider's move asks for some 50,000 numbers, so they are written as they come.

void put(std::string& out, std::int64_t number) {
  const fmt::format_int digits(number);
  out.append(digits.data(), digits.size());
}

void put_all(std::string& out, std::initializer_list<std::int64_t> numbers) {
  char before = '[';
  for (const std::int64_t number : numbers) {
    out += before;
    put(out, number);
    before = ',';
  }
  out += ']';
}

/// `,"key":[…]`, each element written by `write`.
template <class Elements, class Write>
void put_array(std::string& out, std::string_view key, const Elements& elements, const Write& write) {
  fmt::format_to(std::back_inserter(out), ",\"{}\":[", key);
  bool first = true;
  for (const auto& each : elements) {
    if (!first) out += ',';
    first = false;
    write(each);
  }
  out += ']';
}

void put_text(std::string& out, std::string_view key, std::string_view text) {
  fmt::format_to(std::back_inserter(out), "\"{}\":{}", key, boost::json::serialize(json_text(text)));
}

std::size_t route_index(const Scenario& scenario, const std::string& name) {
  const auto found = std::ranges::find(scenario.routes, name, &Route::name);
  return static_cast<std::size_t>(found - scenario.routes.begin());
}

void put_lane(std::string& out, const Lane& lane, const Scenario& scenario) {
  out += "{\"request\":";
  put(out, lane.request);
  out += ",\"route\":";
  put(out, static_cast<std::int64_t>(route_index(scenario, lane.route)));
  out += ",\"worker\":";
  put(out, lane.worker);
  out += lane.answered ? ",\"answered\":true,\"end_ns\":" : ",\"answered\":false,\"end_ns\":";
  put(out, to_nanos(lane.end_s));
  put_array(out, "segments", lane.segments, [&](const LaneSegment& segment) {
    put_all(out, {to_nanos(segment.from_s), to_nanos(segment.to_s), static_cast<int>(segment.state)});
  });
  out += '}';
}

struct WorkerLoop {
  std::vector<LoopTurn> turns;
  std::vector<CycleChange> changes;
};

std::map<std::uint16_t, WorkerLoop> loops_of(const RunRepetition& repetition, const Scenario& scenario) {
  std::map<std::uint16_t, WorkerLoop> loops;
  for (const LoopTurn& turn : loop_turns(repetition.events)) loops[turn.worker].turns.push_back(turn);
  for (auto& [worker, loop] : loops)
    loop.changes = loop_changes(repetition.events, repetition.records, scenario.routes, worker);
  return loops;
}

}  // namespace

std::string picture_json(const std::vector<Lane>& lanes, const RunRepetition& repetition,
                         const Scenario& scenario) {
  Nanos zero = std::numeric_limits<Nanos>::max();
  Nanos end = 0;
  for (const RequestRecord& record : repetition.records) {
    if (record.sent != 0) zero = std::min(zero, record.sent);
    end = std::max({end, record.sent, record.received});
  }
  std::string out = "{";
  put_text(out, "arm", repetition.arm);
  out += ',';
  put_text(out, "case", repetition.case_id);
  out += ',';
  put_text(out, "engine", repetition.engine);
  out += ",\"number\":";
  put(out, repetition.number);
  out += ",\"requests\":";
  put(out, std::ssize(repetition.records));
  out += ",\"end_ns\":";
  put(out, end > zero ? end - zero : 0);
  put_array(out, "routes", scenario.routes,
            [&](const Route& route) { out += boost::json::serialize(json_text(route.name)); });
  put_array(out, "lanes", lanes, [&](const Lane& lane) { put_lane(out, lane, scenario); });
  put_array(out, "loops", loops_of(repetition, scenario), [&](const auto& each) {
    const auto& [worker, loop] = each;
    out += "{\"worker\":";
    put(out, worker);
    put_array(out, "turns", loop.turns, [&](const LoopTurn& turn) {
      put_all(out, {turn.from - zero, turn.to - zero});
    });
    put_array(out, "steps", loop.changes, [&](const CycleChange& change) {
      put_all(out, {change.at - zero, static_cast<int>(change.what), change.request});
    });
    out += '}';
  });
  return out += '}';
}

std::string page_json(const Report& report, const Scenario& scenario, const Run& run) {
  std::string out = R"({"schema":"lab.page/1","report":)";
  out += k_format_json.write({{report}}).value();
  out.pop_back();  // its newline
  put_array(out, "telling", telling_arms(report), [&](const ArmReport* arm) {
    out += boost::json::serialize(
        boost::json::object{{"arm", as_json(arm->arm)}, {"case", as_json(arm->case_id)}});
  });
  const auto drawn = [&](const ArmReport& arm) {
    const auto is_first = [&](const RunRepetition& one) {
      return one.arm == arm.arm && one.case_id == arm.case_id && one.engine == arm.engine.kind;
    };
    return std::ranges::find_if(run.repetitions, is_first);
  };
  std::vector<const ArmReport*> arms;
  for (const ArmReport& arm : report.arms) {
    if (!arm.lanes.empty() && drawn(arm) != run.repetitions.end()) arms.push_back(&arm);
  }
  put_array(out, "pictures", arms, [&](const ArmReport* arm) {
    RunRepetition room;
    out += picture_json(arm->lanes, whole(*drawn(*arm), room), scenario);
  });
  return out += "}\n";
}

}  // namespace lab
