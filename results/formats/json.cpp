#include <fmt/format.h>
#include <sys/wait.h>

#include "results/render/as_json.hpp"
#include "results/report/format.hpp"

namespace lab {

namespace json = boost::json;

BOOST_DESCRIBE_STRUCT(Finding, (), (id, text))
BOOST_DESCRIBE_STRUCT(CheckRow, (), (text, passed, decided, detail))

json::value as_json(const Note& note) {
  json::object object{{"tag", as_json(to_string(note.kind))}, {"text", as_json(note.text)}};
  if (note.failed) object["failed"] = true;
  return object;
}

static json::value as_json(const Cause& cause) {
  return {{"cause", as_json(cause.name)}, {"s", as_json(cause.seconds)}};
}

static json::value as_json(const ServerUse& use) {
  return {{"processes", use.processes},
          {"private_bytes", use.private_peak},
          {"resident_bytes", use.resident_peak},
          {"virtual_bytes", use.virtual_peak},
          {"threads", use.threads_peak},
          {"cpu_s", static_cast<double>(use.cpu) * 1e-9},
          {"voluntary_switches", use.voluntary_switches},
          {"involuntary_switches", use.involuntary_switches}};
}

static json::value as_json(const ReportedDeath& death) {
  const bool by_signal = death.status && WIFSIGNALED(*death.status);
  const bool by_exit = death.status && !by_signal;
  const auto span = [](const std::optional<Nanos>& value) {
    return value ? json::value(seconds(*value)) : json::value(nullptr);
  };
  return {{"repetition", death.repetition},
          {"worker", death.worker},
          {"of_queue", death.of_queue},
          {"at_s", death.at_s},
          {"signal", by_signal ? json::value(WTERMSIG(*death.status)) : json::value(nullptr)},
          {"exit_code", by_exit ? json::value(WEXITSTATUS(*death.status)) : json::value(nullptr)},
          {"hung_s", span(death.silent)},
          {"back_after_s", span(death.back_after)},
          {"backoff_s", seconds(death.backoff)},
          {"gave_up", death.gave_up}};
}

namespace {

/// What the model gave stands in for a measurement where the engine is the model.
json::object figure_of(const EngineId& engine, const std::optional<Estimate>& measured,
                       const std::optional<double>& predicted) {
  if (measured || !engine.is(kModel) || !predicted) return json_estimate(measured);
  return json_estimate(Estimate{*predicted, {}, {}, {*predicted}});
}

json::value range_of(const std::optional<double>& low, const std::optional<double>& high) {
  return low ? json::array{as_json(low), as_json(high)} : json::value(nullptr);
}

json::object format_measure(const ArmReport& arm, const MeasureRow& row) {
  json::object object = figure_of(arm.engine, row.measured, row.predicted);
  object["stat"] = as_json(row.stat);
  object["predicted"] = as_json(row.predicted);
  object["predicted_range"] = range_of(row.predicted_low, row.predicted_high);
  object["documented"] = as_json(row.documented);
  object["unit"] = json_unit(row.stat);
  object["verdict"] = as_json(row.verdict);
  return object;
}

json::object format_arm(const ArmReport& arm) {
  json::array measures;
  for (const MeasureRow& row : arm.measures) measures.push_back(format_measure(arm, row));
  return {{"arm", as_json(arm.arm)},
          {"case", as_json(arm.case_id)},
          {"label", as_json(arm.label)},
          {"engine", as_json(arm.engine.kind)},
          {"mode", as_json(arm.mode)},
          {"workers", arm.workers},
          {"threads", as_json(arm.threads)},
          {"server", as_json(arm.server)},
          {"requests", arm.requests},
          {"repetitions", arm.repetitions},
          {"bound_s", as_json(arm.bound_s)},
          {"predicted_s", as_json(arm.predicted_s)},
          {"predicted_range_s", range_of(arm.predicted_low_s, arm.predicted_high_s)},
          {"pace", arm.pace},
          {"own_time_s", json_or_none(arm.own_time_s)},
          {"documented_s", as_json(arm.documented_s)},
          {"documented", json_text_or_null(arm.documented_text)},
          {"makespan_s", figure_of(arm.engine, arm.makespan_s, arm.predicted_s)},
          {"latency_s",
           {{"min", as_json(arm.latency_min_s)},
            {"median", as_json(arm.latency_median_s)},
            {"max", as_json(arm.latency_max_s)},
            {"p90", as_json(arm.latency_p90_s)},
            {"p99", as_json(arm.latency_p99_s)},
            {"p999", as_json(arm.latency_p999_s)},
            {"relative_error", arm.latency_error}}},
          {"books", as_json(arm.books)},
          {"measures", std::move(measures)},
          {"splits", as_json(arm.splits)},
          {"verdict", as_json(arm.verdict)},
          {"findings", as_json(arm.findings)},
          {"worker_deaths", as_json(arm.deaths)},
          {"formula", json_text_or_null(arm.formula)},
          {"not_run", json_text_or_null(arm.not_run)},
          {"above_bound_s", arm.above_bound.empty() ? nullptr : as_json(arm.above_bound_s)},
          {"above_bound", as_json(arm.above_bound)},
          {"lanes_repetition", arm.lanes_of > 0 ? json::value(arm.lanes_of) : nullptr},
          {"burst_skew_s", as_json(arm.burst_skew_s)},
          {"memory_bytes", json_or_none(arm.memory_bytes)}};
}

/// As json::serialize, but 1.003 is spelled `1.003` and not `1.003E0`; shortest digits that read back the
/// same.
void write(const json::value& value, std::string& out) {
  if (const json::object* object = value.if_object()) {
    const char* separator = "{";
    for (const auto& [key, member] : *object) {
      out += separator;
      out += json::serialize(json::string(key)) + ": ";
      write(member, out);
      separator = ", ";
    }
    out += object->empty() ? "{}" : "}";
  } else if (const json::array* array = value.if_array()) {
    const char* separator = "[";
    for (const json::value& element : *array) {
      out += separator;
      write(element, out);
      separator = ", ";
    }
    out += array->empty() ? "[]" : "]";
  } else if (value.is_double()) {
    const std::string digits = fmt::format("{}", value.get_double());
    // A figure of seconds is a real number for every reader, even where it happens to be whole.
    out += digits.find_first_of(".e") == std::string::npos ? digits + ".0" : digits;
  } else {
    out += json::serialize(value);
  }
}

std::string write_run(const Report& report) {
  json::array arms;
  for (const ArmReport& arm : report.arms) arms.push_back(format_arm(arm));
  std::string out;
  write({{"schema", "lab.run/1"},
         {"scenario", as_json(report.scenario)},
         {"question", as_json(report.question)},
         {"complete", report.complete},
         {"complete_reason", json_text_or_null(report.incomplete_reason)},
         {"predicted_only", report.predicted_only},
         {"seed", report.seed},
         {"path", json_text_or_null(report.path)},
         {"changes", json_text_or_null(report.changes)},
         {"planned_repetitions", report.planned_repetitions},
         {"headline", as_json(report.headline)},
         {"environment", json_environment(report)},
         {"arms", std::move(arms)},
         {"checks", as_json(report.checks)},
         {"remarks", as_json(report.remarks)}},
        out);
  return out += '\n';
}

}  // namespace

// Always one document.
extern const ReportFormat k_format_json{
    "json", [](const FormatInput& input) -> Result<std::string> {
      const std::string runs = one_by_one(input, ",", write_run);
      return input.reports.size() == 1 ? runs : "{\"schema\": \"lab.runs/1\", \"runs\": [" + runs + "]}\n";
    }};

}  // namespace lab
