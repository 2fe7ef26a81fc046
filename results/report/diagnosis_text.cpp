#include "results/report/diagnosis.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "lab/core/utf8.hpp"
#include "results/render/as_json.hpp"
#include "results/render/formatting.hpp"

namespace lab {

BOOST_DESCRIBE_STRUCT(DiagnosisRow, (), (at_once, makespan_s, bursts, expected_s, ping_worst_s))

namespace {

constexpr std::size_t kTag = 8;
constexpr std::size_t kMaxColumns = 5;
constexpr std::size_t kCell = 6;

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
void add_figures(const std::string& name, const std::vector<std::optional<double>>& values, const Unit& unit,
                 const std::string& says, Page& page) {
  std::string line = name;
  for (const auto& value : values) line += pad(value ? number(*value, unit) : "", kCell, true);
  page.hanging(line + " " + unit.name + (says.empty() ? "" : "  "), says, columns(name));
}

void add_table(const DiagnosisReport& report, Page& page) {
  if (report.rows.empty()) return;
  std::string path = report.ping.substr(std::min(report.ping.size(), report.ping.find('/', 8)));
  if (path.empty()) path = "/";
  const std::size_t name = std::max<std::size_t>(9, report.ping_alone_s ? columns(path) + 1 : 0);
  std::string heading = pad("at once", name);
  std::vector<std::optional<double>> makespans, pings;
  double largest = 0;
  for (const DiagnosisRow* row : chosen(report.rows)) {
    heading += pad(fmt::format("{}", row->at_once), kCell, true);
    makespans.emplace_back(row->makespan_s);
    pings.push_back(row->ping_worst_s);
    largest = std::max(largest, row->makespan_s);
  }
  page.raw(heading + "\n");
  const Unit unit = largest >= 10 ? Unit{1, 2, "s"} : Unit{1e3, largest >= 0.1 ? 0 : 1, "ms"};
  std::string formula = report.formula;
  if (!formula.empty()) formula += fmt::format(", residual {:.1f} ms", report.verdict.residual_s * 1e3);
  add_figures(pad("makespan", name), makespans, unit, formula, page);
  if (!report.ping_alone_s) return;
  add_figures(pad(path, name), pings, unit, fmt::format("worst; {:.1f} ms alone", *report.ping_alone_s * 1e3),
              page);
}

void add_process(const DiagnosisReport& report, Page& page) {
  if (report.pid == 0) return;
  std::string text = fmt::format("pid {}", report.pid);
  if (report.seen.processes > 1) text += fmt::format(" and {} more", report.seen.processes - 1);
  if (report.seen.cpu_share) {
    text += fmt::format("  CPU {:.0f} %", 100 * std::min(1.0, *report.seen.cpu_share));
    if (report.verdict.bound_by == BoundBy::waiting) text += ": it waits, it does not compute";
    if (report.verdict.bound_by == BoundBy::cpu) text += ": it computes";
  }
  page.raw(text + "\n");
}

}  // namespace

std::string to_text(const DiagnosisReport& report, const TextStyle& style) {
  Page page({style.width, style.ascii, false}, 1);
  const auto entry = [&](const std::string& tag, const std::string& text) {
    page.entry(tag, text, false, std::max(kTag, tag.size() + 2));
  };
  std::string fits;
  if (report.verdict.bursts > 0 && report.verdict.execution != Execution::unknown)
    fits = fmt::format("   ({} of {} bursts fit)", report.verdict.fitting, report.verdict.bursts);
  entry(report.tag, report.headline + fits);
  add_table(report, page);
  if (report.pairs.pairs > 0) {
    entry("pairs", fmt::format("{} of {} pairs of kept connections waited for each other",
                               report.pairs.waiting, report.pairs.pairs));
  }
  add_process(report, page);
  for (const std::string& note : report.notes) entry("NOTE", note);
  for (const std::string& doubt : report.unsure) entry("UNSURE", doubt);
  const std::string experiment = report.command.empty() ? "" : ": " + report.command;
  if (!report.advice.empty()) entry("TRY", report.advice + experiment);
  return page.take();
}

namespace {

namespace json = boost::json;

json::value limit(const DiagnosisReport& report) {
  if (!report.verdict.limit) return nullptr;
  const Limit& limit = *report.verdict.limit;
  return {{"kind", limit.in_flight > 0 ? "in_flight" : "rate"},
          {"in_flight", json_or_none(limit.in_flight)},
          {"per_second", json_or_none(limit.per_second)},
          {"status", json_or_none(limit.status)}};
}

json::value pauses(const DiagnosisReport& report) {
  if (report.seen.watched.empty()) return nullptr;
  json::array all;
  for (const Pause& pause : report.pauses)
    all.push_back({{"at_s", seconds(pause.at)}, {"length_s", seconds(pause.length)}});
  return all;
}

}  // namespace

std::string to_json(const DiagnosisReport& report) {
  const Diagnosis& verdict = report.verdict;
  const Observations& seen = report.seen;
  json::value ping, process;
  if (!report.ping.empty()) ping = {{"url", as_json(report.ping)}, {"alone_s", as_json(report.ping_alone_s)}};
  if (report.pid > 0)
    process = {{"pid", report.pid}, {"processes", seen.processes}, {"cpu_share", as_json(seen.cpu_share)}};
  return json_line({{"schema", "lab.diagnose/1"},
                    {"complete", !seen.interrupted},
                    {"url", as_json(report.url)},
                    {"execution", as_json(verdict.execution)},
                    {"bound_by", as_json(verdict.bound_by)},
                    {"loop_blocked", as_json(verdict.loop_blocked)},
                    {"balanced", as_json(verdict.balanced)},
                    {"parallelism", json_or_none(verdict.parallelism)},
                    {"parallelism_is_at_least", report.at_least},
                    {"confidence", verdict.confidence},
                    {"service_s", verdict.service_s},
                    {"serial_part_s", json_or_none(verdict.serial_part_s)},
                    {"limit", limit(report)},
                    {"kept_lag_s", as_json(report.kept_lag_s)},
                    {"first_s", as_json(report.first_s)},
                    {"pauses", pauses(report)},
                    {"notes", as_json(report.notes)},
                    {"overhead_s", verdict.overhead_s},
                    {"residual_s", verdict.residual_s},
                    {"bursts", verdict.bursts},
                    {"bursts_that_fit", verdict.fitting},
                    {"evidence", as_json(report.rows)},
                    {"pairs", {{"tried", report.pairs.pairs}, {"waited", report.pairs.waiting}}},
                    {"says", as_json(report.headline)},
                    {"reason", as_json(verdict.reason)},
                    {"unsure", as_json(report.unsure)},
                    {"advice", as_json(report.advice)},
                    {"try", as_json(report.command)},
                    {"requests",
                     {{"sent", seen.sent},
                      {"ok", seen.answered},
                      {"unfinished", seen.unfinished},
                      {"errors", as_json(seen.failures)}}},
                    {"spent_s", seconds(seen.spent)},
                    {"ping", std::move(ping)},
                    {"process", std::move(process)}});
}

}  // namespace lab
