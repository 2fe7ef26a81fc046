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

/// What a burst of n takes once it is done, by the service time s, the part b that is held, and the cores.
enum class Gain : std::uint8_t { nothing, together, forty_threads, on_cores };

struct KnownFix {
  LineCause cause;
  std::string_view runtime;  ///< empty: any other
  bool computes;
  Gain gives;
  std::string_view text;
};

constexpr KnownFix kFixes[] = {
    {LineCause::blocked_loop, "python", false, Gain::together,
     "await an asynchronous call instead (asyncio.sleep, httpx, asyncpg)"},
    {LineCause::blocked_loop, "python", false, Gain::forty_threads,
     "def instead of async def, or await run_in_threadpool(…): a pool of 40 threads"},
    {LineCause::blocked_loop, "python", true, Gain::on_cores,
     "await loop.run_in_executor(ProcessPoolExecutor(), …), or as many workers as cores"},
    {LineCause::blocked_loop, "python", true, Gain::nothing,
     "def instead of async def: cheap routes are answered meanwhile, the computing takes as long"},
    {LineCause::blocked_loop, "node", false, Gain::together,
     "the asynchronous call instead of the one that blocks (…Sync)"},
    {LineCause::blocked_loop, "node", true, Gain::on_cores, "a worker thread (worker_threads)"},
    {LineCause::blocked_loop, "", false, Gain::together, "a call that does not block"},
    {LineCause::blocked_loop, "", true, Gain::on_cores, "a pool of threads for the computing"},
    {LineCause::full_pool, "python", false, Gain::together,
     "more threads (anyio.to_thread.current_default_thread_limiter().total_tokens, gunicorn --threads)"},
    {LineCause::full_pool, "python", false, Gain::together,
     "await it: a request that waits then holds no thread"},
    {LineCause::full_pool, "node", false, Gain::together, "more threads (UV_THREADPOOL_SIZE)"},
    {LineCause::full_pool, "node", true, Gain::on_cores, "as many threads as cores (UV_THREADPOOL_SIZE)"},
    {LineCause::full_pool, "", false, Gain::together, "a larger pool, or a wait that holds no thread"},
    {LineCause::full_pool, "", true, Gain::on_cores, "as many threads as cores; more gain nothing"},
    {LineCause::held_lock, "", false, Gain::together,
     "hold the lock for less: prepare before it, wait and call others after it"},
    {LineCause::held_lock, "", true, Gain::on_cores, "hold the lock for less: compute before it"},
    {LineCause::few_connections, "", false, Gain::together,
     "as many connections as requests at once, or give each back before waiting for anything else"},
    {LineCause::few_connections, "", true, Gain::on_cores, "give a connection back before computing"},
    {LineCause::interpreter, "", true, Gain::on_cores,
     "processes instead of threads: ProcessPoolExecutor, or as many workers as cores"},
    {LineCause::busy_worker, "", false, Gain::forty_threads,
     "threads in each worker (gunicorn --threads 40)"},
    {LineCause::busy_worker, "", true, Gain::on_cores, "as many workers as cores; more gain nothing"},
};

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

std::string milliseconds_of(double span_s) {
  return format_duration(std::llround(span_s * 1e9));
}

std::string percent(double share) {
  return fmt::format("{:.0f} %", 100 * share);
}

std::string place_words(const CodePlace& place, const std::string& folder) {
  if (place.file.empty()) return "";
  std::string file = place.file;
  if (!folder.empty() && folder != "/" && file.starts_with(folder + "/"))
    file = file.substr(folder.size() + 1);
  if (place.function.empty()) return fmt::format("{}:{}", file, place.line);
  return fmt::format("{}:{} in {}()", file, place.line, place.function);
}

