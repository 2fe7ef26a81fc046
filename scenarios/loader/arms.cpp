// The arms, and the task queues that they may have.

#include <algorithm>
#include <cmath>

#include "lab/core/clock.hpp"
#include "lab/core/text.hpp"
#include "scenarios/loader/draft.hpp"

namespace lab {

namespace {

constexpr int kMaxConnections = 10'000;  // to the database, per worker
constexpr std::int64_t kMaxWaiting = 1'000'000;
constexpr std::size_t kLongestLabel = 60;

/// Changes of the queues what the value's tables name; `of` names the arm in messages. Where keys stand is
/// noted for those that are not yet.
void read_queues_of(const Value& value, const std::string& of, std::map<std::string, QueueSettings>& queues) {
  Draft& draft = value.draft();
  value.each_entry(fmt::format("queues{} must be tables such as [queues.jobs]", of),
                   [&](const toml::key& key, const toml::node& node) {
                     check_id(draft, key, "queue");
                     const std::string name(key.str());
                     draft.queue_places.emplace(name, key.source());
                     QueueSettings& queue = queues[name];
                     const Value table(draft, key, node, "queue");
                     const std::string what = table.name() + of;
                     table.table(what + " must be a table such as { workers = 2 }", what,
                                 {{"workers", into(queue.workers, 1, kMaxThreads)},
                                  {"capacity", into(queue.capacity, 1, kMaxWaiting)},
                                  {"scope", into(queue.shared, {"process", "shared"})}});
                   });
}

void read_accept_limit(const TableReader& table, const Value& value, Arm& arm) {
  if (arm.accept != Accept::one)
    value.problem("accept_limit belongs to accept = \"one\"; the other policies have none");
  if (!value->is_string()) {
    arm.accept_limit = static_cast<int>(value.whole(0, kMaxThreads));
    return;
  }
  value.word({"threads"});
  if (!has_threads(table.draft().scenario, arm))
    value.problem("accept_limit = \"threads\": {} has no threads; write a number", table.what());
  arm.accept_limit = arm.threads;
  table.draft().limited_by_threads.insert(arm.id);
}

/// Settings that would change nothing, or that the arm's modes cannot have.
void check_settings(const TableReader& table, const Arm& arm) {
  const Scenario& scenario = table.draft().scenario;
  const std::string mode = arm.mode_name();
  if (arm.accept != Accept::handoff && arm.uses(Resource::thread)) {
    table.problem("accept", "accept = \"{}\": {} takes its connections from the master; leave accept out",
                  to_string(arm.accept), mode);
  }
  const bool offloads = std::ranges::all_of(arm.modes, [](const Traits& one) {
    return !one.uses(Resource::pool) || (one.handler == Resource::loop && one.computing == Resource::pool);
  });
  if (table.has("pool") && !(offloads && arm.uses(Resource::pool))) {
    table.problem("pool",
                  "pool belongs to mode = \"offload\", whose steps can be sent to processes; {} runs {}",
                  table.what(), mode);
  }
  if (table.has("connections") && !any_step(scenario, needs_connection)) {
    table.problem("connections",
                  "connections changes nothing: no step is a query or a wait with connection = true");
  }
  const auto counts = [](const Step& step) { return step.is<Increment>(); };
  if (table.has("counters") && !any_step(scenario, counts))
    table.problem("counters", "counters changes nothing: no step is increment = true");
  const bool can_cancel = std::ranges::any_of(arm.modes, [](const Traits& one) {
    return one.looks_first() || (one.handler == Resource::loop && one.waiting == Resource::nothing &&
                                 one.computing == Resource::loop);
  });
  if (arm.cancel && !can_cancel) {
    table.problem("cancel",
                  "cancel changes nothing: a handler of async-loop is ended while it waits, one of "
                  "blocking-loop and thread-pool before it begins, and {} runs {}",
                  table.what(), mode);
  }
  if (table.has("backend") && arm.uses(Resource::thread))
    table.problem("backend", "backend changes nothing: {} has no loop", mode);
}

/// The figure of `~5s` and `about 0.12 s`.
std::string_view bare(std::string_view text) {
  for (const std::string_view about : {"~", "≈", "about "}) {
    if (text.starts_with(about)) text.remove_prefix(about.size());
  }
  return trim(text);
}

std::optional<double> parse_number(std::string_view text) {
  const bool percent = text.ends_with('%');
  if (percent) text.remove_suffix(1);
  const std::optional<double> number = number_in<double>(text);
  if (!number || !std::isfinite(*number) || *number < 0) return std::nullopt;
  return percent ? *number / 100 : *number;
}

/// The figure as a plain value, in seconds where the stat is a time.
double figure(const Value& value, const Documented& documented) {
  if (documented.stat.is_time()) {
    const Result<Nanos> span = parse_duration(bare(documented.text));
    if (span) return seconds(*span);
    value.problem("{}: {} is not a figure with a unit, such as \"~1.1s\"", value.name(),
                  in_quotes(documented.text));
  }
  const std::optional<double> number = parse_number(bare(documented.text));
  if (!number)
    value.problem("{}: {} is not a plain number, such as \"~18000\"", value.name(),
                  in_quotes(documented.text));
  return *number;
}

void read_figure(Draft& draft, const toml::key& key, const toml::node& node, const std::string& case_id,
                 const std::string& what, std::vector<Documented>& figures) {
  Documented documented;
  documented.stat = read_stat(draft, key.str(), key.source());
  documented.case_id = case_id;
  const Value value(draft, &node, node.source(), in_quotes(key.str()), what);
  if (const auto* whole = node.as_integer()) {
    documented.text = fmt::format("{}", whole->get());
  } else if (const auto* number = node.as_floating_point()) {
    documented.text = fmt::format("{}", number->get());
  } else {
    documented.text = value.text();
  }
  documented.value = figure(value, documented);
  figures.push_back(std::move(documented));
}

void read_documented(const Value& value, std::vector<Documented>& figures) {
  Draft& draft = value.draft();
  const std::string what = value.name();
  value.each_entry(
      what + " must be a table such as { makespan = \"~1.1s\" }", [&](const auto& key, const auto& node) {
        if (!node.is_table()) return read_figure(draft, key, node, "", what, figures);
        const std::vector<std::string> cases = ids_of(draft.scenario.cases);
        const std::string case_id(key.str());
        if (!contains(cases, case_id)) {
          draft.problems.at(
              key.source(),
              "{} names the unknown case {}{}; a stat with dots needs quotes, as \"ping.latency.max\"", what,
              in_quotes(case_id), suggestion(case_id, cases));
        }
        Value(draft, &node, node.source(), case_id).each_entry("", [&](const auto& stat, const auto& entry) {
          read_figure(draft, stat, entry, case_id, what, figures);
        });
      });
  for (const Documented& figure : figures) check_stat(value, figure.stat);
}

const Traits& mode_of(const Value& value) {
  return value.draft().modes[value.named("mode").word(ids_of(value.draft().modes))];
}

/// One word for all routes, or `mode = { slow = "thread-pool", ping = "async-loop" }`.
void read_mode(const Value& value, const std::string& what, Arm& arm) {
  Draft& draft = value.draft();
  const std::vector<Route>& routes = draft.scenario.routes;
  if (value->is_string()) {
    arm.modes.assign(routes.size(), mode_of(value));
  } else {
    const std::string name = "mode of " + what;
    const TableReader table(
        draft,
        value.table(name + " must be a word such as \"async-loop\", or a table from routes to such words"),
        name);
    table.only(ids_of(routes));
    for (const Route& route : routes)
      arm.modes.push_back(mode_of(table.need(route.name, fmt::format("{} = \"async-loop\"", route.name))));
  }
  // Both kinds of server at once would need two listening sockets behind one address.
  const auto has_thread = [](const Traits& mode) { return mode.uses(Resource::thread); };
  const auto thread = std::ranges::find_if(arm.modes, has_thread);
  if (thread == arm.modes.end() || std::ranges::all_of(arm.modes, has_thread)) return;
  value.problem(
      "{} cannot be mixed with other modes in one arm: a thread holds the whole connection there; give "
      "it an arm of its own",
      thread->name);
}

void read_label(const Value& value, Arm& arm) {
  arm.label = value.text();
  if (arm.label.empty()) value.problem("label is empty; leave it out for a default");
  if (arm.label.size() > kLongestLabel) value.problem("label is longer than {} bytes", kLongestLabel);
}

void read_arm(Draft& draft, const toml::table& toml) {
  std::vector<Arm>& arms = draft.scenario.arms;
  Arm arm;
  const auto id = toml["id"].value<std::string_view>();
  const std::string what = id ? "arm " + in_quotes(*id) : fmt::format("arm {}", arms.size() + 1);
  const TableReader table(draft, toml, what);
  arm.queues = draft.queues;
  table.read({
      {"id",
       [&](const Value& value) {
         arm.id = value.id("arm");
         if (contains(ids_of(arms), arm.id)) value.problem("there is already an arm {}", in_quotes(arm.id));
       },
       "id = \"blocking\""},
      {"label", [&](const Value& value) { read_label(value, arm); }},
      {"mode", [&](const Value& value) { read_mode(value, what, arm); }, "mode = \"async-loop\""},
      {"workers", into(arm.workers, 1, kMaxWorkers)},
      {"threads",
       [&](const Value& value) {
         arm.threads = static_cast<int>(value.whole(1, kMaxThreads));
         if (!has_threads(draft.scenario, arm))
           value.problem("threads changes nothing: {} has neither a pool nor threads", arm.mode_name());
       }},
      {"gil", into(arm.gil)},
      {"cores", into(arm.cores, 1, kMaxCores)},
      {"accept", into(arm.accept)},
      {"accept_limit", [&](const Value& value) { read_accept_limit(table, value, arm); }},
      {"pool", into(arm.pool_processes, {"threads", "processes"})},
      {"connections", into(arm.connections, 1, kMaxConnections)},
      {"counters", into(arm.shared_counters, {"process", "shared"})},
      {"cancel", into(arm.cancel)},
      {"backend", into(arm.backend)},
      {"queues", [&](const Value& value) { read_queues_of(value, " of " + what, arm.queues); }},
      {"predict_only", into(arm.predict_only)},
      {"documented", [&](const Value& value) { read_documented(value, arm.documented); }},
  });
  check_settings(table, arm);
  if (arm.label.empty()) arm.label = default_label(draft.scenario, arm);
  arms.push_back(std::move(arm));
}

}  // namespace

bool has_threads(const Scenario& scenario, const Arm& arm) {
  return arm.uses(Resource::thread) || needs_pool(scenario.routes, arm);
}

std::string default_label(const Scenario& scenario, const Arm& arm) {
  constexpr int kUsualThreads = 40;
  const bool one_mode =
      std::ranges::all_of(arm.modes, [&](const Traits& mode) { return mode.name == arm.modes.front().name; });
  std::string label = one_mode && arm.workers == 1 ? std::string(arm.modes.front().fastapi) : arm.mode_name();
  if (has_threads(scenario, arm) && arm.threads != kUsualThreads)
    label += fmt::format(", {} threads", arm.threads);
  if (arm.workers > 1) label += fmt::format(" × {}", arm.workers);
  return label;
}

void read_queues(const TableReader& file) {
  if (const Value queues = file["queues"]) read_queues_of(queues, "", file.draft().queues);
}

void read_arms(const TableReader& file) {
  file.need("arms", "[[arms]] with id and mode");
  file.each("arms", kMaxEntries, read_arm);
}

}  // namespace lab
