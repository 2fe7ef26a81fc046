#include "results/report/diagnosis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "lab/core/text.hpp"
#include "lab/core/utf8.hpp"
#include "results/render/formatting.hpp"
#include "results/render/wrap.hpp"

namespace lab {

namespace {

constexpr std::size_t kTag = 8;
constexpr std::size_t kMaxColumns = 5;
constexpr std::size_t kCell = 6;

std::string tagged_lines(const std::string& tag, const std::string& text, const TextStyle& style) {
  const std::size_t indent = std::max(kTag, tag.size() + 2);
  return join(wrap(printable(text, style.ascii), pad(tag, indent), indent,
                   static_cast<std::size_t>(style.width)),
              "\n") +
         "\n";
}

/// Those that show it best: the first two and the last, and of the others every second.
std::vector<const DiagnosisRow*> chosen(const std::vector<DiagnosisRow>& rows) {
  std::vector<const DiagnosisRow*> columns;
  for (const DiagnosisRow& row : rows) columns.push_back(&row);
  for (std::size_t drop = columns.size() - 2; columns.size() > kMaxColumns && drop >= 2;
       drop -= std::min<std::size_t>(drop, 2))
    columns.erase(columns.begin() + static_cast<std::ptrdiff_t>(drop));
  return columns;
}

/// One row of the table: a figure a column, the unit behind the last one, then what it says.
std::string figures(const std::string& name, const std::vector<std::optional<double>>& values,
                    const Unit& unit, const std::string& says, const TextStyle& style) {
  std::string line = pad(shorten(name, 9, style.ascii), 9);
  for (const auto& value : values) line += pad(value ? number(*value, unit) : "", kCell, true);
  line += " " + unit.name;
  if (says.empty()) return line + "\n";
  return join(wrap(printable(says, style.ascii), line + "  ", 9, static_cast<std::size_t>(style.width)),
              "\n") +
         "\n";
}

std::string table(const DiagnosisReport& report, const TextStyle& style) {
  if (report.rows.empty()) return "";
  const auto columns = chosen(report.rows);
  std::string text = pad("at once", 9);
  std::vector<std::optional<double>> makespans, pings;
  double largest = 0;
  for (const DiagnosisRow* row : columns) {
    text += pad(fmt::format("{}", row->at_once), kCell, true);
    makespans.emplace_back(row->makespan_s);
    pings.push_back(row->ping_worst_s);
    largest = std::max(largest, row->makespan_s);
  }
  text += "\n";
  Unit unit = largest >= 10 ? Unit{1, 2, "s"} : Unit{1e3, largest >= 0.1 ? 0 : 1, "ms"};
  std::string formula = report.formula;
  if (!formula.empty()) formula += fmt::format(", residual {:.1f} ms", report.verdict.residual_s * 1e3);
  text += figures("makespan", makespans, unit, formula, style);
  if (!report.ping_alone_s) return text;
  const std::string path = report.ping.substr(std::min(report.ping.size(), report.ping.find('/', 8)));
  return text + figures(path.empty() ? "/" : path, pings, unit,
                        fmt::format("worst; {:.1f} ms alone", *report.ping_alone_s * 1e3), style);
}

std::string process(const DiagnosisReport& report) {
  if (report.pid == 0) return "";
  std::string text = fmt::format("pid {}", report.pid);
  if (report.seen.processes > 1) text += fmt::format(" and {} more", report.seen.processes - 1);
  if (!report.seen.cpu_share) return text + "\n";
  text += fmt::format("  CPU {:.0f} %", 100 * std::min(1.0, *report.seen.cpu_share));
  if (report.verdict.bound_by == BoundBy::waiting) text += ": it waits, it does not compute";
  if (report.verdict.bound_by == BoundBy::cpu) text += ": it computes";
  return text + "\n";
}

}  // namespace

std::string to_text(const DiagnosisReport& report, const TextStyle& style) {
  std::string fits;
  if (report.verdict.bursts > 0 && report.verdict.execution != Execution::unknown)
    fits = fmt::format("   ({} of {} bursts fit)", report.verdict.fitting, report.verdict.bursts);
  std::string text = tagged_lines(report.tag, report.headline + fits, style);
  text += table(report, style);
  if (report.pairs.pairs > 0) {
    text += tagged_lines("pairs",
                         fmt::format("{} of {} pairs of kept connections waited for each other",
                                     report.pairs.waiting, report.pairs.pairs),
                         style);
  }
  text += process(report);
  for (const std::string& note : report.notes) text += tagged_lines("NOTE", note, style);
  for (const std::string& doubt : report.unsure) text += tagged_lines("UNSURE", doubt, style);
  const std::string experiment = report.command.empty() ? "" : ": " + report.command;
  if (!report.advice.empty()) text += tagged_lines("TRY", report.advice + experiment, style);
  return text;
}

namespace {

namespace json = boost::json;

template <class T>
json::value or_null(const std::optional<T>& value) {
  return value ? json::value(*value) : json::value(nullptr);
}

/// null for nought.
template <class T>
json::value or_none(T value) {
  return value > 0 ? json::value(value) : json::value(nullptr);
}

json::array evidence(const DiagnosisReport& report) {
  json::array rows;
  for (const DiagnosisRow& row : report.rows) {
    json::object object{{"at_once", row.at_once}, {"makespan_s", row.makespan_s}, {"bursts", row.bursts}};
    object["expected_s"] = or_none(row.expected_s);
    object["ping_worst_s"] = or_null(row.ping_worst_s);
    rows.push_back(std::move(object));
  }
  return rows;
}

json::value limit(const DiagnosisReport& report) {
  if (!report.verdict.limit) return nullptr;
  const Limit& limit = *report.verdict.limit;
  return json::object{{"kind", limit.in_flight > 0 ? "in_flight" : "rate"},
                      {"in_flight", or_none(limit.in_flight)},
                      {"per_second", or_none(limit.per_second)},
                      {"status", or_none(limit.status)}};
}

json::array pauses(const DiagnosisReport& report) {
  json::array all;
  for (const Pause& pause : report.pauses)
    all.push_back(json::object{{"at_s", seconds(pause.at)}, {"length_s", seconds(pause.length)}});
  return all;
}

}  // namespace

std::string to_json(const DiagnosisReport& report) {
  const Diagnosis& verdict = report.verdict;
  const Observations& seen = report.seen;
  json::object document{
      {"schema", "lab.diagnose/1"},
      {"complete", !seen.interrupted},
      {"url", report.url},
      {"execution", json::string(to_string(verdict.execution))},
      {"bound_by", json::string(to_string(verdict.bound_by))},
      {"loop_blocked", or_null(verdict.loop_blocked)},
      {"balanced", or_null(verdict.balanced)},
      {"parallelism", or_none(verdict.parallelism)},
      {"parallelism_is_at_least", report.at_least},
      {"confidence", verdict.confidence},
      {"service_s", verdict.service_s},
      {"serial_part_s", or_none(verdict.serial_part_s)},
      {"limit", limit(report)},
      {"kept_lag_s", or_null(report.kept_lag_s)},
      {"first_s", or_null(report.first_s)},
      {"pauses", seen.watched.empty() ? json::value(nullptr) : json::value(pauses(report))},
      {"notes", json::array(report.notes.begin(), report.notes.end())},
      {"overhead_s", verdict.overhead_s},
      {"residual_s", verdict.residual_s},
      {"bursts", verdict.bursts},
      {"bursts_that_fit", verdict.fitting},
      {"evidence", evidence(report)},
      {"pairs", {{"tried", report.pairs.pairs}, {"waited", report.pairs.waiting}}},
      {"says", report.headline},
      {"reason", verdict.reason},
      {"unsure", json::array(report.unsure.begin(), report.unsure.end())},
      {"advice", report.advice},
      {"try", report.command},
      {"requests", {{"sent", seen.sent}, {"ok", seen.answered}, {"unfinished", seen.unfinished}}},
      {"spent_s", seconds(seen.spent)}};
  json::object errors;
  for (const auto& [kind, count] : seen.failures) errors[kind] = count;
  document["requests"].as_object()["errors"] = errors;
  document["ping"] = nullptr;
  if (!report.ping.empty())
    document["ping"] = json::object{{"url", report.ping}, {"alone_s", or_null(report.ping_alone_s)}};
  document["process"] = nullptr;
  if (report.pid > 0) {
    document["process"] = json::object{
        {"pid", report.pid}, {"processes", seen.processes}, {"cpu_share", or_null(seen.cpu_share)}};
  }
  return json::serialize(document) + "\n";
}

}  // namespace lab