std::vector<LineFix> fixes_of(const NamedLine& line, const std::string& runtime, double service_s, int cores,
                              int at_once, double now_s) {
  const auto is_for = [&](const KnownFix& fix, std::string_view language) {
    return fix.cause == line.cause && fix.computes == line.computes && fix.runtime == language;
  };
  const bool own = std::ranges::any_of(kFixes, [&](const KnownFix& fix) { return is_for(fix, runtime); });
  std::vector<LineFix> fixes;
  for (const KnownFix& known : kFixes) {
    if (!is_for(known, own ? runtime : "")) continue;
    LineFix& fix = fixes.emplace_back();
    fix.text = known.text;
    const double n = at_once;
    double predicted_s = 0;
    switch (known.gives) {
      case Gain::nothing: break;
      case Gain::together: predicted_s = service_s; break;
      case Gain::forty_threads: predicted_s = service_s * std::ceil(n / 40); break;
      case Gain::on_cores:
        predicted_s = std::max(service_s, n * line.per_request_s / std::max(1, cores));
        break;
    }
    // What gains nothing that could be measured is not promised.
    constexpr double kGain = 0.9;
    if (predicted_s > 0 && predicted_s < kGain * now_s) fix.predicted_s = predicted_s;
  }
  return fixes;
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
                         milliseconds_of(line.late_s), milliseconds_of(line.per_request_s));
      break;
    case LineCause::full_pool:
      text = fmt::format("all {} of {} are taken{}; {} of the threads are in it", line.limit, line.resource,
                         line.waiting > 0 ? fmt::format(" and up to {} requests wait", line.waiting) : "",
                         percent(line.share));
      break;
    case LineCause::held_lock:
      text = fmt::format("up to {} wait for {} while one is in it", line.waiting, line.resource);
      break;
    case LineCause::few_connections:
      text = fmt::format("up to {} wait for {} while {} are in it", line.waiting, line.resource,
                         line.limit > 0 ? number_word(line.limit) : "a few");
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
    fixes.push_back({{"text", as_json(fix.text)}, {"predicted_s", as_json(fix.predicted_s)}});
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

InsideReport make_inside_report(InsideView view, const Observations& outside, const Diagnosis& verdict,
                                int at_once, double now_s, const std::string& runtime) {
  InsideReport report;
  report.at_once = at_once;
  report.now_s = now_s;
  const std::string folder = view.probes.empty() ? "" : view.probes.front().folder;
  for (const NamedLine& line : view.lines) {
    LineReport& each = report.lines.emplace_back();
    const auto* const known = std::ranges::find(kCauses, line.cause, &KnownCause::cause);
    each.id = known->id;
    each.title = known->title;
    each.where = line.place.file.empty() ? line.call : place_words(line.place, folder);
    each.says = says_of(line, folder);
    const double alone_s = outside.alone.empty() ? 0 : alone_seconds(outside);
    const double service_s = verdict.service_s > 0 ? verdict.service_s : alone_s;
    each.fixes = fixes_of(line, runtime, service_s, outside.cores, at_once, now_s);
    each.line = line;
  }
  report.view = std::move(view);
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
        gives = fmt::format("; {} at once then take about {}, now {}", report.at_once,
                            milliseconds_of(*fix.predicted_s), milliseconds_of(report.now_s));
      }
      page.entry("FIX", fix.text + gives, false, kTagColumns);
    }
  }
  for (const std::string& text : report.view.obstacles) page.entry("NOTE", text, false, kTagColumns);
  if (!report.proof.empty() && !report.lines.empty())
    page.raw(tagged_command("PROVE", report.proof, page.style(), kTagColumns));
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
          {"kernel", as_json(report.view.says)},
          {"obstacles", as_json(report.view.obstacles)},
          {"at_once", json_or_none(report.at_once)},
          {"now_s", json_or_none(report.now_s)},
          {"places", std::move(lines)},
          {"prove", as_json(report.proof)}};
}

std::string inside_as_sarif(const std::optional<InsideReport>& report, const std::string& url) {
  json::array results, rules;
  std::vector<std::string> known;
  for (const LineReport& each : report ? report->lines : std::vector<LineReport>{}) {
    if (each.line.place.file.empty()) continue;
    if (!contains(known, each.id)) {
      known.push_back(each.id);
      rules.push_back({{"id", as_json(each.id)}, {"shortDescription", {{"text", as_json(each.title)}}}});
    }
    std::string text = fmt::format("{} ({}): {}.", each.title, url, each.says);
    for (const LineFix& fix : each.fixes) text += fmt::format(" Fix: {}.", fix.text);
    const json::object region{{"startLine", std::max(1, each.line.place.line)}};
    const json::object file{{"uri", as_json("file://" + each.line.place.file)}};
    results.push_back({{"ruleId", as_json(each.id)},
                       {"level", "warning"},
                       {"message", {{"text", as_json(text)}}},
                       {"locations", json::array{{{"physicalLocation",
                                                   {{"artifactLocation", file}, {"region", region}}}}}}});
  }
  return json_line(
      {{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
       {"version", "2.1.0"},
       {"runs", json::array{{{"tool", {{"driver", {{"name", "lab diagnose"}, {"rules", std::move(rules)}}}}},
                             {"results", std::move(results)}}}}});
}

}  // namespace lab
