#include "results/report/log_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "results/render/as_json.hpp"
#include "results/render/formatting.hpp"

namespace lab {

namespace {

constexpr std::size_t kBound = 9;
constexpr std::size_t kEngine = 12;  // `1.001–1.003`
constexpr std::size_t kVerdict = 14;
constexpr std::size_t kLeastWritten = 20;

std::string figure(const LogLine& line, const LogCell& cell) {
  if (cell.measured.samples.empty()) return "–";
  return quantity(cell.measured.median, line.row->measure.stat) + (cell.recorded ? "*" : "");
}

std::string range(const LogLine& line, const LogCell& cell) {
  return interval(cell.measured, unit_of(line.row->measure.stat, cell.measured.median));
}

std::string bound_text(const LogLine& line) {
  return line.bound ? quantity(*line.bound, line.row->measure.stat) : "–";
}

/// What was made of the claim where the run was shorter, or empty.
std::string scale_text(const LogLine& line) {
  return line.scale == 1 || !line.row->measure.stat.is_time() ? "" : fmt::format("× {:g}", line.scale);
}

std::string verdict_text(const LogLine& line) {
  const LogCell& cell = line.deciding();
  if (cell.measured.samples.empty()) return "not run";
  if (!line.row->judged) return "not judged";
  // Busy cores make a run slower, or its work smaller where that is calibrated on them; no claim true, but
  // that something takes long.
  const bool at_least = line.row->relation == Relation::above && line.row->measure.stat.is_time();
  const bool kept = cell.verdict == Verdict::reproduced && !at_least;
  const bool spoilt = !kept && cell.verdict != Verdict::impossible;
  return spoilt && !cell.disturbed.empty() ? "disturbed" : verdict_word(cell.verdict);
}

/// Below the figures stand their ranges, and below the claim what it was multiplied by.
void add_row(const LogLine& line, std::size_t written, std::size_t claimed, Page& page) {
  std::vector<std::string> rows = wrap(printable(line.row->written, page.style().ascii), "", 2, written);
  std::string figures = pad(line.row->claimed, claimed, true) + pad(bound_text(line), kBound, true);
  std::string ranges = pad(scale_text(line), claimed, true) + pad("", kBound);
  for (const LogCell& cell : line.cells) {
    figures += pad(figure(line, cell), kEngine, true);
    ranges += pad(range(line, cell), kEngine, true);
  }
  rows.resize(std::max<std::size_t>(rows.size(), 2));
  rows[0] = pad(rows[0], written) + figures + "  " + verdict_text(line);
  rows[1] = pad(rows[1], written) + ranges;
  for (std::string& row : rows) {
    row.erase(row.find_last_not_of(' ') + 1);
    if (!row.empty()) page.line(row);
  }
  if (!line.row->model.empty()) page.line("  Execution Model: " + line.row->model);
}

/// The reasons why figures are missing, each once, and how many are disturbed.
std::vector<std::string> remarks(const LogReport& report) {
  std::vector<std::string> found;
  std::size_t disturbed = 0, all = 0;
  for (const LogLine& line : report.lines) {
    for (const LogCell& cell : line.cells) {
      const std::string where = engine_name(cell.engine) + ", " + line.row->measure.scenario + ": ";
      if (!cell.absent.empty() && report.complete) add_once(found, where + cell.absent);
      disturbed += cell.disturbed.empty() ? 0 : 1;
      all += cell.measured.samples.empty() ? 0 : 1;
    }
  }
  if (disturbed > 0)
    found.push_back(fmt::format(
        "other programs used the cores during {} of {} figures; --format json names them", disturbed, all));
  return found;
}

bool any_recorded(const LogReport& report) {
  return std::ranges::any_of(
      report.lines, [](const LogLine& line) { return std::ranges::any_of(line.cells, &LogCell::recorded); });
}

std::string introduction(const LogReport& report) {
  return report.quick ? "The documents' timings beside what was run. × 0.1: at a tenth of the document's "
                        "duration, beside a tenth of its figure."
                      : "The documents' timings beside what was run, at the documents' own durations.";
}

constexpr const char* kLogLegend =
    "bound: what a server without any overhead would take; none for what computes. Below a figure of six "
    "runs stands their range. The verdict is about the document's figure, beside FastAPI's or, where that is "
    "missing, C++'s: agrees (within 20 %), ran slower or ran faster than it, impossible: below the bound, or "
    "disturbed: other programs used the cores. Rules of thumb and what an exercise presumes are not judged.";

}  // namespace

const LogCell& LogLine::deciding() const {
  const auto rank = [](const LogCell& cell) {
    return cell.measured.samples.empty() ? 0 : cell.engine == kFastapi ? 2 : 1;
  };
  return *std::ranges::max_element(cells, {}, rank);
}

std::string log_text(const LogReport& report, const TextStyle& style) {
  Page page(style, 60);
  std::size_t claimed = std::string_view("claimed").size();
  for (const LogLine& line : report.lines) claimed = std::max(claimed, columns(line.row->claimed));
  claimed += 1;
  const std::size_t figures = claimed + kBound + kEngine * report.engines.size() + kVerdict;
  const std::size_t written = std::max(kLeastWritten, page.width() - std::min(page.width(), figures));
  std::string headings =
      std::string(written, ' ') + pad("claimed", claimed, true) + pad("bound", kBound, true);
  for (const std::string& engine : report.engines) headings += pad(engine_name(engine), kEngine, true);
  page.paragraph(introduction(report));
  for (const Document& document : report.documents) {
    std::string place;
    for (const LogLine& line : report.lines) {
      if (line.row->document != document.id) continue;
      if (place.empty()) {
        page.blank();
        page.hanging(document.id + "  ", document.title, 4);
        page.line(headings);
      }
      if (line.row->place + line.row->measure.scenario != place) {
        place = line.row->place + line.row->measure.scenario;
        const std::string command = as_called("lab run " + line.row->measure.scenario);
        const std::size_t used = columns(line.row->place) + columns(command);
        page.line(line.row->place + std::string(page.width() > used + 2 ? page.width() - used : 2, ' ') +
                  command);
      }
      add_row(line, written, claimed, page);
    }
  }
  page.blank();
  page.paragraph(kLogLegend);
  if (any_recorded(report)) page.paragraph("* recorded earlier, on another machine");
  for (const std::string& remark : remarks(report)) page.entry("NOTE", remark);
  if (!report.complete) page.entry("WARN", "interrupted: rows without a figure have not been run", true);
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
                                {"relation", as_json(row.relation)},
                                {"unit", json_unit(row.measure.stat)},
                                {"scale", line.scale},
                                {"bound", as_json(line.bound)},
                                {"scenario", json_text(row.measure.scenario)},
                                {"arm", json_text(row.measure.arm)},
                                {"case", json_text(row.measure.case_id)},
                                {"stat", to_string(row.measure.stat)},
                                {"engines", std::move(engines)}});
  }
  json::object documents;
  for (const Document& document : report.documents) documents[document.id] = json_text(document.title);
  return json_line({{"schema", "lab.log/1"},
                    {"complete", report.complete},
                    {"quick", report.quick},
                    {"seconds", report.seconds},
                    {"documents", std::move(documents)},
                    {"rows", std::move(rows)}});
}

