#include "results/report/diagnosis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <optional>
#include <string_view>

#include "harness/diagnosis/burst_fit.hpp"
#include "lab/core/clock.hpp"
#include "lab/core/text.hpp"
#include "results/render/as_json.hpp"
#include "results/render/formatting.hpp"

namespace lab {

namespace {

struct Hint {
  std::string text;  ///< empty: the fix in the server's language, which the course knows
  std::string command;
};

std::string ordinal(int number) {
  const int last = number % 10;
  const bool teen = number / 10 % 10 == 1;
  return fmt::format("{}{}", number,
                     teen        ? "th"
                     : last == 1 ? "st"
                     : last == 2 ? "nd"
                     : last == 3 ? "rd"
                                 : "th");
}

/// The slowest ping, and beside how many slow ones.
struct SlowPing {
  int at_once = 0;
  double latency_s = 0;
};

/// None where no ping was much slower than alone, or only one or two, as any may be on a busy machine.
std::optional<SlowPing> slow_ping(const Observations& seen) {
  constexpr double kTimes = 5, kLeast = 0.02;
  constexpr int kSeveral = 3;
  const double alone_s = ping_alone_seconds(seen);
  const double slow_s = std::max(kTimes * alone_s, alone_s + kLeast);
  std::map<int, int> slow;
  for (const PingBeside& ping : seen.pings) slow[ping.at_once] += seconds(ping.latency) > slow_s;
  std::optional<SlowPing> worst;
  for (const auto& [at_once, count] : slow) {
    const double latency_s = *worst_ping_seconds(seen, at_once);
    if (count >= kSeveral && (!worst || latency_s > worst->latency_s)) worst = SlowPing{at_once, latency_s};
  }
  return worst;
}

std::string limited(const Limit& limit) {
  if (limit.connections)
    return fmt::format("{} connections at a time, with one more all get {}", limit.in_flight, limit.status);
  const std::string refused = limit.status > 0 ? fmt::format("gets {}", limit.status) : "is delayed";
  if (limit.in_flight > 0)
    return fmt::format("{} in flight, the {} {}", limit.in_flight, ordinal(limit.in_flight + 1), refused);
  if (limit.per_second > 0)
    return fmt::format("{:.3g} requests a second, each further one {}", limit.per_second, refused);
  return fmt::format("now and then a request {}", refused);
}

std::string tag(const Diagnosis& verdict) {
  if (verdict.limit) return "LIMITED";
  if (verdict.serial_part_s > 0) return "SERIAL IN PART";
  if (verdict.ahead_s > 0) return "POOL IN PART";
  std::string name(to_string(verdict.execution));
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::toupper(c); });
  return name;
}

std::string execution_words(const Observations& seen, const Diagnosis& verdict) {
  const int k = verdict.parallelism;
  const bool computes = verdict.bound_by == BoundBy::cpu;
  const bool blocked = verdict.loop_blocked == true;
  switch (verdict.execution) {
    case Execution::unknown: return verdict.reason;
    case Execution::serial: {
      std::string text = "one at a time";
      if (verdict.shared || (computes && computes_in_turns(seen)))
        text += ", in turns: they share one core or an interpreter lock";
      if (blocked) text += "; the event loop is blocked";
      if (verdict.loop_blocked == false)
        text += slow_ping(seen) ? "; other routes are slower" : "; other routes are served";
      return text;
    }
    case Execution::pool:
      if (verdict.shared) return fmt::format("together, at the speed of {} cores", k);
      if (verdict.ahead_s > 0) {
        return fmt::format("{} at a time for {} of each {}, the next one waits until any of them is done{}",
                           k, format_seconds(verdict.service_s),
                           format_seconds(verdict.service_s + verdict.ahead_s),
                           blocked ? "; cheap routes wait too" : "");
      }
      if (verdict.pools > 1) {
        const bool counted = verdict.pools == seen.processes || verdict.pools == seen.processes - 1;
        return fmt::format("{} at a time, {}{}", k,
                           counted ? fmt::format("{} in each of {} workers", k / verdict.pools, verdict.pools)
                                   : "in several workers with a pool each",
                           blocked ? "; cheap routes wait too" : "");
      }
      return fmt::format("{}{} at a time, the next one waits until any of them is done{}{}",
                         verdict.balanced == false ? "up to "
                         : verdict.varies          ? "about "
                                                   : "",
                         k, verdict.balanced == false ? "; distributed unevenly" : "",
                         blocked ? "; cheap routes wait too" : "");
    case Execution::workers: {
      std::string dealt =
          verdict.balanced ? *verdict.balanced ? ", evenly distributed" : ", unevenly distributed" : "";
      if (blocked) dealt += "; their loops are blocked";
      return fmt::format("{} workers, one request each at a time{}{}", k, computes ? ", computing" : "",
                         dealt);
    }
    case Execution::concurrent:
      if (verdict.stalls) {
        return fmt::format(
            "together, but now and then one takes {} and delays all others (about one in {:.0f}){}",
            format_seconds(verdict.stalls->took_s), 1 / verdict.stalls->share,
            blocked ? "; the event loop is blocked meanwhile" : "");
      }
      if (verdict.serial_part_s > 0) {
        return fmt::format("each further request adds {:.0f} ms: that part runs one at a time{}",
                           verdict.serial_part_s * 1e3,
                           blocked                         ? " and blocks the event loop"
                           : verdict.loop_blocked == false ? "; other routes are served"
                                                           : "");
      }
      if (verdict.limit) return "all of them ran together";
      return fmt::format("all {} that were sent at once ran together", seen.most_at_once);
  }
  return "";
}

