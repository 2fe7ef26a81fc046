#include <fmt/format.h>

#include <algorithm>

#include "lab/core/text.hpp"
#include "scenarios/loader/draft.hpp"

namespace lab {

namespace {

constexpr std::int64_t kMostWaiting = 1'000'000;

/// Where whole handlers go in mode `task-queue` when a plan names no queue.
constexpr std::string_view kUsualQueue = "jobs";

/// Changes what the table names.
void read_queue(Draft& draft, const toml::node& node, const std::string& what, QueueSettings& queue) {
  const toml::table* table = node.as_table();
  if (table == nullptr) {
    draft.problems.at(node.source(), fmt::format("{} must be a table such as {{ workers = 2 }}, not {}", what,
                                                 kind_of(node)));
    return;
  }
  const TableReader reader(draft.problems, *table, what, {"workers", "capacity", "scope"});
  queue.workers = static_cast<int>(reader.integer("workers", 1, kMostThreads, queue.workers));
  queue.capacity = reader.integer("capacity", 1, kMostWaiting, queue.capacity);
  if (const toml::node* scope = reader.find("scope"))
    queue.shared = read_known(draft, *scope, "scope", {"process", "shared"}) == 1;
}

const toml::table* read_queue_table(Draft& draft, const toml::node& node, std::string_view what) {
  const toml::table* table = node.as_table();
  if (table == nullptr) {
    draft.problems.at(node.source(),
                      fmt::format("{} must be tables such as [queues.jobs], not {}", what, kind_of(node)));
  }
  return table;
}

bool has_queue_mode(const Arm& arm) {
  return arm.uses(Resource::queue);
}

/// The queues into which something can be put.
std::vector<std::string> fed_queues(const Scenario& scenario) {
  std::vector<std::string> names;
  for (const Route& route : scenario.routes) {
    for_each_step(route.plan, [&](const Step& step) {
      if (const auto* job = std::get_if<Enqueue>(&step.action)) names.push_back(job->queue);
    });
  }
  if (std::any_of(scenario.arms.begin(), scenario.arms.end(), has_queue_mode))
    names.emplace_back(kUsualQueue);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace

void read_queues(Draft& draft, const TableReader& file) {
  const toml::node* node = file.find("queues");
  const toml::table* table = node == nullptr ? nullptr : read_queue_table(draft, *node, "queues");
  if (table == nullptr) return;
  for (const auto& [key, value] : in_file_order(*table)) {
    check_id(draft, *key, "queue");
    const std::string name(key->str());
    draft.queue_places[name] = key->source();
    read_queue(draft, *value, fmt::format("queue {}", in_quotes(name)), draft.queues[name]);
    if (draft.problems.any()) return;
  }
}

std::map<std::string, QueueSettings> queues_of_arm(Draft& draft, const toml::node* node,
                                                   std::string_view what) {
  std::map<std::string, QueueSettings> queues = draft.queues;
  const toml::table* table =
      node == nullptr ? nullptr : read_queue_table(draft, *node, fmt::format("queues of {}", what));
  if (table == nullptr) return queues;
  for (const auto& [key, value] : in_file_order(*table)) {
    check_id(draft, *key, "queue");
    const std::string name(key->str());
    draft.queue_places.emplace(name, key->source());
    read_queue(draft, *value, fmt::format("queue {} of {}", in_quotes(name), what), queues[name]);
    if (draft.problems.any()) break;
  }
  return queues;
}

void check_queues(Draft& draft) {
  const std::vector<std::string> fed = fed_queues(draft.scenario);
  const auto is_fed = [&](const std::string& name) {
    return std::find(fed.begin(), fed.end(), name) != fed.end();
  };
  for (const auto& [name, where] : draft.queue_places) {
    if (is_fed(name)) continue;
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
      if (!is_fed(fetch->queue)) {
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
