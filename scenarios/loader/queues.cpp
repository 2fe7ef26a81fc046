#include <fmt/format.h>

#include <algorithm>

#include "lab/core/text.hpp"
#include "scenarios/loader/draft.hpp"

namespace lab {

namespace {

constexpr std::int64_t kMaxWaiting = 1'000'000;

/// Where whole handlers go in mode `task-queue` when a plan names no queue.
constexpr std::string_view kUsualQueue = "jobs";

/// Changes what the table names.
void read_queue(Draft& draft, const toml::node& node, const std::string& what, QueueSettings& queue) {
  const toml::table* table =
      read_table(draft.problems, node, fmt::format("{} must be a table such as {{ workers = 2 }}", what));
  if (table == nullptr) return;
  const TableReader reader(draft.problems, *table, what, {"workers", "capacity", "scope"});
  queue.workers = static_cast<int>(reader.integer("workers", 1, kMaxThreads, queue.workers));
  queue.capacity = reader.integer("capacity", 1, kMaxWaiting, queue.capacity);
  if (const toml::node* scope = reader.find("scope"))
    queue.shared = read_known(draft, *scope, "scope", {"process", "shared"}) == 1;
}

/// The tables of queues under a node that may be null; `place` is called with each name and key.
template <class Place>
void read_queue_tables(Draft& draft, const toml::node* node, std::string_view of,
                       std::map<std::string, QueueSettings>& queues, const Place& place) {
  const toml::table* table =
      node == nullptr ? nullptr
                      : read_table(draft.problems, *node,
                                   fmt::format("queues{} must be tables such as [queues.jobs]", of));
  if (table == nullptr) return;
  for (const auto& [key, value] : in_file_order(*table)) {
    check_id(draft, *key, "queue");
    const std::string name(key->str());
    place(name, *key);
    read_queue(draft, *value, fmt::format("queue {}{}", in_quotes(name), of), queues[name]);
    if (draft.problems.any()) return;
  }
}

/// The queues into which something can be put.
std::vector<std::string> fed_queues(const Scenario& scenario) {
  std::vector<std::string> names;
  for (const Route& route : scenario.routes) {
    for_each_step(route.plan, [&](const Step& step) {
      if (const auto* job = std::get_if<Enqueue>(&step.action)) names.push_back(job->queue);
    });
  }
  if (std::any_of(scenario.arms.begin(), scenario.arms.end(),
                  [](const Arm& arm) { return arm.uses(Resource::queue); }))
    names.emplace_back(kUsualQueue);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace

void read_queues(Draft& draft, const TableReader& file) {
  read_queue_tables(
      draft, file.find("queues"), "", draft.queues,
      [&](const std::string& name, const toml::key& key) { draft.queue_places[name] = key.source(); });
}

std::map<std::string, QueueSettings> queues_of_arm(Draft& draft, const toml::node* node,
                                                   std::string_view what) {
  std::map<std::string, QueueSettings> queues = draft.queues;
  read_queue_tables(
      draft, node, fmt::format(" of {}", what), queues,
      [&](const std::string& name, const toml::key& key) { draft.queue_places.emplace(name, key.source()); });
  return queues;
}

void check_queues(Draft& draft) {
  const std::vector<std::string> fed = fed_queues(draft.scenario);
  for (const auto& [name, where] : draft.queue_places) {
    if (contains(fed, name)) continue;
    draft.problems.at(where,
                      fmt::format("nothing is put into queue {}{}", in_quotes(name),
                                  fed.empty() ? "; a step { enqueue = … } or mode = \"task-queue\" does it"
                                              : suggestion(name, fed)));
  }
  for (std::size_t r = 0; r < draft.scenario.routes.size(); ++r) {
    std::size_t at = 0;
    const Route& route = draft.scenario.routes[r];
    for (const Dependency& dependency : route.depends)
      for_each_step(dependency.steps, [&](const Step&) { ++at; });
    for_each_step(route.plan, [&](const Step& step) {
      const auto* fetch = std::get_if<FetchResult>(&step.action);
      const std::size_t place = at++;
      if (fetch == nullptr) return;
      if (!contains(fed, fetch->queue)) {
        draft.problems.at(draft.step_places[r][place],
                          fmt::format("result: unknown queue {}{}", in_quotes(fetch->queue),
                                      fed.empty() ? "; no step puts anything into a queue"
                                                  : suggestion(fetch->queue, fed)));
      } else if (route.path.find('{') == std::string::npos) {
        draft.problems.at(draft.step_places[r][place],
                          fmt::format("result: the job's id comes from the path; write for example request = "
                                      "\"GET {}/{{task_id}}\"",
                                      route.path == "/" ? "/result" : route.path));
      }
    });
  }
}

}  // namespace lab
