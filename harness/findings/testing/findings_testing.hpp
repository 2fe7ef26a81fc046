// For the tests of this folder: what is found in an experiment of the model.
#pragma once

#include <algorithm>

#include "harness/findings/finding.hpp"
#include "harness/model/testing/model_testing.hpp"

namespace lab::testing {

using Ids = std::vector<std::string>;

inline const Ids kNone;

inline std::vector<Finding> findings_of(const Experiment& experiment, const Keep& keep,
                                        bool foreign = false) {
  Members members{
      .pool = experiment.arm.threads, .connections = experiment.arm.connections, .queue_workers = 0};
  std::int64_t queue_workers = 0;
  for (const auto& [name, queue] : experiment.arm.queues) {
    members.queue_workers += queue.workers;
    queue_workers += queue.workers;
  }
  std::vector<RequestRecord> records = keep.records;
  std::sort(records.begin(), records.end(),
            [](const RequestRecord& a, const RequestRecord& b) { return a.id < b.id; });
  return find_findings({.records = records,
                        .events = keep.events,
                        .routes = experiment.routes,
                        .load_case = experiment.load_case,
                        .kills = experiment.load_case.kills,
                        .members = members,
                        .queue_workers = queue_workers,
                        .workers = experiment.arm.workers,
                        .cores = experiment.arm.cores > 0 ? experiment.arm.cores : experiment.cores,
                        .foreign = foreign,
                        .began = kModelStart});
}

inline std::vector<Finding> findings_of(const Experiment& experiment) {
  return findings_of(experiment, experiment.observed());
}

inline Ids ids_of(const std::vector<Finding>& findings) {
  Ids ids;
  for (const Finding& finding : findings) ids.push_back(finding.id);
  return ids;
}

inline Ids found(const Experiment& experiment) {
  return ids_of(findings_of(experiment));
}

inline Experiment with(Experiment experiment, void (*change)(Arm&)) {
  change(experiment.arm);
  return experiment;
}

}  // namespace lab::testing