std::string headline(const Observations& seen, const Diagnosis& verdict) {
  if (!verdict.limit) return execution_words(seen, verdict);
  const bool hidden = verdict.execution == Execution::unknown;
  return limited(*verdict.limit) + (hidden ? "" : "; below that: " + execution_words(seen, verdict));
}

/// Whether no size took much longer than the verdict says; what it says is only the least time otherwise.
bool says_how_long(const std::vector<DiagnosisRow>& rows) {
  constexpr double kMuch = 1.25, kMuchSeconds = 0.003;
  return std::ranges::none_of(rows, [](const DiagnosisRow& row) {
    return row.makespan_s > kMuch * row.expected_s.value_or(0) + kMuchSeconds;
  });
}

std::string formula(const Diagnosis& verdict, bool exact) {
  const int digits = verdict.service_s < 0.01 ? 1 : 0;
  const std::string one = fmt::format("{:.{}f} ms", verdict.service_s * 1e3, digits);
  // Rounded up, a floor would be above what was measured.
  const double unit = digits == 1 ? 1e-4 : 1e-3;
  const std::string least =
      fmt::format("{:.{}f} ms", std::floor(verdict.service_s / unit) * unit * 1e3, digits);
  const bool floor =
      !exact || verdict.stalls || verdict.balanced == false || verdict.execution == Execution::workers;
  std::string so_long = floor ? "≥ " + least : "= " + one;
  switch (verdict.execution) {
    case Execution::unknown: return "";
    case Execution::serial: return so_long + " × n";
    case Execution::pool:
      if (verdict.shared) return fmt::format("{} × n/{}", so_long, verdict.parallelism);
      if (verdict.ahead_s > 0) {
        return fmt::format("{} {:.0f} ms + {} × ⌈n/{}⌉", floor ? "≥" : "=", verdict.ahead_s * 1e3, one,
                           verdict.parallelism);
      }
      return fmt::format("{} × ⌈n/{}⌉", so_long, verdict.parallelism);
    case Execution::workers: return fmt::format("{} × ⌈n/{}⌉", so_long, verdict.parallelism);
    case Execution::concurrent:
      if (floor || verdict.overhead_s < 0.00005) return so_long;
      return fmt::format("{} + {:.1f} ms × n", so_long, verdict.overhead_s * 1e3);
  }
  return "";
}

