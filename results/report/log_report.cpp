#include "results/report/log_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "lab/core/utf8.hpp"
#include "results/render/as_json.hpp"
#include "results/render/formatting.hpp"
#include "results/render/markup.hpp"
#include "results/render/wrap.hpp"

namespace lab {

namespace {

constexpr std::size_t kClaimed = 11;
constexpr std::size_t kFigure = 9;
constexpr std::size_t kVerdict = 14;
constexpr std::size_t kLeastWritten = 24;

std::string engine_heading(const std::string& engine) {
  return engine == "fastapi" ? "FastAPI" : "C++";
}

std::string figure(const Stat& stat, double value) {
  return quantity(value, unit_of(stat, value));
}

std::string figure(const LogLine& line, const LogCell& cell) {
  if (cell.measured.samples.empty()) return "–";
  return figure(line.row->measure.stat, cell.measured.median) + (cell.recorded ? "*" : "");
}

std::string bound_text(const LogLine& line) {
  return line.bound ? figure(line.row->measure.stat, *line.bound) : "–";
}

/// `10s × 0.1`: as the document writes it, and what was made of it.
std::string claimed_text(const LogLine& line) {
  if (line.scale == 1 || !line.row->measure.stat.is_time()) return line.row->claimed;
  return fmt::format("{} × {:g}", line.row->claimed, line.scale);
}

std::string verdict_text(const LogLine& line) {
  const LogCell& cell = line.deciding();
  if (cell.measured.samples.empty()) return "not run";
  return cell.disturbed.empty() ? verdict_word(cell.verdict) : "disturbed";
}

void add_row(const LogLine& line, std::size_t written, Page& page) {
  std::string figures =
      pad(claimed_text(line), kClaimed + 1, true) + pad(bound_text(line), kFigure + 1, true);
  for (const LogCell& cell : line.cells) figures += pad(figure(line, cell), kFigure + 1, true);
  bool first = true;
  for (const std::string& part : wrap(printable(line.row->written, page.style().ascii), "", 2, written)) {
    page.line(first ? pad(part, written) + figures + "  " + verdict_text(line) : part);
    first = false;
  }
  if (!line.row->model.empty()) page.line("  Execution Model: " + line.row->model);
}

/// The reasons why figures are missing or disturbed, each once.
std::vector<std::string> remarks(const LogReport& report) {
  std::vector<std::string> found;
  const auto add = [&](const std::string& text) {
    if (!text.empty() && !contains(found, text)) found.push_back(text);
  };
  for (const LogLine& line : report.lines) {
    for (const LogCell& cell : line.cells) {
      const std::string where = engine_heading(cell.engine) + ", " + line.row->measure.scenario + ": ";
      if (!cell.absent.empty() && report.complete) add(where + cell.absent);
      if (!cell.disturbed.empty()) add(where + cell.disturbed);
    }
  }
  return found;
}

bool any_recorded(const LogReport& report) {
  return std::any_of(report.lines.begin(), report.lines.end(), [](const LogLine& line) {
    return std::any_of(line.cells.begin(), line.cells.end(),
                       [](const LogCell& cell) { return cell.recorded; });
  });
}

std::string title_of(const LogReport& report, const std::string& document) {
  const auto found = std::find_if(report.documents.begin(), report.documents.end(),
                                  [&](const auto& one) { return one.first == document; });
  return found == report.documents.end() ? "" : found->second;
}

std::string introduction(const LogReport& report) {
  return report.quick ? "The documents' timings beside what was run, at shorter durations where the claim is "
                        "multiplied."
                      : "The documents' timings beside what was run, at the documents' own durations.";
}

constexpr const char* kBoundLegend =
    "bound: what a server without any overhead would take; none for what computes. Verdicts are about the "
    "document's figure: agrees "
    "(within 20 %), slower or faster than it, or impossible: below the bound.";

std::string exact_number(std::optional<double> value) {
  return value ? fmt::format("{:.9g}", *value) : "";
}

}  // namespace

const LogCell& LogLine::deciding() const {
  const auto rank = [](const LogCell& cell) {
    return cell.measured.samples.empty() ? 0 : cell.engine == kFastapi ? 2 : 1;
  };
  return *std::ranges::max_element(cells, {}, rank);
}

std::string log_text(const LogReport& report, const TextStyle& style) {
  Page page(style, 60);
  const std::size_t figures = kClaimed + 1 + (kFigure + 1) * (1 + report.engines.size()) + kVerdict;
  const std::size_t written = std::max(kLeastWritten, page.width() - std::min(page.width(), figures));
  std::string headings =
      std::string(written, ' ') + pad("claimed", kClaimed + 1, true) + pad("bound", kFigure + 1, true);
  for (const std::string& engine : report.engines) headings += pad(engine_heading(engine), kFigure + 1, true);
  page.paragraph(introduction(report));
  std::string document, place;
  for (const LogLine& line : report.lines) {
    if (line.row->document != document) {
      document = line.row->document;
      place.clear();
      page.blank();
      page.hanging(document + "  ", title_of(report, document), 4);
      page.line(headings);
    }
    if (line.row->place + line.row->measure.scenario != place) {
      place = line.row->place + line.row->measure.scenario;
      const std::string command = as_called("lab run " + line.row->measure.scenario);
      const std::size_t used = columns(line.row->place) + columns(command);
      page.line(line.row->place + std::string(page.width() > used + 2 ? page.width() - used : 2, ' ') +
                command);
    }
    add_row(line, written, page);
  }
  page.blank();
  page.paragraph(kBoundLegend);
  if (any_recorded(report)) page.paragraph("* recorded earlier, on another machine");
  for (const std::string& remark : remarks(report)) page.entry("NOTE", remark);
  if (!report.complete) page.entry("WARN", "interrupted: rows without a figure were not run", true);
  return page.take();
}

std::string log_json(const LogReport& report) {
  namespace json = boost::json;
  json::array rows;
  for (const LogLine& line : report.lines) {
    const LogRow& row = *line.row;
    json::object engines;
    for (const LogCell& cell : line.cells) {
      json::object object =
          json_estimate(cell.measured.samples.empty() ? std::nullopt : std::optional(cell.measured));
      object["recorded"] = cell.recorded;
      object["verdict"] = json_text(to_string(cell.verdict));
      object["absent"] = json_text_or_null(cell.absent);
      object["disturbed"] = json_text_or_null(cell.disturbed);
      engines[cell.engine] = std::move(object);
    }
    rows.push_back(json::object{{"document", json_text(row.document)},
                                {"place", json_text(row.place)},
                                {"configuration", json_text(row.written)},
                                {"execution_model", json_text_or_null(row.model)},
                                {"claimed", json_text(row.claimed)},
                                {"claimed_value", row.value},
                                {"unit", json_unit(row.measure.stat)},
                                {"scale", line.scale},
                                {"bound", json_number(line.bound)},
                                {"scenario", json_text(row.measure.scenario)},
                                {"arm", json_text(row.measure.arm)},
                                {"case", json_text(row.measure.case_id)},
                                {"stat", to_string(row.measure.stat)},
                                {"engines", std::move(engines)}});
  }
  json::object documents;
  for (const auto& [document, title] : report.documents) documents[document] = json_text(title);
  return json::serialize(json::object{{"schema", "lab.log/1"},
                                      {"complete", report.complete},
                                      {"quick", report.quick},
                                      {"seconds", report.seconds},
                                      {"documents", std::move(documents)},
                                      {"rows", std::move(rows)}}) +
         "\n";
}

std::string log_csv(const LogReport& report) {
  std::string out =
      "document,place,configuration,execution_model,claimed,claimed_value,scale,bound,engine,median,low,high,"
      "n,"
      "recorded,verdict,scenario,arm,case,stat\n";
  for (const LogLine& line : report.lines) {
    const LogRow& row = *line.row;
    for (const LogCell& cell : line.cells) {
      const bool there = !cell.measured.samples.empty();
      const std::vector<std::string> cells{row.document,
                                           row.place,
                                           row.written,
                                           row.model,
                                           row.claimed,
                                           exact_number(row.value),
                                           exact_number(line.scale),
                                           exact_number(line.bound),
                                           cell.engine,
                                           there ? exact_number(cell.measured.median) : "",
                                           exact_number(cell.measured.low),
                                           exact_number(cell.measured.high),
                                           std::to_string(cell.measured.samples.size()),
                                           cell.recorded ? "true" : "false",
                                           std::string(to_string(cell.verdict)),
                                           row.measure.scenario,
                                           row.measure.arm,
                                           row.measure.case_id,
                                           to_string(row.measure.stat)};
      out += csv_row(cells);
    }
  }
  return out;
}

std::string log_markdown(const LogReport& report) {
  Table table;
  for (const char* heading : {"document", "configuration", "Execution Model", "claimed", "bound"})
    table.columns.push_back({ColumnRole::note, heading});
  for (const std::string& engine : report.engines)
    table.columns.push_back({ColumnRole::note, engine_heading(engine)});
  for (const char* heading : {"verdict", "shown by"}) table.columns.push_back({ColumnRole::note, heading});
  for (const LogLine& line : report.lines) {
    std::vector<std::string> cells{line.row->document + " " + line.row->place, line.row->written,
                                   line.row->model, claimed_text(line), bound_text(line)};
    for (const LogCell& cell : line.cells) cells.push_back(figure(line, cell));
    cells.insert(cells.end(), {verdict_text(line), "lab run " + line.row->measure.scenario});
    table.rows.push_back({std::move(cells), ""});
  }
  std::string out = markdown_text(introduction(report)) + "\n\n" + markdown_table(table);
  if (any_recorded(report)) out += "\n\\* recorded earlier, on another machine\n";
  return out;
}

}  // namespace lab
