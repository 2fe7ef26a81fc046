#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "lab/core/duration.hpp"
#include "lab/core/text.hpp"
#include "scenarios/loader/draft.hpp"

namespace lab {

namespace {

constexpr std::array<Accept, 4> kPolicies{Accept::handoff, Accept::one, Accept::greedy, Accept::reuseport};

bool holds_connection(const Step& step) {
  const auto* wait = std::get_if<Wait>(&step.action);
  return std::holds_alternative<Query>(step.action) || (wait != nullptr && wait->on_connection);
}

bool can_cancel(const Traits& mode) {
  return mode.handler == Resource::loop && mode.waiting == Resource::nothing &&
         mode.computing == Resource::loop;
}

void read_accept_limit(Draft& draft, const TableReader& table, const toml::node& node, Arm& arm) {
  if (arm.accept != Accept::one) {
    table.problem("accept_limit", "accept_limit belongs to accept = \"one\"; the other policies have none");
    return;
  }
  if (!node.is_string()) {
    arm.accept_limit = static_cast<int>(table.integer("accept_limit", 0, kMaxThreads, arm.accept_limit));
    return;
  }
  read_known(draft, node, "accept_limit", {"threads"});
  if (!has_threads(draft.scenario, arm)) {
    table.problem("accept_limit",
                  fmt::format("accept_limit = \"threads\": {} has no threads; write a number", table.what()));
  }
  arm.accept_limit = arm.threads;
  draft.limited_by_threads.insert(arm.id);
}

void read_accept(Draft& draft, const TableReader& table, Arm& arm) {
  if (const toml::node* node = table.find("accept")) {
    std::vector<std::string> words;
    for (const Accept policy : kPolicies) words.emplace_back(to_string(policy));
    arm.accept = kPolicies.at(read_known(draft, *node, "accept", words));
    if (arm.accept != Accept::handoff && arm.uses(Resource::thread)) {
      table.problem("accept",
                    fmt::format("accept = \"{}\": {} takes its connections from the master; leave accept out",
                                to_string(arm.accept), arm.mode_name()));
    }
  }
  if (const toml::node* limit = table.find("accept_limit")) read_accept_limit(draft, table, *limit, arm);
}

void read_pool(Draft& draft, const TableReader& table, Arm& arm) {
  const toml::node* node = table.find("pool");
  if (node == nullptr) return;
  arm.pool_processes = read_known(draft, *node, "pool", {"threads", "processes"}) == 1;
  const bool offloads = std::all_of(arm.modes.begin(), arm.modes.end(), [](const Traits& mode) {
    return !mode.uses(Resource::pool) || (mode.handler == Resource::loop && mode.computing == Resource::pool);
  });
  if (offloads && arm.uses(Resource::pool)) return;
  table.problem("pool",
                fmt::format("pool belongs to mode = \"offload\", whose steps can be sent to processes; "
                            "{} runs {}",
                            table.what(), arm.mode_name()));
}

void read_database(Draft& draft, const TableReader& table, Arm& arm) {
  arm.connections = static_cast<int>(table.integer("connections", 1, kMaxConnections, 0));
  if (!table.has("connections") || any_step(draft.scenario, holds_connection)) return;
  table.problem("connections",
                "connections changes nothing: no step is a query or a wait with connection = true");
}

void read_counters(Draft& draft, const TableReader& table, Arm& arm) {
  const toml::node* node = table.find("counters");
  if (node == nullptr) return;
  arm.shared_counters = read_known(draft, *node, "counters", {"process", "shared"}) == 1;
  const auto counts = [](const Step& step) { return std::holds_alternative<Increment>(step.action); };
  if (!any_step(draft.scenario, counts))
    table.problem("counters", "counters changes nothing: no step is increment = true");
}

void read_loop_settings(Draft& draft, const TableReader& table, Arm& arm) {
  arm.cancel = table.flag("cancel", false);
  if (arm.cancel && std::none_of(arm.modes.begin(), arm.modes.end(), can_cancel)) {
    table.problem("cancel",
                  fmt::format("cancel changes nothing: only a handler of async-loop can be ended while "
                              "it waits, and {} runs {}",
                              table.what(), arm.mode_name()));
  }
  const toml::node* node = table.find("backend");
  if (node == nullptr) return;
  arm.backend =
      read_known(draft, *node, "backend", {"epoll", "io_uring"}) == 0 ? Backend::epoll : Backend::io_uring;
  if (arm.uses(Resource::thread))
    table.problem("backend", fmt::format("backend changes nothing: {} has no loop", arm.mode_name()));
}

void read_settings(Draft& draft, const TableReader& table, Arm& arm) {
  read_accept(draft, table, arm);
  read_pool(draft, table, arm);
  read_database(draft, table, arm);
  read_counters(draft, table, arm);
  read_loop_settings(draft, table, arm);
  arm.queues = queues_of_arm(draft, table.find("queues"), table.what());
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
  double number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!std::isfinite(number) || number < 0) return std::nullopt;
  return percent ? number / 100 : number;
}

/// The figure as a plain value, in seconds where the stat is a time.
double figure(Draft& draft, const toml::node& node, const Documented& documented, std::string_view what) {
  if (documented.stat.is_time()) {
    const Result<Nanos> span = parse_duration(bare(documented.text));
    if (span) return seconds(*span);
    draft.problems.at(node.source(), fmt::format("{}: {} is no figure with a unit, such as \"~1.1s\"", what,
                                                 in_quotes(documented.text)));
    return 0;
  }
  const std::optional<double> number = parse_number(bare(documented.text));
  if (!number) {
    draft.problems.at(node.source(), fmt::format("{}: {} is no plain number, such as \"~18000\"", what,
                                                 in_quotes(documented.text)));
  }
  return number.value_or(0);
}

void read_figure(Draft& draft, const toml::key& key, const toml::node& node, const std::string& case_id,
                 std::string_view what, std::vector<Documented>& figures) {
  Documented documented;
  documented.stat = read_stat(draft, key.str(), key.source());
  documented.case_id = case_id;
  const std::string naming = fmt::format("{} of {}", in_quotes(key.str()), what);
  if (node.is_number()) {
    documented.text = node.is_integer() ? fmt::format("{}", node.value_or(std::int64_t{0}))
                                        : fmt::format("{}", node.value_or(0.0));
  } else {
    documented.text = read_text(draft.problems, node, naming);
  }
  if (draft.problems.any()) return;
  documented.value = figure(draft, node, documented, naming);
  figures.push_back(std::move(documented));
}

void read_case_figures(Draft& draft, const toml::key& key, const toml::table& table, std::string_view what,
                       std::vector<Documented>& figures) {
  const std::vector<std::string> cases = ids_of(draft.scenario.cases);
  const std::string case_id(key.str());
  if (!contains(cases, case_id)) {
    draft.problems.at(key.source(),
                      fmt::format("{} names the unknown case {}{}; a stat with dots needs quotes, as "
                                  "\"ping.latency.max\"",
                                  what, in_quotes(case_id), suggestion(case_id, cases)));
    return;
  }
  for (const auto& [stat, value] : in_file_order(table)) {
    read_figure(draft, *stat, *value, case_id, what, figures);
    if (draft.problems.any()) return;
  }
}

std::vector<Documented> read_documented(Draft& draft, const toml::node& node, std::string_view what) {
  std::vector<Documented> figures;
  const toml::table* table = read_table(
      draft.problems, node, fmt::format("{} must be a table such as {{ makespan = \"~1.1s\" }}", what));
  if (table == nullptr) return figures;
  for (const auto& [key, value] : in_file_order(*table)) {
    if (const toml::table* of_case = value->as_table()) {
      read_case_figures(draft, *key, *of_case, what, figures);
    } else {
      read_figure(draft, *key, *value, "", what, figures);
    }
    if (draft.problems.any()) break;
  }
  return figures;
}

constexpr std::size_t kLongestLabel = 60;

const Traits& read_mode_name(Draft& draft, const toml::node& node) {
  static const Traits kNone{};
  const std::size_t index = read_known(draft, node, "mode", names_of(draft.modes));
  return index < draft.modes.size() ? draft.modes[index] : kNone;
}

/// `mode = { slow = "thread-pool", ping = "async-loop" }`: every route has its word.
void read_mode_table(Draft& draft, const toml::table& table, std::string_view what, Arm& arm) {
  const TableReader reader(draft.problems, table, fmt::format("mode of {}", what),
                           ids_of(draft.scenario.routes));
  for (const Route& route : draft.scenario.routes) {
    const toml::node* node = reader.need(route.name, fmt::format("{} = \"async-loop\"", route.name));
    if (draft.problems.any()) return;
    arm.modes.push_back(read_mode_name(draft, *node));
  }
}

/// Both kinds of server at once would need two listening sockets behind one address.
void check_mixture(Draft& draft, const toml::node& node, const Arm& arm) {
  const auto has_thread = [](const Traits& mode) { return mode.uses(Resource::thread); };
  const auto threads = std::count_if(arm.modes.begin(), arm.modes.end(), has_thread);
  if (threads == 0 || static_cast<std::size_t>(threads) == arm.modes.size()) return;
  const auto thread = std::find_if(arm.modes.begin(), arm.modes.end(), has_thread);
  draft.problems.at(node.source(),
                    fmt::format("{} cannot be mixed with other modes in one arm: a thread holds the whole "
                                "connection there; give it an arm of its own",
                                thread->name));
}

void read_mode(Draft& draft, const TableReader& table, Arm& arm) {
  const toml::node* node = table.need("mode", "mode = \"async-loop\"");
  if (node == nullptr) return;
  if (node->is_string()) {
    arm.modes.assign(draft.scenario.routes.size(), read_mode_name(draft, *node));
  } else if (const toml::table* by_route = read_table(
                 draft.problems, *node,
                 fmt::format("mode of {} must be a word such as \"async-loop\", or a table from routes to "
                             "such words",
                             table.what()))) {
    read_mode_table(draft, *by_route, table.what(), arm);
  }
  if (!draft.problems.any()) check_mixture(draft, *node, arm);
}

void read_label(const TableReader& table, Arm& arm) {
  arm.label = table.text("label");
  if (table.has("label") && arm.label.empty())
    table.problem("label", "label is empty; leave it out for a default");
  if (arm.label.size() > kLongestLabel) {
    table.problem("label", fmt::format("label is longer than {} bytes", kLongestLabel));
  }
}

void read_arm(Draft& draft, const toml::table& table) {
  const auto& arms = draft.scenario.arms;
  Arm arm;
  const toml::node* id = table.get("id");
  const auto id_text = id == nullptr ? std::nullopt : id->value<std::string_view>();
  const std::string what =
      id_text ? fmt::format("arm {}", in_quotes(*id_text)) : fmt::format("arm {}", arms.size() + 1);
  const TableReader reader(
      draft.problems, table, what,
      {"id", "label", "mode", "workers", "threads", "gil", "cores", "accept", "accept_limit", "pool",
       "connections", "counters", "cancel", "backend", "queues", "predict_only", "documented"});
  if (reader.need("id", "id = \"blocking\"") != nullptr) arm.id = read_id(draft, *id, "arm");
  if (id != nullptr && contains(ids_of(arms), arm.id))
    draft.problems.at(id->source(), fmt::format("there is already an arm {}", in_quotes(arm.id)));
  read_mode(draft, reader, arm);
  arm.workers = static_cast<int>(reader.integer("workers", 1, kMaxWorkers, arm.workers));
  arm.threads = static_cast<int>(reader.integer("threads", 1, kMaxThreads, arm.threads));
  if (draft.problems.any()) return;
  if (reader.has("threads") && !has_threads(draft.scenario, arm)) {
    reader.problem("threads", fmt::format("threads changes nothing: {} has neither a pool nor threads",
                                          arm.mode_name()));
  }
  arm.gil = reader.flag("gil", false);
  arm.cores = static_cast<int>(reader.integer("cores", 1, kMaxCores, 0));
  read_settings(draft, reader, arm);
  arm.predict_only = reader.flag("predict_only", false);
  read_label(reader, arm);
  if (draft.problems.any()) return;
  if (arm.label.empty()) arm.label = default_label(draft.scenario, arm);
  if (const toml::node* documented = reader.find("documented")) {
    arm.documented = read_documented(draft, *documented, fmt::format("documented of {}", what));
  }
  draft.scenario.arms.push_back(std::move(arm));
}

}  // namespace

bool has_threads(const Scenario& scenario, const Arm& arm) {
  return arm.uses(Resource::thread) || needs_pool(scenario.routes, arm);
}

std::string default_label(const Scenario& scenario, const Arm& arm) {
  constexpr int kUsualThreads = 40;
  const bool one_mode = std::all_of(arm.modes.begin(), arm.modes.end(),
                                    [&](const Traits& mode) { return mode.name == arm.modes.front().name; });
  std::string label = one_mode && arm.workers == 1 ? std::string(arm.modes.front().fastapi) : arm.mode_name();
  if (has_threads(scenario, arm) && arm.threads != kUsualThreads)
    label += fmt::format(", {} threads", arm.threads);
  if (arm.workers > 1) label += fmt::format(" × {}", arm.workers);
  return label;
}

void read_arms(Draft& draft, const TableReader& file) {
  if (const toml::node* node = file.need("arms", "[[arms]] with id and mode"))
    for_each_table(draft.problems, *node, "arms", kMaxEntries,
                   [&](const toml::table& table) { read_arm(draft, table); });
}

}  // namespace lab