Hint advice(const Observations& seen, const Diagnosis& verdict) {
  const bool computes = verdict.bound_by == BoundBy::cpu;
  if (verdict.limit && verdict.limit->in_flight > 0)
    return {"a client that waits and tries again, or a larger limit: a refused request costs nothing here",
            "lab run overload"};
  if (verdict.limit)
    return {"a client that keeps to the rate; to see how the server executes, call it behind the limit", ""};
  switch (verdict.execution) {
    case Execution::unknown: return {};
    case Execution::serial:
      if (computes && (verdict.shared || computes_in_turns(seen)))
        return {"processes instead of threads, if a lock makes the threads take turns", "lab run gil"};
      if (computes)
        return {"give the computing to processes, or start more workers", "lab run cpu-threshold"};
      if (verdict.loop_blocked == false)
        return {
            "something lets in one request at a time: enlarge the pool, or hold the lock for a shorter time",
            "lab run pool-limit"};
      return {"", "lab run sync-driver"};
    case Execution::pool:
      if (computes) return {"more threads gain nothing: computing needs cores", "lab run workers-vs-cores"};
      if (verdict.ahead_s > 0) {
        return {fmt::format("request {} waits for one of {} connections, threads or places behind the first "
                            "stage: enlarge that pool, or hold its places for a shorter time",
                            verdict.parallelism + 1, verdict.parallelism),
                "lab run pool-limit"};
      }
      return {
          fmt::format("request {} waits for a free thread: enlarge the pool, or hold no thread while waiting",
                      verdict.parallelism + 1),
          "lab run pool-limit"};
    case Execution::workers:
      if (computes) return {"as many workers as cores; more gain nothing", "lab run workers-vs-cores"};
      return {"", "lab run worker-identity"};
    case Execution::concurrent:
      if (verdict.stalls || (verdict.serial_part_s > 0 && verdict.loop_blocked == true))
        return {"move the blocking part from the loop to a thread or a process", "lab run cpu-chunks"};
      if (verdict.serial_part_s > 0)
        return {"shorten the part that runs one at a time: a lock, a loop, a single connection",
                "lab run pool-limit"};
      return {"nothing to improve here; watch the services that it calls under such a load",
              "lab run thousand-users"};
  }
  return {};
}

std::string pauses_in_words(const std::vector<Pause>& pauses, Nanos watched) {
  if (pauses.empty()) return fmt::format("no pause in {}", format_seconds(seconds(watched)));
  std::vector<double> lengths;
  for (const Pause& pause : pauses) lengths.push_back(seconds(pause.length));
  std::string text = fmt::format("{} in {}, of {:.1f} s", plural(std::ssize(pauses), "pause"),
                                 format_seconds(seconds(watched)), median_of(lengths));
  if (pauses.size() > 1) {
    const double apart =
        seconds(pauses.back().at - pauses.front().at) / static_cast<double>(pauses.size() - 1);
    text += fmt::format(", every {:.1f} s", apart);
  }
  return text + ": the whole server stood still";
}

std::vector<std::string> notes(const Observations& seen, const DiagnosisReport& report) {
  std::vector<std::string> notes;
  const auto slow = slow_ping(seen);
  if (slow && report.verdict.loop_blocked != true) {
    notes.push_back(fmt::format(
        "the cheap route took up to {} beside {} slow requests, {} alone: it waits behind the slow one",
        format_seconds(slow->latency_s), slow->at_once, format_seconds(ping_alone_seconds(seen))));
  }
  if (report.kept_lag_s) {
    notes.push_back(fmt::format(
        "a kept connection answers {:.0f} ms later than a fresh one: the server writes a reply in two "
        "parts, and Nagle's algorithm holds the second one until the client's delayed "
        "acknowledgement; set TCP_NODELAY, or write the reply in one piece",
        *report.kept_lag_s * 1e3));
  }
  if (const auto warm = find_warm_up(seen)) {
    constexpr double kAtOnce = 0.001;
    notes.push_back(fmt::format("the first request took {}, later ones {}: {}", format_seconds(warm->first_s),
                                format_seconds(warm->later_s),
                                warm->later_s < kAtOnce
                                    ? "a cache answers them, so ask for what is not in it, or turn it off"
                                    : "the server warms up, so send one request before users come"));
  }
  if (const auto& some = report.verdict.stragglers) {
    notes.push_back(
        fmt::format("about one request in {:.0f} takes {} and delays nobody else: as where a cache is "
                    "filled, or something is tried again",
                    1 / some->share, format_seconds(some->took_s)));
  }
  if (!seen.watched.empty()) notes.push_back(pauses_in_words(report.pauses, seen.watched.back().at));
  return notes;
}