std::string log_csv(const LogReport& report) {
  Table table = note_table({"document", "place", "configuration", "execution_model", "claimed",
                            "claimed_value", "scale", "bound", "engine", "median", "low", "high", "n",
                            "recorded", "verdict", "scenario", "arm", "case", "stat"});
  for (const LogLine& line : report.lines) {
    const LogRow& row = *line.row;
    for (const LogCell& cell : line.cells) {
      const Estimate& measured = cell.measured;
      const bool there = !measured.samples.empty();
      table.rows.push_back(
          {{row.document, row.place, row.written, row.model, row.claimed, number_cell(row.value),
            number_cell(line.scale), number_cell(line.bound), cell.engine,
            there ? number_cell(measured.median) : "", number_cell(measured.low), number_cell(measured.high),
            std::to_string(measured.samples.size()), cell.recorded ? "true" : "false",
            std::string(to_string(cell.verdict)), row.measure.scenario, row.measure.arm, row.measure.case_id,
            to_string(row.measure.stat)}});
    }
  }
  return csv_table(table);
}

std::string log_markdown(const LogReport& report) {
  std::vector<std::string> headings{"document", "configuration", "Execution Model", "claimed", "bound"};
  for (const std::string& engine : report.engines) headings.push_back(engine_name(engine));
  headings.insert(headings.end(), {"verdict", "shown by"});
  Table table = note_table(headings);
  for (const LogLine& line : report.lines) {
    const std::string scale = scale_text(line);
    std::vector<std::string> cells{line.row->document + " " + line.row->place, line.row->written,
                                   line.row->model, line.row->claimed + (scale.empty() ? "" : " " + scale),
                                   bound_text(line)};
    for (const LogCell& cell : line.cells) {
      const std::string around = range(line, cell);
      cells.push_back(figure(line, cell) + (around.empty() ? "" : " (" + around + ")"));
    }
    cells.insert(cells.end(), {verdict_text(line), "lab run " + line.row->measure.scenario});
    table.rows.push_back({std::move(cells)});
  }
  std::string out = markdown_text(introduction(report)) + "\n\n" + markdown_table(table);
  if (any_recorded(report)) out += "\n\\* recorded earlier, on another machine\n";
  return out;
}

}  // namespace lab
