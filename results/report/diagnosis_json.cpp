#include <boost/json.hpp>

#include "results/report/diagnosis.hpp"

namespace lab {

namespace {

namespace json = boost::json;

template <class T>
json::value or_null(const std::optional<T>& value) {
  return value ? json::value(*value) : json::value(nullptr);
}

json::array evidence(const DiagnosisReport& report) {
  json::array rows;
  for (const DiagnosisRow& row : report.rows) {
    json::object object{{"at_once", row.at_once}, {"makespan_s", row.makespan_s}, {"bursts", row.bursts}};
    object["expected_s"] = row.expected_s > 0 ? json::value(row.expected_s) : json::value(nullptr);
    object["ping_worst_s"] = or_null(row.ping_worst_s);
    rows.push_back(std::move(object));
  }
  return rows;
}

json::value limit(const DiagnosisReport& report) {
  if (!report.limited) return nullptr;
  const auto or_none = [](auto value) { return value > 0 ? json::value(value) : json::value(nullptr); };
  return json::object{{"kind", report.limit_in_flight > 0 ? "in_flight" : "rate"},
                      {"in_flight", or_none(report.limit_in_flight)},
                      {"per_second", or_none(report.limit_per_second)},
                      {"status", or_none(report.limit_status)}};
}

json::array pauses(const DiagnosisReport& report) {
  json::array all;
  for (const auto& [at_s, length_s] : report.pauses)
    all.push_back(json::object{{"at_s", at_s}, {"length_s", length_s}});
  return all;
}

}  // namespace

std::string to_json(const DiagnosisReport& report) {
  json::object document{
      {"schema", "lab.diagnose/1"},
      {"complete", report.complete},
      {"url", report.url},
      {"execution", report.execution},
      {"bound_by", report.bound_by},
      {"loop_blocked", or_null(report.loop_blocked)},
      {"balanced", or_null(report.balanced)},
      {"parallelism", report.parallelism > 0 ? json::value(report.parallelism) : json::value(nullptr)},
      {"parallelism_is_at_least", report.at_least},
      {"confidence", report.confidence},
      {"service_s", report.service_s},
      {"serial_part_s", report.serial_part_s > 0 ? json::value(report.serial_part_s) : json::value(nullptr)},
      {"limit", limit(report)},
      {"kept_lag_s", or_null(report.kept_lag_s)},
      {"first_s", or_null(report.first_s)},
      {"pauses", report.watched ? json::value(pauses(report)) : json::value(nullptr)},
      {"notes", json::array(report.notes.begin(), report.notes.end())},
      {"overhead_s", report.overhead_s},
      {"residual_s", report.residual_s},
      {"bursts", report.bursts},
      {"bursts_that_fit", report.fitting},
      {"evidence", evidence(report)},
      {"pairs", {{"tried", report.pairs}, {"waited", report.pairs_waiting}}},
      {"says", report.headline},
      {"reason", report.reason},
      {"unsure", json::array(report.unsure.begin(), report.unsure.end())},
      {"advice", report.advice},
      {"try", report.command},
      {"requests", {{"sent", report.sent}, {"ok", report.answered}, {"unfinished", report.unfinished}}},
      {"spent_s", report.spent_s}};
  json::object errors;
  for (const auto& [kind, count] : report.failures) errors[kind] = count;
  document["requests"].as_object()["errors"] = errors;
  document["ping"] = nullptr;
  if (!report.ping.empty())
    document["ping"] = json::object{{"url", report.ping}, {"alone_s", or_null(report.ping_alone_s)}};
  document["process"] = nullptr;
  if (report.pid > 0) {
    document["process"] = json::object{
        {"pid", report.pid}, {"processes", report.processes}, {"cpu_share", or_null(report.cpu_share)}};
  }
  return json::serialize(document) + "\n";
}

}  // namespace lab
