#include "lab/cli/verify.hpp"

#include <algorithm>

#include "lab/cli/verify_run.hpp"
#include "lab/experiment/interrupt.hpp"

namespace lab {

namespace {

bool same(const Measure& a, const Measure& b) {
  return a.arm == b.arm && a.case_id == b.case_id && a.stat == b.stat;
}

/// The batch of that scenario and engine, made where there is none yet.
VerifyBatch& batch_of(std::vector<VerifyBatch>& batches, const Measure& measure, const ClaimsFile& file,
                      const VerifyOptions& options) {
  for (VerifyBatch& batch : batches) {
    if (batch.scenario == measure.scenario && batch.engine == measure.engine) return batch;
  }
  VerifyBatch batch{measure.scenario, measure.engine, options.scale, 0, {}};
  if (const auto needs = file.runs.find(measure.scenario); needs != file.runs.end()) {
    batch.scale = std::max(options.scale, needs->second.least_scale);
    batch.cores = needs->second.cores;
  }
  return batches.emplace_back(std::move(batch));
}

}  // namespace

std::set<std::pair<std::string, std::string>> VerifyBatch::pairs() const {
  std::set<std::pair<std::string, std::string>> pairs;
  for (const Measure& measure : measures) pairs.emplace(measure.arm, measure.case_id);
  return pairs;
}

std::vector<VerifyBatch> plan_batches(const ClaimsFile& file, const std::vector<const Claim*>& claims,
                                      const VerifyOptions& options) {
  std::vector<VerifyBatch> batches;
  const auto add = [&](const Measure& measure) {
    VerifyBatch& batch = batch_of(batches, measure, file, options);
    const auto known = std::find_if(batch.measures.begin(), batch.measures.end(),
                                    [&](const Measure& other) { return same(other, measure); });
    if (known == batch.measures.end()) batch.measures.push_back(measure);
  };
  for (const Claim* claim : claims) {
    for (const Condition* condition : claim->conditions()) {
      add(condition->left);
      if (condition->right) add(*condition->right);
    }
  }
  return batches;
}

VerifyResult verify(const ClaimsFile& file, const std::vector<const Claim*>& claims,
                    const VerifyOptions& options, const VerifyObserver& observer) {
  VerifyResult result;
  result.scale = options.scale;
  result.repetitions = options.repetitions;
  const Nanos began = monotonic_now();
  Readings readings;
  // Beside three repetitions six more carry an interval that one outlier on either side does not widen. What
  // others disturbed is taken anew, and on a machine that they keep busy more is only more of the same.
  const auto more_of = [&](const VerifyBatch& batch) {
    const bool kept = std::any_of(batch.measures.begin(), batch.measures.end(),
                                  [&](const Measure& measure) { return readings.get(measure).usable(); });
    const bool busy = 2 * result.noise.size() >= result.times.size();
    return kept && !busy ? 2 * options.repetitions : options.repetitions;
  };
  const auto run_all = [&](const std::vector<VerifyBatch>& batches, VerifyOptions how, bool again) {
    for (std::size_t i = 0; i < batches.size() && !result.interrupted && interrupt_signal() == 0; ++i) {
      const VerifyBatch& batch = batches[i];
      const auto started = [&](Nanos estimate) {
        if (observer.started) observer.started(batch, i + 1, batches.size(), again, estimate);
      };
      const Nanos start = monotonic_now();
      Readings found;
      if (again) how.repetitions = more_of(batch);
      const BatchEnd end = take_readings(batch, how, observer, started, found);
      for (const Measure& measure : batch.measures) readings.add(measure, found.get(measure));
      readings.set(batch.scenario, batch.engine, found.setting(batch.measures.front()));
      result.times.push_back({batch.scenario, batch.engine, again, seconds(monotonic_now() - start)});
      result.interrupted = end.interrupted;
      if (!end.noise.empty()) result.noise.push_back(end.noise);
    }
  };
  run_all(plan_batches(file, claims, options), options, false);
  for (const Claim* claim : claims) result.claims.push_back(check_claim(*claim, readings));
  // What a spread or others left open, and what differs from the record, is run again, and once more.
  constexpr int kMoreRounds = 2;
  for (int round = 0; round < kMoreRounds && !result.interrupted; ++round) {
    std::vector<ClaimCheck*> open;
    std::vector<const Claim*> open_claims;
    for (ClaimCheck& check : result.claims) {
      if (!check.worth_repeating()) continue;
      open.push_back(&check);
      open_claims.push_back(check.claim);
    }
    VerifyOptions more = options;
    more.seed = options.seed + static_cast<std::uint64_t>(round) + 1;
    run_all(plan_batches(file, open_claims, more), more, true);
    for (ClaimCheck* check : open) *check = check_claim(*check->claim, readings);
  }
  result.interrupted = result.interrupted || interrupt_signal() != 0;
  if (result.interrupted) {
    result.not_decided = result.undecided().size();
    std::erase_if(result.claims, [](const ClaimCheck& check) { return check.undecided(); });
  }
  result.seconds = seconds(monotonic_now() - began);
  return result;
}

}  // namespace lab
