#include "lab/report/arm_findings.hpp"

#include <algorithm>
#include <map>

#include "lab/experiment/experiment.hpp"

namespace lab {

namespace {

Members members_of(const Arm& arm) {
  Members members{.pool = arm.threads, .connections = arm.connections, .queue_workers = 0};
  for (const auto& [name, queue] : arm.queues) {
    // Workers of a shared queue are told of among the server's, by turns.
    members.queue_workers += queue.shared ? (queue.workers + arm.workers - 1) / arm.workers : queue.workers;
  }
  return members;
}

std::int64_t queue_workers_of(const Arm& arm) {
  std::int64_t all = 0;
  for (const auto& [name, queue] : arm.queues)
    all += queue.shared ? queue.workers : std::int64_t{queue.workers} * arm.workers;
  return all;
}

bool answers_with_an_id(const Arm& arm) {
  return std::any_of(arm.modes.begin(), arm.modes.end(),
                     [](const Traits& mode) { return mode.computing == Resource::queue; });
}

/// A server of one's own may do another plan, connections are cut for many reasons, and nobody tells us of
/// its workers' ends.
bool cannot_be_told(const Finding& finding, const Arm& arm, const Case& load_set, const std::string& engine) {
  if (finding.id == "LAB108") return engine == kServer || answers_with_an_id(arm);
  if (finding.id == "LAB116") return engine != kNative && engine != kModel && load_set.kills.empty();
  return false;
}

}  // namespace

std::vector<Finding> find_in_repetition(const std::vector<Route>& routes, const Arm& arm,
                                        const Case& load_set, int cores, double pace,
                                        const RunRepetition& repetition) {
  return find_findings({.records = repetition.records,
                        .events = repetition.events,
                        .routes = routes,
                        .load_set = load_set,
                        .kills = kills_of(repetition, load_set),
                        .members = members_of(arm),
                        .queue_workers = queue_workers_of(arm),
                        .workers = arm.workers,
                        .cores = cores,
                        .pace = pace,
                        .foreign = repetition.engine != kNative && repetition.engine != kModel,
                        .began = repetition.began});
}

std::vector<Finding> common_findings(std::vector<std::vector<Finding>> each, std::size_t typical,
                                     const Arm& arm, const Case& load_set, const std::string& engine) {
  std::map<std::string, std::size_t> seen;
  for (const std::vector<Finding>& some : each) {
    for (const Finding& finding : some) ++seen[finding.id];
  }
  std::rotate(each.begin(), each.begin() + static_cast<std::ptrdiff_t>(typical),
              each.begin() + static_cast<std::ptrdiff_t>(typical) + 1);
  std::vector<Finding> findings;
  for (std::vector<Finding>& some : each) {
    for (Finding& finding : some) {
      const bool known = std::any_of(findings.begin(), findings.end(),
                                     [&](const Finding& other) { return other.id == finding.id; });
      const bool common = seen[finding.id] * 2 >= each.size();
      if (!known && common && !cannot_be_told(finding, arm, load_set, engine))
        findings.push_back(std::move(finding));
    }
  }
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return a.cost_s > b.cost_s; });
  return findings;
}

}  // namespace lab
