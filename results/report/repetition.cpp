#include "results/report/repetition.hpp"

#include <algorithm>

#include "harness/model/model.hpp"
#include "harness/statistics/statistics.hpp"
#include "lab/core/scenario.hpp"

namespace lab {

namespace {

class Collector : public RecordSink, public EventSink {
 public:
  explicit Collector(RunRepetition& repetition) : repetition_(repetition) {}
  void record(const RequestRecord& record) override { repetition_.records.push_back(record); }
  void event(const Event& event) override { repetition_.events.push_back(event); }

 private:
  RunRepetition& repetition_;
};

}  // namespace

RunRepetition simulate_repetition(const Scenario& scenario, const Arm& arm, const Case& load_case, int cores,
                                  int number, std::uint64_t seed, bool with_events, std::uint64_t lot,
                                  Nanos slice) {
  RunRepetition repetition;
  repetition.arm = arm.id;
  repetition.case_id = load_case.id;
  repetition.engine = kModel;
  repetition.number = number;
  repetition.began = kModelStart;
  Collector collector(repetition);
  const ModelInput input{&scenario.routes, &arm, &load_case, cores, seed, lot, false, slice};
  simulate(input, &collector, with_events ? &collector : nullptr);
  std::sort(repetition.records.begin(), repetition.records.end(),
            [](const RequestRecord& a, const RequestRecord& b) { return a.id < b.id; });
  return repetition;
}

std::optional<double> evaluate(const Stat& stat, const RunRepetition& repetition,
                               const std::vector<Route>& routes, const Case& load_case) {
  const ServerUse* server = repetition.server.known() ? &repetition.server : nullptr;
  return evaluate(stat, RepetitionData{repetition.records, routes, &repetition.events, server,
                                       kills_of(repetition, load_case), repetition.began,
                                       repetition.engine != kNative && repetition.engine != kModel});
}

}  // namespace lab