/// A burst far out of line with others of its size: something stood still, and no burst says how often.
std::optional<std::string> odd_burst(const std::vector<DiagnosisRow>& rows, const Observations& seen) {
  constexpr double kTimes = 3, kLeast = 0.3;
  if (!seen.watched.empty()) return std::nullopt;
  for (const DiagnosisRow& row : rows) {
    for (const Burst& burst : seen.bursts) {
      if (burst.at_once != row.at_once || burst.done.empty()) continue;
      const double took = seconds(burst.done.back());
      if (took < kTimes * row.makespan_s + kLeast) continue;
      return fmt::format("{} at once took {} in one burst, usually {}: --watch 30s looks for pauses",
                         row.at_once, format_seconds(took), format_seconds(row.makespan_s));
    }
  }
  return std::nullopt;
}

std::vector<DiagnosisRow> rows(const Observations& seen, const Diagnosis& verdict) {
  std::map<int, std::vector<double>> makespans = makespans_by_size(seen);
  if (!seen.alone.empty()) makespans[1] = in_seconds(seen.alone);
  std::vector<DiagnosisRow> rows;
  for (const auto& [at_once, all] : makespans) {
    DiagnosisRow& row = rows.emplace_back();
    row.at_once = at_once;
    row.bursts = static_cast<int>(all.size());
    row.makespan_s = median_of(all);
    if (const double expected = expected_makespan(verdict, at_once); expected > 0) row.expected_s = expected;
    row.ping_worst_s = worst_ping_seconds(seen, at_once);
    row.all_s = all;
  }
  return rows;
}

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

/// So long each of the slow requests keeps the loop: by a probe, whose heartbeat misses some of it, or by the
/// verdict, where a cheap route was asked; the larger of both.
std::optional<double> blocked_seconds(const DiagnosisReport& report) {
  const Diagnosis& verdict = report.verdict;
  std::optional<double> blocked_s;
  if (report.inside) blocked_s = report.inside->blocked_s;
  if (!verdict.loop_blocked) return blocked_s;
  const double seen_s = verdict.serial_part_s > 0 ? verdict.serial_part_s : verdict.service_s;
  return std::max(blocked_s.value_or(0), *verdict.loop_blocked ? seen_s : 0.0);
}

namespace json = boost::json;

