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

using Loops = std::map<std::uint16_t, WorkerLoop>;

Loops loops_of(const RunRepetition& repetition, const Scenario& scenario) {
  Loops loops;
  for (const LoopTurn& turn : loop_turns(repetition.events)) loops[turn.worker].turns.push_back(turn);
  for (auto& [worker, loop] : loops)
    loop.changes = loop_changes(repetition.events, repetition.records, scenario.routes, worker);
  return loops;
}

/// Of more requests no loop is drawn.
constexpr std::size_t kMaxLooped = 5'000;

/// What a picture is of.
struct Pictured {
  std::string_view arm, case_id, engine;
  int number = 1;
  std::int64_t requests = 0, sent = 0;
  Nanos zero = 0, end = 0;
};

std::string put_picture(const Pictured& of, const std::vector<Lane>& lanes, const Loops& loops,
                        const Scenario& scenario) {
  std::string out = "{";
  put_text(out, "arm", of.arm);
  out += ',';
  put_text(out, "case", of.case_id);
  out += ',';
  put_text(out, "engine", of.engine);
  const std::pair<std::string_view, std::int64_t> numbers[] = {
      {"number", of.number},
      {"requests", of.requests},
      {"sent", of.sent},
      {"end_ns", of.end > of.zero ? of.end - of.zero : 0}};
  for (const auto& [key, number] : numbers) {
    fmt::format_to(std::back_inserter(out), ",\"{}\":", key);
    put(out, number);
  }
  put_array(out, "routes", scenario.routes,
            [&](const Route& route) { out += boost::json::serialize(json_text(route.name)); });
  put_array(out, "lanes", lanes, [&](const Lane& lane) { put_lane(out, lane, scenario); });
  put_array(out, "loops", loops, [&](const auto& each) {
    const auto& [worker, loop] = each;
    out += "{\"worker\":";
    put(out, worker);
    put_array(out, "turns", loop.turns, [&](const LoopTurn& turn) {
      put_all(out, {turn.from - of.zero, turn.to - of.zero});
    });
    put_array(out, "steps", loop.changes, [&](const CycleChange& change) {
      put_all(out, {change.at - of.zero, static_cast<int>(change.what), change.request});
    });
    out += '}';
  });
  return out += '}';
}

/// Of an arm that nobody ran: what the model says of it.
std::string predicted_picture(const ArmReport& arm, const Scenario& scenario) {
  Pictured of{.arm = arm.arm, .case_id = arm.case_id, .engine = arm.engine.kind};
  of.requests = of.sent = arm.requests;
  of.end = to_nanos(arm.predicted_s.value_or(0));
  for (const Lane& lane : arm.lanes) of.end = std::max(of.end, to_nanos(lane.end_s));
  return put_picture(of, arm.lanes, {}, scenario);
}

/// The arms' tables, as every report has them.
void put_table(std::string& out, const Table& table) {
  const auto texts = [](const std::vector<std::string>& cells) {
    return boost::json::serialize(as_json(cells));
  };
  std::vector<std::string> headings;
  std::vector<std::string> right;
  for (const Column& column : table.columns) {
    headings.push_back(column.heading);
    right.emplace_back(column.right ? "true" : "false");
  }
  const auto claimed = std::ranges::find(table.columns, ColumnRole::log, &Column::role);
  fmt::format_to(std::back_inserter(out), "{{\"headings\":{},\"right\":[{}],\"claimed\":{}", texts(headings),
                 fmt::join(right, ","), claimed - table.columns.begin());
  put_array(out, "rows", table.rows, [&](const TableRow& row) {
    fmt::format_to(std::back_inserter(out), "{{\"cells\":{},", texts(row.cells));
    put_text(out, "rest", row.rest);
    out += ',';
    put_text(out, "verdict", to_string(row.verdict));
    out += '}';
  });
  out += '}';
}

}  // namespace

std::string picture_json(const std::vector<Lane>& lanes, const RunRepetition& repetition,
                         const Scenario& scenario) {
  Pictured of{.arm = repetition.arm, .case_id = repetition.case_id, .engine = repetition.engine};
  of.number = repetition.number;
  of.requests = std::ssize(repetition.records);
  of.zero = std::numeric_limits<Nanos>::max();
  for (const RequestRecord& record : repetition.records) {
    if (record.sent != 0) of.zero = std::min(of.zero, record.sent);
    if (record.sent != 0) ++of.sent;
    of.end = std::max({of.end, record.sent, record.received});
  }
  const bool looped = repetition.records.size() <= kMaxLooped;
  return put_picture(of, lanes, looped ? loops_of(repetition, scenario) : Loops{}, scenario);
}

std::string page_json(const Report& report, const Scenario& scenario, const Run& run, bool chosen) {
  std::string out = R"({"schema":"lab.page/1","report":)";
  out += k_format_json.write({{report}}).value();
  out.pop_back();  // its newline
  std::vector<const ArmReport*> arms;
  for (const ArmReport& arm : report.arms) {
    if (!arm.lanes.empty()) arms.push_back(&arm);
  }
  put_array(out, "telling", chosen ? arms : telling_arms(report), [&](const ArmReport* arm) {
    out += boost::json::serialize(boost::json::object{
        {"arm", as_json(arm->arm)}, {"case", as_json(arm->case_id)}, {"engine", as_json(arm->engine.kind)}});
  });
  put_array(out, "pictures", arms, [&](const ArmReport* arm) {
    const auto is_drawn = [&](const RunRepetition& one) {
      return one.arm == arm->arm && one.case_id == arm->case_id && one.engine == arm->engine.kind &&
             one.number == arm->lanes_of;
    };
    const auto drawn = std::ranges::find_if(run.repetitions, is_drawn);
    RunRepetition room;
    out += drawn == run.repetitions.end() ? predicted_picture(*arm, scenario)
                                          : picture_json(arm->lanes, whole(*drawn, room), scenario);
  });
  std::vector<Table> tables{make_table(report, false), make_worker_table(report)};
  std::erase_if(tables, [](const Table& table) { return table.rows.empty(); });
  put_array(out, "tables", tables, [&](const Table& table) { put_table(out, table); });
  out += ',';
  put_text(out, "command", report.command);
  return out += "}\n";
}

}  // namespace lab
