#include <fmt/format.h>

#include <algorithm>

#include "lab/core/text.hpp"
#include "lab/core/utf8.hpp"
#include "results/render/spelling.hpp"
#include "results/render/wrap.hpp"
#include "results/report/diagnosis.hpp"

namespace lab {

namespace {

constexpr std::size_t kTag = 8;
constexpr std::size_t kMostColumns = 5;
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
  for (std::size_t drop = columns.size() - 2; columns.size() > kMostColumns && drop >= 2;
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
  if (!formula.empty()) formula += fmt::format(", residual {:.1f} ms", report.residual_s * 1e3);
  text += figures("makespan", makespans, unit, formula, style);
  if (!report.ping_alone_s) return text;
  const std::string path = report.ping.substr(std::min(report.ping.size(), report.ping.find('/', 8)));
  return text + figures(path.empty() ? "/" : path, pings, unit,
                        fmt::format("worst; {:.1f} ms alone", *report.ping_alone_s * 1e3), style);
}

std::string process(const DiagnosisReport& report) {
  if (report.pid == 0) return "";
  std::string text = fmt::format("pid {}", report.pid);
  if (report.processes > 1) text += fmt::format(" and {} more", report.processes - 1);
  if (!report.cpu_share) return text + "\n";
  text += fmt::format("  CPU {:.0f} %", 100 * std::min(1.0, *report.cpu_share));
  if (report.bound_by == "waiting") text += ": it waits, it does not compute";
  if (report.bound_by == "cpu") text += ": it computes";
  return text + "\n";
}

}  // namespace

std::string to_text(const DiagnosisReport& report, const TextStyle& style) {
  std::string fits;
  if (report.bursts > 0 && report.execution != "unknown")
    fits = fmt::format("   ({} of {} bursts fit)", report.fitting, report.bursts);
  std::string text = tagged_lines(report.tag, report.headline + fits, style);
  text += table(report, style);
  if (report.pairs > 0) {
    text += tagged_lines("pairs",
                         fmt::format("{} of {} pairs of kept connections waited for each other",
                                     report.pairs_waiting, report.pairs),
                         style);
  }
  text += process(report);
  for (const std::string& note : report.notes) text += tagged_lines("NOTE", note, style);
  for (const std::string& doubt : report.unsure) text += tagged_lines("UNSURE", doubt, style);
  const std::string experiment = report.command.empty() ? "" : ": " + report.command;
  if (!report.advice.empty()) text += tagged_lines("TRY", report.advice + experiment, style);
  return text;
}

}  // namespace lab
