#include <fmt/format.h>

#include <algorithm>

#include "lab/core/text.hpp"
#include "scenarios/loader/draft.hpp"

namespace lab {

namespace {

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
  if (const toml::table* by_route = node->as_table()) {
    read_mode_table(draft, *by_route, table.what(), arm);
  } else if (node->is_string()) {
    arm.modes.assign(draft.scenario.routes.size(), read_mode_name(draft, *node));
  } else {
    table.problem(
        "mode",
        fmt::format("mode of {} must be a word such as \"async-loop\", or a table from routes to such "
                    "words, not {}",
                    table.what(), kind_of(*node)));
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
  const std::vector<std::string> taken = ids_of(arms);
  if (id != nullptr && std::find(taken.begin(), taken.end(), arm.id) != taken.end()) {
    draft.problems.at(id->source(), fmt::format("there is already an arm {}", in_quotes(arm.id)));
  }
  read_mode(draft, reader, arm);
  arm.workers = static_cast<int>(reader.integer("workers", 1, kMostWorkers, arm.workers));
  arm.threads = static_cast<int>(reader.integer("threads", 1, kMostThreads, arm.threads));
  if (draft.problems.any()) return;
  if (reader.has("threads") && !has_threads(draft.scenario, arm)) {
    reader.problem("threads", fmt::format("threads changes nothing: {} has neither a pool nor threads",
                                          arm.mode_name()));
  }
  arm.gil = reader.flag("gil", false);
  arm.cores = static_cast<int>(reader.integer("cores", 1, kMostCores, 0));
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
  const toml::node* node = file.need("arms", "[[arms]] with id and mode");
  if (node == nullptr) return;
  for (const toml::table* table : read_tables(draft.problems, *node, "arms", kMostEntries)) {
    read_arm(draft, *table);
    if (draft.problems.any()) return;
  }
}

}  // namespace lab
