#include <fmt/format.h>

#include <boost/json.hpp>

#include "lab/core/utf8.hpp"
#include "results/report/export.hpp"
#include "results/report/format.hpp"
#include "results/store/json_words.hpp"

namespace lab {

namespace json = boost::json;

namespace {

json::value server_use(const ArmReport& arm) {
  if (!arm.server) return nullptr;
  const ServerUse& use = *arm.server;
  return json::object{{"processes", use.processes},
                      {"private_bytes", use.private_peak},
                      {"resident_bytes", use.resident_peak},
                      {"virtual_bytes", use.virtual_peak},
                      {"threads", use.threads_peak},
                      {"cpu_s", static_cast<double>(use.cpu) * 1e-9},
                      {"voluntary_switches", use.voluntary_switches},
                      {"involuntary_switches", use.involuntary_switches}};
}

/// What the model gave stands in for a measurement where the engine is the model.
std::optional<Estimate> figure_of(const EngineId& engine, const std::optional<Estimate>& measured,
                                  const std::optional<double>& predicted) {
  if (measured || !engine.is(kModel) || !predicted) return measured;
  return Estimate{*predicted, {}, {}, {*predicted}};
}

json::object format_measure(const ArmReport& arm, const MeasureRow& row) {
  json::object object = json_estimate(figure_of(arm.engine, row.measured, row.predicted));
  object["stat"] = to_string(row.stat);
  object["predicted"] = json_number(row.predicted);
  object["predicted_range"] =
      row.predicted_low ? json::value{json_number(row.predicted_low), json_number(row.predicted_high)}
                        : json::value(nullptr);
  object["documented"] = json_number(row.documented);
  object["unit"] = json_unit(row.stat);
  object["verdict"] = json_text(to_string(row.verdict));
  return object;
}

json::array format_splits(const ArmReport& arm) {
  json::array splits;
  for (const std::vector<std::int64_t>& repetition : arm.splits) {
    splits.emplace_back(json::array(repetition.begin(), repetition.end()));
  }
  return splits;
}

json::object format_arm(const ArmReport& arm) {
  json::array measures;
  for (const MeasureRow& row : arm.measures) measures.push_back(format_measure(arm, row));
  json::array findings;
  for (const Finding& row : arm.findings)
    findings.push_back({{"id", json_text(row.id)}, {"text", json_text(row.text)}});
  json::array causes;
  for (const Cause& cause : arm.above_bound) {
    causes.push_back({{"cause", json_text(cause.name)}, {"s", json_number(cause.seconds)}});
  }
  return {{"arm", json_text(arm.arm)},
          {"case", json_text(arm.case_id)},
          {"label", json_text(arm.label)},
          {"engine", json_text(arm.engine.kind)},
          {"mode", json_text(arm.mode)},
          {"workers", arm.workers},
          {"threads", arm.threads ? json::value(*arm.threads) : json::value(nullptr)},
          {"server", server_use(arm)},
          {"requests", arm.requests},
          {"repetitions", arm.repetitions},
          {"bound_s", json_number(arm.bound_s)},
          {"predicted_s", json_number(arm.predicted_s)},
          {"predicted_range_s", arm.predicted_low_s ? json::value{json_number(arm.predicted_low_s),
                                                                  json_number(arm.predicted_high_s)}
                                                    : json::value(nullptr)},
          {"pace", arm.pace},
          {"own_time_s", arm.own_time_s > 0 ? json_number(arm.own_time_s) : json::value(nullptr)},
          {"documented_s", json_number(arm.documented_s)},
          {"documented", json_text_or_null(arm.documented_text)},
          {"makespan_s", json_estimate(figure_of(arm.engine, arm.makespan_s, arm.predicted_s))},
          {"latency_s",
           {{"min", json_number(arm.latency_min_s)},
            {"median", json_number(arm.latency_median_s)},
            {"max", json_number(arm.latency_max_s)},
            {"p90", json_number(arm.latency_p90_s)},
            {"p99", json_number(arm.latency_p99_s)},
            {"p999", json_number(arm.latency_p999_s)},
            {"relative_error", arm.latency_error}}},
          {"books", json_books(arm.books)},
          {"measures", std::move(measures)},
          {"splits", format_splits(arm)},
          {"verdict", json_text(to_string(arm.verdict))},
          {"findings", std::move(findings)},
          {"formula", json_text_or_null(arm.formula)},
          {"not_run", json_text_or_null(arm.not_run)},
          {"above_bound_s",
           arm.above_bound.empty() ? json::value(nullptr) : json::value(json_number(arm.above_bound_s))},
          {"above_bound", std::move(causes)},
          {"burst_skew_s", json_number(arm.burst_skew_s)},
          {"memory_bytes",
           arm.memory_bytes > 0 ? json::value(json_number(arm.memory_bytes)) : json::value(nullptr)}};
}

json::object format_environment(const Report& report) {
  json::object environment{
      {"cores", report.cores}, {"kernel", json_text(report.kernel)}, {"noise", json_text(report.noise)}};
  for (const auto& [key, value] : report.environment) environment.emplace(valid_utf8(key), json_text(value));
  return environment;
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

}  // namespace

std::string to_json(const Report& report) {
  json::array arms;
  for (const ArmReport& arm : report.arms) arms.push_back(format_arm(arm));
  json::array checks;
  for (const CheckRow& check : report.checks) {
    checks.push_back({{"text", json_text(check.text)},
                      {"passed", check.passed},
                      {"decided", check.decided},
                      {"detail", json_text(check.detail)}});
  }
  json::array remarks;
  for (const Note& remark : report.remarks)
    remarks.push_back({{"tag", json_text(to_string(remark.kind))}, {"text", json_text(remark.text)}});
  json::array headline;
  for (const Stat& stat : report.headline) headline.push_back(json::string(to_string(stat)));
  const json::object document{{"schema", "lab.run/1"},
                              {"scenario", json_text(report.scenario)},
                              {"question", json_text(report.question)},
                              {"complete", report.complete},
                              {"complete_reason", json_text_or_null(report.incomplete_reason)},
                              {"predicted_only", report.predicted_only},
                              {"seed", report.seed},
                              {"path", json_text_or_null(report.path)},
                              {"changes", json_text_or_null(report.changes)},
                              {"planned_repetitions", report.planned_repetitions},
                              {"headline", std::move(headline)},
                              {"environment", format_environment(report)},
                              {"arms", std::move(arms)},
                              {"checks", std::move(checks)},
                              {"remarks", std::move(remarks)}};
  std::string out;
  write(document, out);
  return out += '\n';
}

// Always one document.
extern const ReportFormat k_format_json{
    "json", [](const FormatInput& input) -> Result<std::string> {
      if (input.reports.size() == 1) return to_json(input.reports.front());
      return "{\"schema\": \"lab.runs/1\", \"runs\": [" +
             one_by_one(input, ",", [](const Report& report) { return to_json(report); }) + "]}\n";
    }};

}  // namespace lab