json::value limit(const DiagnosisReport& report) {
  if (!report.verdict.limit) return nullptr;
  const Limit& limit = *report.verdict.limit;
  return {{"kind", limit.connections     ? "connections"
                   : limit.in_flight > 0 ? "in_flight"
                                         : "rate"},
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

json::value against(const DiagnosisReport& report) {
  if (!report.change) return nullptr;
  const DiagnosisChange& change = *report.change;
  const auto shift = [&](double value) { return change.shift ? json::value(value) : json::value(nullptr); };
  return {{"started", as_json(change.before)},
          {"at_once", json_or_none(change.at_once)},
          {"before_s", json_or_none(change.before_s)},
          {"now_s", json_or_none(change.now_s)},
          {"shift", shift(change.shift ? change.shift->estimate : 0)},
          {"p", shift(change.shift ? change.shift->p : 0)},
          {"gone", as_json(change.gone)},
          {"still", as_json(change.still)},
          {"new", as_json(change.fresh)},
          {"says", as_json(change.says)}};
}

}  // namespace

constexpr std::pair<std::string_view, Threshold::What> kMeasures[] = {
    {"blocked", Threshold::What::blocked}, {"parallelism", Threshold::What::parallelism}};
const ThresholdWords kDiagnosisThresholds{
    "ping.", true, kMeasures, "ping.p1 to ping.p99.999, ping.median, ping.max, blocked, parallelism",
    "such as ping.p90<20ms, blocked<5ms or parallelism>=16"};

std::string announce(const Outlook& outlook) {
  const std::string beyond = outlook.beyond > 0 ? fmt::format(" (then {})", outlook.beyond) : "";
  const double least = seconds(outlook.least);
  const double most = seconds(outlook.most);
  std::string time = fmt::format("{:.0f} to {:.0f} s", least, most);
  if (most - least < 1.5) time = fmt::format("about {:.0f} s", most);
  if (most < 1.5) time = "about a second";
  return fmt::format("will send at most {} requests, at most {} at once{}, {}\n", outlook.requests,
                     outlook.at_once, beyond, time);
}

DiagnosisReport make_diagnosis_report(const std::string& url, const std::string& ping, Observations seen) {
  DiagnosisReport report;
  report.url = url;
  report.ping = ping;
  report.verdict = conclude(seen);
  const Diagnosis& verdict = report.verdict;
  report.tag = tag(verdict);
  report.at_least = (verdict.execution == Execution::concurrent && !verdict.limit) ||
                    (verdict.execution == Execution::pool && verdict.balanced == false);
  report.headline = headline(seen, verdict);
  report.rows = rows(seen, verdict);
  report.formula = formula(verdict, says_how_long(report.rows));
  if (!seen.pings_alone.empty()) report.ping_alone_s = ping_alone_seconds(seen);
  if (!seen.alone.empty()) report.pairs = weigh_pairs(seen);
  report.kept_lag_s = find_kept_lag(seen);
  if (const auto warm = find_warm_up(seen)) report.first_s = warm->first_s;
  report.pauses = find_pauses(seen);
  report.notes = notes(seen, report);
  report.unsure = verdict.unsure;
  if (auto odd = odd_burst(report.rows, seen)) report.notes.push_back(std::move(*odd));
  Hint says = advice(seen, verdict);
  report.advice = std::move(says.text);
  report.command = std::move(says.command);
  report.seen = std::move(seen);
  return report;
}

void add_inside(DiagnosisReport& report, const InsideSeen& seen, const std::string& proof) {
  InsideReport& inside = report.inside.emplace(make_inside_report(seen, report.verdict));
  inside.proof = proof;
  const bool explained =
      std::ranges::any_of(inside.lines, [](const LineReport& line) { return !line.line.place.file.empty(); });
  report.unsure = caveats(report.seen, report.verdict, explained);
  if (report.rows.empty()) return;
  inside.at_once = report.rows.back().at_once;
  inside.now_s = report.rows.back().makespan_s;
}

ThresholdRow judge(const Threshold& threshold, const DiagnosisReport& report) {
  const Diagnosis& verdict = report.verdict;
  if (threshold.what == Threshold::What::parallelism) {
    if (verdict.parallelism == 0) return cannot_judge(threshold, "unknown: " + verdict.reason);
    return judge(threshold, verdict.parallelism,
                 fmt::format("{}{}", verdict.parallelism, report.at_least ? " or more" : ""));
  }
  if (threshold.what == Threshold::What::blocked) {
    const auto blocked_s = blocked_seconds(report);
    if (!blocked_s) return cannot_judge(threshold, "not known whether a loop is blocked");
    return judge(threshold, *blocked_s, format_seconds(*blocked_s) + " of each request");
  }
  Distribution latencies;
  for (const PingBeside& ping : report.seen.pings) latencies.add({&ping.latency, 1});
  if (latencies.size() == 0) return cannot_judge(threshold, "no ping was answered beside slow requests");
  return judge(threshold, latencies, "pings");
}

BOOST_DESCRIBE_STRUCT(DiagnosisRow, (), (at_once, makespan_s, bursts, expected_s, ping_worst_s, all_s))

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
  if (report.inside) add_inside(*report.inside, page);
  if (report.change) {
    for (const std::string& text : report.change->says) entry("CHANGED", text);
  }
  for (const std::string& note : report.notes) entry("NOTE", note);
  for (const std::string& doubt : report.unsure) entry("UNSURE", doubt);
  for (const ThresholdRow& row : report.thresholds)
    entry(row.passed ? "PASS" : "MISS", fmt::format("{}: {}", row.threshold, row.measured));
  const std::string experiment = report.command.empty() ? "" : "; see " + report.command;
  const bool fixed = report.inside && !report.inside->lines.empty();
  if (!report.advice.empty() && !fixed) entry("TRY", report.advice + experiment);
  if (fixed) page.raw(tagged_command("PROVE", report.inside->proof, page.style(), kTag));
  return page.take();
}

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
                    {"pools", json_or_none(verdict.pools)},
                    {"confidence", verdict.confidence},
                    {"service_s", verdict.service_s},
                    {"ahead_s", json_or_none(verdict.ahead_s)},
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
                    {"process", std::move(process)},
                    {"started", as_json(report.started)},
                    {"target", as_json(report.target)},
                    {"inside", report.inside ? inside_as_json(*report.inside) : json::value(nullptr)},
                    {"thresholds", as_json(report.thresholds)},
                    {"against", against(report)}});
}

}  // namespace lab
