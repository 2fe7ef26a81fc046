#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "scenarios/loader/draft.hpp"

namespace lab {

namespace {

constexpr std::array<Accept, 4> kPolicies{Accept::handoff, Accept::one, Accept::greedy, Accept::reuseport};

/// Whether a route of the scenario holds a step of which `says` is true, dependencies included.
template <class Says>
bool any_step(const Scenario& scenario, const Says& says) {
  bool found = false;
  const auto look = [&](const Step& step) { found |= says(step); };
  for (const Route& route : scenario.routes) {
    for (const Dependency& dependency : route.depends) for_each_step(dependency.steps, look);
    for_each_step(route.plan, look);
  }
  return found;
}

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
    arm.accept_limit = static_cast<int>(table.integer("accept_limit", 0, kMostThreads, arm.accept_limit));
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
  arm.connections = static_cast<int>(table.integer("connections", 1, kMostConnections, 0));
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

}  // namespace

void read_settings(Draft& draft, const TableReader& table, Arm& arm) {
  read_accept(draft, table, arm);
  read_pool(draft, table, arm);
  read_database(draft, table, arm);
  read_counters(draft, table, arm);
  read_loop_settings(draft, table, arm);
  arm.queues = queues_of_arm(draft, table.find("queues"), table.what());
}

}  // namespace lab
