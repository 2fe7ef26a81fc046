#include "results/report/diagnosis_lines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "harness/diagnosis/burst_fit.hpp"
#include "lab/core/text.hpp"
#include "results/render/as_json.hpp"
#include "results/render/formatting.hpp"

namespace lab {

BOOST_DESCRIBE_STRUCT(CodePlace, (), (file, line, function))
BOOST_DESCRIBE_STRUCT(CallShare, (), (call, about, share, idle))

namespace {

namespace json = boost::json;

struct KnownCause {
  LineCause cause;
  std::string_view id, title;
};

constexpr KnownCause kCauses[] = {{LineCause::blocked_loop, "LAB101", "event loop blocked"},
                                  {LineCause::full_pool, "LAB102", "pool exhausted"},
                                  {LineCause::held_lock, "LAB102", "a lock lets in one at a time"},
                                  {LineCause::few_connections, "LAB104", "connection pool exhausted"},
                                  {LineCause::interpreter, "LAB103", "computing under a GIL"},
                                  {LineCause::busy_worker, "LAB102", "its only thread is busy"}};

std::string percent(double share) {
  return fmt::format("{:.0f} %", 100 * share);
}

/// A prediction is no measurement: 0.0512 becomes 0.051.
double two_digits(double value) {
  const double unit = std::pow(10, std::floor(std::log10(value)) - 1);
  return std::round(value / unit) * unit;
}

std::string place_words(const CodePlace& place, const std::string& folder) {
  if (place.file.empty()) return "";
  std::string file = place.file;
  if (!folder.empty() && folder != "/" && file.starts_with(folder + "/"))
    file = file.substr(folder.size() + 1);
  if (place.line == 0) return fmt::format("{} in {}()", file, place.function);
  if (place.function.empty()) return fmt::format("{}:{}", file, place.line);
  return fmt::format("{}:{} in {}()", file, place.line, place.function);
}

std::string says_of(const NamedLine& line, const std::string& folder) {
  std::string text;
  switch (line.cause) {
    case LineCause::blocked_loop:
      if (line.place.file.empty()) {
        text = fmt::format("its thread was in {} for {} of the time", line.call, percent(line.share));
        break;
      }
      text = fmt::format("{} of the loop's late time ({} in all, {} of each request)", percent(line.share),
                         format_seconds(line.late_s), format_seconds(line.per_request_s));
      break;
    case LineCause::full_pool:
      text = fmt::format("all {} of {} are taken{}; {} of the threads are in it", line.limit, line.resource,
                         line.waiting > 0 ? fmt::format(" and up to {} requests wait", line.waiting) : "",
                         percent(line.share));
      break;
    case LineCause::held_lock:
      text = fmt::format("up to {} wait for {} while one holds it", line.waiting, line.resource);
      break;
    case LineCause::few_connections:
      text = fmt::format("up to {} wait until one of the {} in {} is done", line.waiting,
                         line.limit > 0 ? number_word(line.limit) : "few", line.resource);
      break;
    case LineCause::interpreter:
      text = fmt::format("{} of the busy threads compute in it, one at a time", percent(line.share));
      break;
    case LineCause::busy_worker:
      text = fmt::format("{} of what the threads did that serve requests", percent(line.share));
      break;
  }
  if (line.returns_it && line.inside)
    text += fmt::format("; the framework was working on its result, in {}()", line.inside->function);
  if (line.waits_at) text += fmt::format("; others wait at {}", place_words(*line.waits_at, folder));
  std::vector<std::string> callers;
  constexpr std::size_t kMost = 3;
  for (const CodePlace& place : line.called_from) {
    if (callers.size() < kMost) callers.push_back(place_words(place, folder));
  }
  if (!callers.empty()) text += "; called from " + join(callers, ", from ");
  return text;
}

std::string described(const ProbedProcess& process) {
  std::string text = process.language + " " + process.version;
  if (!process.loop.empty() && process.loop != "libuv") text += fmt::format(" ({})", process.loop);
  return text;
}

std::optional<std::string> given(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

json::object as_object(const LineReport& report) {
  const NamedLine& line = report.line;
  json::array fixes;
  for (const LineFix& fix : report.fixes)
    fixes.push_back({{"text", as_json(fix.text)},
                     {"predicted_s", as_json(fix.predicted_s)},
                     {"advice", fix.advice},
                     {"advise", as_json(given(fix.command))}});
  return {{"id", as_json(report.id)},
          {"title", as_json(report.title)},
          {"cause", as_json(line.cause)},
          {"where", as_json(report.where)},
          {"file", as_json(given(line.place.file))},
          {"line", json_or_none(line.place.line)},
          {"function", as_json(given(line.place.function))},
          {"call", as_json(given(line.call))},
          {"source", as_json(line.source)},
          {"share", line.share},
          {"late_s", line.late_s},
          {"per_request_s", line.per_request_s},
          {"computes", line.computes},
          {"resource", as_json(line.resource)},
          {"limit", json_or_none(line.limit)},
          {"waiting", json_or_none(line.waiting)},
          {"inside", as_json(line.inside)},
          {"called_from", as_json(line.called_from)},
          {"waits_at", as_json(line.waits_at)},
          {"says", as_json(report.says)},
          {"fixes", std::move(fixes)}};
}

}  // namespace

InsideReport make_inside_report(const InsideSeen& seen, const Diagnosis& verdict) {
  InsideReport report;
  report.view = look_inside(seen, verdict);
  if (!report.view.probes.empty()) report.folder = report.view.probes.front().folder;
  int answered = 0;
  for (const BurstSpan& burst : seen.bursts) answered += burst.answered;
  const bool loops = std::ranges::any_of(report.view.probes,
                                         [](const ProbedProcess& process) { return !process.loop.empty(); });
  if (loops && answered > 0) report.blocked_s = report.view.late_s / answered;
  for (const NamedLine& line : report.view.lines) {
    LineReport& each = report.lines.emplace_back();
    const auto* const known = std::ranges::find(kCauses, line.cause, &KnownCause::cause);
    each.id = known->id;
    each.title = known->title;
    each.where = line.place.file.empty() ? line.call : place_words(line.place, report.folder);
    each.says = says_of(line, report.folder);
    each.line = line;
  }
  return report;
}

void add_inside(const InsideReport& report, Page& page) {
  std::vector<std::string> languages;
  for (const ProbedProcess& process : report.view.probes) {
    if (std::string text = described(process); !contains(languages, text))
      languages.push_back(std::move(text));
  }
  if (!languages.empty()) page.entry("INSIDE", join(languages, ", "), false, kTagColumns);
  for (const std::string& text : report.view.says) page.entry("KERNEL", text, false, kTagColumns);
  for (const LineReport& each : report.lines) {
    const std::string source = each.line.source.empty() ? "" : ": " + each.line.source;
    page.entry(each.id, fmt::format("{}: {}{}", each.title, each.where, source), true, kTagColumns);
    page.hanging(std::string(kTagColumns, ' '), each.says, kTagColumns);
    for (const LineFix& fix : each.fixes) {
      std::string gives;
      if (fix.predicted_s) {
        gives = fmt::format("; by the model {} at once then take about {}, now {}", report.at_once,
                            format_seconds(two_digits(*fix.predicted_s)), format_seconds(report.now_s));
      }
      page.entry("FIX", fix.text + gives, false, kTagColumns);
    }
    if (!each.fixes.empty() && !each.fixes.front().command.empty())
      page.raw(tagged_command("MORE", each.fixes.front().command, page.style(), kTagColumns));
  }
  for (const std::string& text : report.view.obstacles) page.entry("NOTE", text, false, kTagColumns);
}

json::value inside_as_json(const InsideReport& report) {
  json::array probes, lines;
  for (const ProbedProcess& process : report.view.probes) {
    probes.push_back({{"pid", process.pid},
                      {"language", as_json(process.language)},
                      {"version", as_json(process.version)},
                      {"loop", process.loop.empty() ? json::value(nullptr) : as_json(process.loop)}});
  }
  for (const LineReport& each : report.lines) lines.push_back(as_object(each));
  return {{"probes", std::move(probes)},
          {"looks", report.view.looks},
          {"loop_calls", as_json(report.view.loop_calls)},
          {"loop_cpu_s", report.view.loop_cpu_s},
          {"loop_switches", report.view.loop_switches},
          {"loop_late_s", report.view.late_s},
          {"blocked_per_request_s", as_json(report.blocked_s)},
          {"kernel", as_json(report.view.says)},
          {"obstacles", as_json(report.view.obstacles)},
          {"at_once", json_or_none(report.at_once)},
          {"now_s", json_or_none(report.now_s)},
          {"places", std::move(lines)},
          {"prove", as_json(report.proof)}};
}

}  // namespace lab
